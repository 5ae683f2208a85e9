// Progress over time, as far as this page has seen it: it is remembered while the window lives.
import { useMemo } from "preact/hooks";

import type { Lookup } from "../../api/shapes.ts";
import { Chart } from "../../ui/chart.tsx";
import { number } from "../../ui/format.ts";
import { Panel } from "../../ui/parts.tsx";
import { isEnded } from "../states.tsx";

const [MOST_POINTS, MOST_LOOKUPS] = [600, 50];
const ENDS = 2; // points of a lookup that nobody watched: its submission and its end

interface Seen {
  times: number[];
  done: number[];
}

const courses = new Map<string, Seen>();

export function Course({ lookup }: { lookup: Lookup }) {
  const seen = useMemo(() => noted(lookup), [lookup]);
  if (isEnded(lookup) && seen.times.length <= ENDS) return null;
  const series = [{ name: "done", color: "--accent", values: seen.done, isLine: true }];
  const { requested } = lookup.counts;
  return (
    <Panel title="Progress over time" aside={<span class="note">from its submission, as this page has seen it</span>}>
      <Chart label={`${number(doneOf(lookup))} of ${number(requested)} users are done`} times={seen.times} series={series} height={160} />
    </Panel>
  );
}

const secondsOf = (iso: string | null | undefined): number => new Date(iso ?? 0).getTime() / 1000;
const doneOf = ({ counts: { found, not_found, invalid, failed } }: Lookup): number => found + not_found + invalid + failed;

/** Note how far a lookup is now, and return what was noted of it. */
function noted(lookup: Lookup): Seen {
  const before = courses.get(lookup.lookup_id) ?? { times: [secondsOf(lookup.submitted_at)], done: [0] };
  const last = before.times.at(-1) ?? 0;
  const now = Math.max(lookup.finished_at == null ? Date.now() / 1000 : secondsOf(lookup.finished_at), last + 0.001);
  const isOld = isEnded(lookup) && before.done.at(-1) === doneOf(lookup);
  const seen = isOld ? before : { times: keep(before.times, now), done: keep(before.done, doneOf(lookup)) };
  courses.delete(lookup.lookup_id);
  courses.set(lookup.lookup_id, seen);
  const [oldest] = courses.keys();
  if (courses.size > MOST_LOOKUPS && oldest !== undefined) courses.delete(oldest);
  return seen;
}

/** Add a value; of very many every second one is kept, but the first and the last. */
function keep(values: number[], value: number): number[] {
  const all = [...values, value];
  return all.length <= MOST_POINTS ? all : all.filter((_, at) => at % 2 === 0 || at === all.length - 1);
}
