// A lookup's state in a word, and how far it is.
import type { Lookup } from "../api/shapes.ts";
import { Progress } from "../ui/bars.tsx";
import { distance, number, time } from "../ui/format.ts";
import { Badge } from "../ui/parts.tsx";

type Tone = "calm" | "good" | "warn" | "bad";

const WORDS: Record<string, [word: string, tone: Tone]> = {
  active: ["in progress", "calm"],
  paused: ["paused", "warn"],
  completed: ["completed", "good"],
  cancelled: ["cancelled", "calm"],
  standing: ["standing", "calm"],
};

export function StateBadge({ lookup }: { lookup: Lookup }) {
  const [word, tone] = WORDS[lookup.state] ?? [lookup.state, "calm"];
  return <Badge tone={tone}>{word}</Badge>;
}

const TONES: Record<string, string> = { completed: "done", paused: "stopped", cancelled: "stopped" };

export function LookupProgress({ lookup }: { lookup: Lookup }) {
  const value = lookup.state === "completed" ? 1 : (lookup.progress ?? 0);
  return <Progress label={`Progress of ${lookup.lookup_id}`} value={value} tone={TONES[lookup.state] ?? "calm"} />;
}

/** When it ended, or when it will. */
export function endOf(lookup: Lookup): string {
  if (lookup.finished_at != null) return `ended ${time(lookup.finished_at)}`;
  if (lookup.state === "paused") return "when resumed";
  return lookup.estimate == null ? "" : `done ${distance(lookup.estimate.done_at)}`;
}

export const isEnded = (lookup: Lookup): boolean => lookup.state === "completed" || lookup.state === "cancelled";

/** How many were requested; a long roster is counted while it is read. */
export const requestedOf = (lookup: Lookup): string =>
  `${lookup.requested_is_estimated === true ? "about " : ""}${number(lookup.counts.requested)}`;
