// The shapes of the answers that the pages read.
import type { Gate, Lookup, Quota } from "../../generated/api.ts";

export type { Counts, DryRun, Estimate, Lookup, LookupPage, Outcomes, Profile, ResultFile, ResultPage, Roster,
  RosterPreview, Schedule, SchedulePage } from "../../generated/api.ts";

export interface Workspace {
  name: string;
  fields: string[] | null;
  quota: { limit: number; window_seconds: number };
  keeps_profiles: boolean;
}

export interface Grants {
  partner: string;
  is_operator: boolean;
  scopes: string[];
  lanes: string[];
  users_per_day: number | null;
  workspaces: Workspace[];
  limits: { identifiers: number; identifiers_to_wait: number; roster_bytes: number };
  formats: string[];
}

export interface Span {
  from: string;
  until: string;
  on_demand: number;
  bulk: number;
}

export interface LiveGate extends Gate {
  explanation: string | null;
  since: string | null;
}

export interface LiveQuota extends Omit<Quota, "gate" | "backlog"> {
  at: string;
  backlog: { users: number; minutes: number; done_at: string | null };
  gate: LiveGate;
  lookups: { running: number; unfinished: number };
  window: Span[];
  minutes?: Span[];
  last_day?: { from: string; users: number; on_demand: number; bulk: number };
  dead_letters?: Record<string, number>;
}

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
