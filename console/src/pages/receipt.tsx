// What an erasure has found and removed: it names nobody.
import { useEffect, useState } from "preact/hooks";

import { type Polled, usePolled } from "../api/polling.ts";
import type { Erasure } from "../api/shapes.ts";
import { many, number } from "../ui/format.ts";
import { Badge, Empty, Failure, Notice, Panel, Table, When } from "../ui/parts.tsx";

const [BUSY_SECONDS, QUIET_SECONDS] = [10, 600];
const STATES = {
  running: "every place is being searched",
  verifying: "searched once, and once more when nothing can follow that was on its way",
  completed: "nothing is left",
} as const;
const TONES = { running: "calm", verifying: "calm", completed: "good" } as const;

export function Receipt({ id }: { id: string }) {
  const { data, error } = useReceipt(id);
  return (
    <Panel title="Receipt" aside={data !== null && <Badge tone={TONES[data.state]}>{data.state}</Badge>}>
      <Failure error={error} />
      {data === null ? error === null && <Empty>Reading …</Empty> : <Found erasure={data} />}
    </Panel>
  );
}

/** Read an erasure, often while it goes on. */
function useReceipt(id: string): Polled<Erasure> {
  const [isCompleted, setCompleted] = useState(false);
  const read = usePolled<Erasure>(`v1/erasures/${encodeURIComponent(id)}`, isCompleted ? QUIET_SECONDS : BUSY_SECONDS);
  useEffect(() => setCompleted(read.data?.state === "completed"), [read.data]);
  return read;
}

function Found({ erasure }: { erasure: Erasure }) {
  return (
    <>
      <p>
        {many(erasure.identifiers, "identifier")}: {STATES[erasure.state]}. Keep this id: <strong class="code">{erasure.erasure_id}</strong>
      </p>
      <Facts erasure={erasure} />
      <Removed records={erasure.found} isAll={erasure.state === "completed"} />
      <Needed rosters={erasure.rosters_needed} />
    </>
  );
}

function Facts({ erasure }: { erasure: Erasure }) {
  return (
    <dl class="facts">
      <dt>Workspace</dt>
      <dd>{erasure.workspace}</dd>
      <dt>Asked for</dt>
      <dd><When at={erasure.requested_at} /></dd>
      {erasure.finished_at !== null && <dt>Completed</dt>}
      {erasure.finished_at !== null && <dd><When at={erasure.finished_at} /></dd>}
      <dt>Not looked up until</dt>
      <dd><When at={erasure.tombstone_until} /></dd>
      <dt>Searches</dt>
      <dd>{number(erasure.searches)}</dd>
    </dl>
  );
}

function Removed({ records, isAll }: { records: Record<string, number>; isAll: boolean }) {
  const stores = Object.entries(records);
  if (stores.length === 0) return <p class="note">{isAll ? "Nothing was found." : "Nothing was found so far."}</p>;
  return (
    <Table label="What was removed" head={["Where", "Records removed"]}>
      {stores.map(([store, removed]) => (
        <tr key={store}>
          <td>{store}</td>
          <td>{number(removed)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Needed({ rosters: { own, others } }: { rosters: Erasure["rosters_needed"] }) {
  if (own.length + others === 0) return null;
  return (
    <Notice tone="warn">
      {many(own.length + others, "list")} that a schedule or a lookup still needs will go when nothing does.
      {own.length > 0 && <> Yours: <span class="code">{own.join(", ")}</span></>}
    </Notice>
  );
}
