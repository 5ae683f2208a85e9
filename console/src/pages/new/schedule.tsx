// A list that is looked up again and again: put together as for a lookup, and kept under a name.
import { useId, useState } from "preact/hooks";

import type { Grants } from "../../api/shapes.ts";
import { addressOf, go } from "../../router.ts";
import { Field, Heading, Panel } from "../../ui/parts.tsx";
import { Contents } from "./contents.tsx";
import { estimate, keep, opened, source } from "./draft.ts";
import { Settings } from "./settings.tsx";
import { Source } from "./source.tsx";
import { LastStep, Prepare, Sent, Takes } from "./start.tsx";
import { type Times, When, expressionOf } from "./when.tsx";

const NAME = "[a-z][a-z0-9\\-]{0,29}"; // the service's own rule, as the pattern of an input
const EVERY_DAY: Times = { every: "day", at: "06:00", weekday: "MON", own: "", zone: Intl.DateTimeFormat().resolvedOptions().timeZone };

export function NewSchedulePage({ grants }: { grants: Grants }) {
  const isReadable = opened.value !== null && opened.value.refused === null;
  return (
    <>
      <p>
        <a href={addressOf("schedules")}>Schedules</a>
      </p>
      <Heading title="New schedule" />
      <Source most={grants.limits.roster_bytes} />
      {source.value !== null && opened.value !== null && <Contents source={source.value} opened={opened.value} />}
      {isReadable && <Settings grants={grants} hasFormats={false} />}
      {isReadable && <Keep />}
    </>
  );
}

function Keep() {
  const id = useId();
  const [name, setName] = useState("");
  const [times, setTimes] = useState(EVERY_DAY);
  const run = (event: Event): void => {
    event.preventDefault();
    void keep(name, expressionOf(times), times.zone).then((isKept) => (isKept ? go("schedules") : undefined));
  };
  return (
    <Panel title="4  When">
      <Sent />
      {estimate.value === null ? (
        <Prepare />
      ) : (
        <form class="steps" autoComplete="off" onSubmit={run}>
          <Field id={id} label="Name" hint="Small letters, digits and hyphens, 30 at most. It stands in the ids of its lookups.">
            <input id={id} required pattern={NAME} aria-describedby={`${id}-hint`} value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </Field>
          <When times={times} onChange={setTimes} />
          <p>
            Each time it asks for <Takes estimate={estimate.value} />. They count towards your users of the day.
          </p>
          <LastStep action="Keep the schedule" />
        </form>
      )}
    </Panel>
  );
}
