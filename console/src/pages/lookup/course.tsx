// Progress over time, as far as this page has seen it.
import { useEffect, useState } from "preact/hooks";

import type { Lookup } from "../../api/shapes.ts";
import { Chart } from "../../ui/chart.tsx";
import { number } from "../../ui/format.ts";
import { Panel } from "../../ui/parts.tsx";

const MOST_POINTS = 600;

interface Seen {
  times: number[];
  done: number[];
}

export function Course({ lookup }: { lookup: Lookup }) {
  const { found, not_found, invalid, failed, requested } = lookup.counts;
  const done = found + not_found + invalid + failed;
  const begin = new Date(lookup.submitted_at ?? 0).getTime() / 1000;
  const [seen, setSeen] = useState<Seen>({ times: [begin], done: [0] });
  useEffect(() => {
    const now = Math.max(Date.now() / 1000, (seen.times.at(-1) ?? 0) + 0.001);
    setSeen((before) => ({
      times: [...before.times, now].slice(-MOST_POINTS),
      done: [...before.done, done].slice(-MOST_POINTS),
    }));
  }, [lookup]);
  const series = [{ name: "done", color: "--accent", values: seen.done, isLine: true }];
  return (
    <Panel title="Progress over time" aside={<span class="note">from its submission, as this page has seen it</span>}>
      <Chart label={`${number(done)} of ${number(requested)} users are done`} times={seen.times} series={series} height={160} />
    </Panel>
  );
}
