// Dead letters by queue. What sending them again costs is counted and shown before it is done.
import { useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import { usePolled } from "../api/polling.ts";
import type { DeadLetterCounts, Redriven } from "../api/shapes.ts";
import { Confirm } from "../ui/dialog.tsx";
import { many, number } from "../ui/format.ts";
import { Empty, Failure, Notice, Panel, Table } from "../ui/parts.tsx";

const SECONDS = 15;
const NAMES: Record<string, string> = {
  intake: "messages of other systems",
  parts: "parts of lookups",
  answers: "records of answers at once",
  conversions: "rosters to be converted",
  results: "results to be put together",
  webhooks: "events for partners' webhooks",
  erasures: "erasures of people's data",
  "failed-firings": "firings of schedules",
  "undelivered-events": "events that the log did not take",
};

export function DeadLetterQueues() {
  const read = usePolled<DeadLetterCounts>("v1/operator/dead-letters", SECONDS);
  const [plan, setPlan] = useState<Redriven | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState<Redriven | null>(null);
  const count = (queue: string): void => {
    setError(null);
    setDone(null);
    redrive(queue, true).then(setPlan, setError);
  };
  const send = async (queue: string): Promise<void> => {
    setDone(await redrive(queue, false));
    read.again();
  };
  return (
    <Panel title="Dead letters">
      <Failure error={read.error ?? error} />
      {done !== null && <Notice tone="good">{summary(done)}</Notice>}
      {read.data === null ? <Empty>Counting …</Empty> : <Queues read={read.data} onCount={count} />}
      {plan !== null && (
        <Confirm title={`Send ${many(plan.seen, "dead letter")} again?`} action="Send them" isReady={plan.seen > plan.actions.left} onDone={() => send(plan.queue)} onClose={() => setPlan(null)}>
          <Cost plan={plan} />
        </Confirm>
      )}
    </Panel>
  );
}

async function redrive(queue: string, isDry: boolean): Promise<Redriven> {
  const { data } = await ask<Redriven>(`v1/operator/redrive${isDry ? "?dry_run=true" : ""}`, { method: "POST", body: { queue } });
  return data;
}

function summary({ actions: { sent, retried, dropped, left } }: Redriven): string {
  return `${number(sent)} sent, ${number(retried)} retried, ${number(dropped)} dropped, ${number(left)} left where they are.`;
}

function Queues({ read, onCount }: { read: DeadLetterCounts; onCount: (queue: string) => void }) {
  return (
    <Table label="Dead letters by queue" head={["Queue", "What is on it", "Waiting", "What to do"]}>
      {read.queues.map((one) => (
        <tr key={one.name}>
          <td>{one.name.replaceAll("-", " ")}</td>
          <td>{NAMES[one.name] ?? ""}</td>
          <td>{number(one.waiting)}</td>
          <td>
            {one.can_redrive && (
              <button type="button" disabled={one.waiting === 0} aria-label={`Send again … ${one.name}`} onClick={() => onCount(one.name)}>
                Send again …
              </button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Cost({ plan }: { plan: Redriven }) {
  return (
    <>
      <p>
        Of {number(plan.waiting)} that wait, {number(plan.seen)} were looked at: {summary({ ...plan, dry_run: true })}
      </p>
      <ul>
        {Object.entries(plan.users).map(([name, users]) => (
          <li key={name}>
            {name}: <strong>{many(users, "user")}</strong> of the quota, some {number(plan.minutes[name] ?? 0)} minutes for all of
            them ({many(plan.users_of_all[name] ?? users, "user")}).
          </li>
        ))}
      </ul>
      {plan.left_because.map((one) => (
        <Notice key={one.reason} tone="warn">
          {many(one.letters, "letter")} left: <span class="code">{one.reason}</span>
        </Notice>
      ))}
      <p class="note">That you sent them is logged with your name.</p>
    </>
  );
}
