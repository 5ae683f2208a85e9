// One glance: how full the minute is and who fills it, what waits and until when, and whether MoEngage is asked at all.
import { usePolled } from "../api/polling.ts";
import type { GrantedPeriod, Quota } from "../api/shapes.ts";
import { inWorkspace } from "../grants.ts";
import { addressOf } from "../router.ts";
import { Stack } from "../ui/bars.tsx";
import { Chart } from "../ui/chart.tsx";
import { useSecond } from "../ui/clock.ts";
import { distance, many, number, share, time } from "../ui/format.ts";
import { Failure, Figure, Heading, Panel } from "../ui/parts.tsx";
import { GateState } from "./gate_state.tsx";
import { HourTable } from "./hour_table.tsx";

const SECONDS = 3;

export function OverviewPage() {
  const quota = usePolled<Quota>(`v1/quota?${inWorkspace()}&minutes=60`, SECONDS);
  const { data } = quota;
  return (
    <>
      <Heading title="Overview" />
      <Failure error={quota.error} />
      {data === null ? <p class="empty">Reading the quota …</p> : <Glance quota={data} readAt={quota.at} />}
    </>
  );
}

interface Read {
  quota: Quota;
  /** When it was read, in milliseconds of this browser's clock. */
  readAt: number;
}

function Glance({ quota, readAt }: Read) {
  return (
    <>
      <GateState gate={quota.gate} />
      <div class="grid wide-first">
        <Minute quota={quota} readAt={readAt} />
        <Waiting quota={quota} />
      </div>
      <Hour quota={quota} />
      {quota.dead_letters != null && <DeadLetterCounts counts={quota.dead_letters} />}
    </>
  );
}

function Minute({ quota, readAt }: Read) {
  const { used, limit, full_limit: full } = quota;
  const free = Math.max(0, limit - used.total);
  const pieces = [
    { name: "on demand", value: used.on_demand, kind: "on_demand" },
    { name: "bulk", value: used.bulk, kind: "bulk" },
    { name: "free", value: free, kind: "free" },
  ];
  const title = quota.window_seconds === 60 ? "This minute" : `The last ${number(quota.window_seconds)} seconds`;
  return (
    <Panel title={title} aside={<strong>{share(limit > 0 ? used.total / limit : 0)} of {number(limit)} users</strong>}>
      <Stack label="Users asked of MoEngage" pieces={pieces} whole={limit} />
      <Seconds quota={quota} readAt={readAt} />
      {limit < full && <p class="note">The limit is lowered from {number(full)} for now: MoEngage refused more. It grows back by itself.</p>}
    </Panel>
  );
}

/** The present window second by second, with the newest on the right: it moves on by itself between two answers. */
function Seconds({ quota, readAt }: Read) {
  const slots = perColumn(quota, new Date(quota.at).getTime() + Math.max(0, useSecond() - readAt));
  const most = Math.max(1, ...slots.map((one) => one.on_demand + one.bulk));
  const percent = (users: number): string => `${(100 * users) / most}%`;
  return (
    <div>
      <div class="seconds" role="img" aria-label={`Users by second, ${number(most)} at most`}>
        {slots.map((one, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- a column is its place in the window
          <span key={at}>
            <i class="bulk" style={{ height: percent(one.bulk) }} />
            <i class="on_demand" style={{ height: percent(one.on_demand) }} />
          </span>
        ))}
      </div>
      <div class="ends">
        <span>{number(quota.window_seconds)} seconds ago</span>
        <span>now</span>
      </div>
    </div>
  );
}

const COLUMNS = 60;

function perColumn(quota: Quota, now: number): { on_demand: number; bulk: number }[] {
  const width = (quota.window_seconds * 1000) / COLUMNS;
  const columns = Array.from({ length: COLUMNS }, () => ({ on_demand: 0, bulk: 0 }));
  for (const slot of quota.window) {
    const age = Math.max(0, now - new Date(slot.until).getTime());
    const column = columns[COLUMNS - 1 - Math.floor(age / width)];
    if (column === undefined) continue;
    column.on_demand += slot.on_demand;
    column.bulk += slot.bulk;
  }
  return columns;
}

function Waiting({ quota }: { quota: Quota }) {
  const { backlog, lookups, last_day: day, today } = quota;
  return (
    <Panel title="Waiting">
      <dl class="figures">
        <Figure name="Users waiting" note={gone(quota)}>
          {number(backlog.users)}
        </Figure>
        <Figure name="In progress" note={<a href={addressOf("lookups")}>{`of ${many(lookups.unfinished, "lookup")}`}</a>}>
          {number(lookups.running)}
        </Figure>
        {day != null && (
          <Figure name="Users, last day" note={`${number(day.on_demand)} on demand`}>
            {number(day.users)}
          </Figure>
        )}
        {today != null && (
          <Figure name="Yours today" note={`${number(today.left)} of ${number(today.limit)} left`}>
            {number(today.users)}
          </Figure>
        )}
      </dl>
    </Panel>
  );
}

/** Write what the backlog takes of the quota, and when it will be gone, by this browser's clock. */
function gone({ backlog: { minutes, done_at: end }, at }: Quota): string {
  if (end === null) return "nothing waits";
  const left = new Date(end).getTime() - new Date(at).getTime();
  const takes = minutes < 1 ? "under a minute" : many(Math.round(minutes), "minute");
  return `${takes} of quota; gone at ${time(Date.now() + left)}, ${distance(end, new Date(at).getTime())}`;
}

function Hour({ quota }: { quota: Quota }) {
  const minutes: GrantedPeriod[] = quota.minutes ?? [];
  if (minutes.length === 0) {
    return (
      <Panel title="The last hour">
        <p class="empty">Nothing is recorded yet: the first minute is still running.</p>
      </Panel>
    );
  }
  const times = minutes.map((one) => new Date(one.from).getTime() / 1000);
  const series = [
    { name: "bulk", color: "--bulk", values: minutes.map((one) => one.bulk) },
    { name: "on demand", color: "--on-demand", values: minutes.map((one) => one.on_demand) },
    { name: "limit", color: "--muted", values: minutes.map(() => quota.limit), isLine: true },
  ];
  const users = minutes.reduce((sum, one) => sum + one.bulk + one.on_demand, 0);
  return (
    <Panel title="The last hour" aside={<span class="note">{many(users, "user")}, by minute</span>}>
      <Chart label={`Users asked of MoEngage in the last hour, by minute: ${number(users)} in all`} times={times} series={series} />
      <HourTable minutes={minutes} />
    </Panel>
  );
}

function DeadLetterCounts({ counts }: { counts: Record<string, number> }) {
  const names = Object.entries(counts);
  const all = names.reduce((sum, [, value]) => sum + value, 0);
  return (
    <Panel title="Dead letters" aside={<a href={addressOf("operator")}>{all === 0 ? "none" : "see what to do"}</a>}>
      <dl class="figures">
        {names.map(([name, value]) => (
          <Figure key={name} name={name.replaceAll("-", " ")}>
            {number(value)}
          </Figure>
        ))}
      </dl>
    </Panel>
  );
}
