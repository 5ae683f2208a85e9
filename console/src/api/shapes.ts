// The shapes of the answers that the pages read.
import type { Lookup } from "../../generated/api.ts";

export type { Counts, Delivery, DeliveryPage, DryRun, Estimate, Gate, GrantedPeriod, Grants, Lookup, LookupPage, Outcomes, OwnWebhook, Profile, Quota, ResultFile,
  ResultPage, Roster, RosterPreview, Schedule, SchedulePage } from "../../generated/api.ts";

export interface PartnerUse {
  name: string;
  weight: number;
  users_per_day: number | null;
  today: { users: number; limit: number; left: number; resets_at: string } | null;
  running: number;
  unfinished: number;
  waiting_users: number;
}

export interface PartnersLookups {
  lookups: (Lookup & { partner: string })[];
  next: string | null;
}

export interface DeadLetters {
  queues: { name: string; waiting: number; can_redrive: boolean }[];
}

export interface Redrive {
  queue: string;
  dry_run: boolean;
  waiting: number;
  seen: number;
  actions: { sent: number; retried: number; dropped: number; left: number };
  users: Record<string, number>;
  users_of_all: Record<string, number>;
  minutes: Record<string, number>;
  left_because: { reason: string; letters: number }[];
}
