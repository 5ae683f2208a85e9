// Lists that are looked up again and again.
import { useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import { usePolled } from "../api/polling.ts";
import type { Schedule, SchedulePage } from "../api/shapes.ts";
import { may } from "../grants.ts";
import { addressOf } from "../router.ts";
import { Confirm } from "../ui/dialog.tsx";
import { duration } from "../ui/format.ts";
import { Pager, usePages } from "../ui/pager.tsx";
import { Empty, Failure, Heading, Notice, Panel, When } from "../ui/parts.tsx";

const SECONDS = 60;
const PER_PAGE = 20;

export function SchedulesPage() {
  const pages = usePages();
  const page = usePolled<SchedulePage>(`v1/schedules?limit=${PER_PAGE}${pages.after}`, SECONDS);
  const next = page.data?.next ?? null;
  const names = page.data?.schedules ?? [];
  return (
    <>
      <Heading title="Schedules">
        {may("lookups/write") && (
          <a class="button main" href={addressOf("schedules", "new")}>
            New schedule
          </a>
        )}
      </Heading>
      <Failure error={page.error} />
      {page.data !== null && names.length === 0 && (
        <Panel title="None yet">
          <Empty>A schedule looks a list up again and again.</Empty>
        </Panel>
      )}
      <div class="grid">
        {names.map((one) => (
          <One key={one.name} name={one.name} onGone={page.again} />
        ))}
      </div>
      <Pager pages={pages} next={next} words={["Before", "More"]} />
    </>
  );
}

function One({ name, onGone }: { name: string; onGone: () => void }) {
  const path = `v1/schedules/${encodeURIComponent(name)}`;
  const schedule = usePolled<Schedule>(path, SECONDS);
  const [isAsking, setAsking] = useState(false);
  const { data } = schedule;
  const remove = async (): Promise<void> => {
    await ask(path, { method: "DELETE" });
    onGone();
  };
  return (
    <Panel title={name} aside={<button type="button" class="danger" aria-label={`Delete ${name}`} onClick={() => setAsking(true)}>Delete</button>}>
      <Failure error={schedule.error} />
      {data !== null && <Facts schedule={data} />}
      {isAsking && (
        <Confirm title={`Delete the schedule ${name}?`} action="Delete" isDangerous onDone={remove} onClose={() => setAsking(false)}>
          <p>Its list is not looked up again. Lookups that it has made stay, and so do their files.</p>
        </Confirm>
      )}
    </Panel>
  );
}

function Facts({ schedule }: { schedule: Schedule }) {
  return (
    <>
      <dl class="facts">
        <dt>When</dt>
        <dd>
          <span class="code">{schedule.expression}</span> ({schedule.time_zone})
        </dd>
        <dt>Workspace</dt>
        <dd>{schedule.workspace}</dd>
        <dt>Attributes</dt>
        <dd>{schedule.fields === null ? "all that are granted" : schedule.fields.join(", ")}</dd>
        <dt>Freshness</dt>
        <dd>{schedule.max_age === 0 ? "MoEngage is asked each time" : `stored in the last ${duration(schedule.max_age)}`}</dd>
        <dt>Last lookup</dt>
        <dd>
          {schedule.last_lookup_id === null ? "none yet" : <a class="code" href={addressOf("lookups", schedule.last_lookup_id)}>{schedule.last_lookup_id}</a>}
        </dd>
      </dl>
      {schedule.last_skipped_at !== null && (
        <Notice tone="warn">
          Skipped <When at={schedule.last_skipped_at} />: {schedule.last_skipped_because}
        </Notice>
      )}
    </>
  );
}
