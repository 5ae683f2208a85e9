// What only an operator does: open a gate, send dead letters again, see everybody's lookups.
import { useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import { usePolled } from "../api/polling.ts";
import type { OperatorLookupPage, Quota } from "../api/shapes.ts";
import { inWorkspace, workspace } from "../grants.ts";
import { Confirm } from "../ui/dialog.tsx";
import { number } from "../ui/format.ts";
import { Empty, Failure, Heading, Panel, Table } from "../ui/parts.tsx";
import { DeadLetterQueues } from "./dead_letters.tsx";
import { GateState } from "./gate_state.tsx";
import { LookupRow } from "./lookups.tsx";

const [GATE_SECONDS, LOOKUPS_SECONDS] = [5, 15];

export function OperatorPage() {
  return (
    <>
      <Heading title="Operator" />
      <GatePanel />
      <DeadLetterQueues />
      <Everybody />
    </>
  );
}

function GatePanel() {
  const quota = usePolled<Quota>(`v1/quota?${inWorkspace()}`, GATE_SECONDS);
  const [isAsking, setAsking] = useState(false);
  const open = async (): Promise<void> => {
    await ask("v1/operator/gate", { method: "POST", body: { workspace: workspace.value, action: "open" } });
    quota.again();
  };
  const isClosed = quota.data?.gate.state === "closed";
  return (
    <Panel title={`The gate of ${workspace.value}`}>
      <Failure error={quota.error} />
      {quota.data !== null && <GateState gate={quota.data.gate} />}
      {isClosed && (
        <div class="actions">
          <button type="button" class="main" onClick={() => setAsking(true)}>
            Open the gate
          </button>
        </div>
      )}
      {isAsking && (
        <Confirm title="Open the gate now?" action="Open it" onDone={open} onClose={() => setAsking(false)}>
          <p>
            MoEngage is asked again at once, by everything that waits. If the cause is still there, the gate closes again with the next
            answer. That you opened it is logged with your name.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}

function Everybody() {
  const [before, setBefore] = useState<string[]>([]);
  const after = before.at(-1);
  const path = `v1/operator/lookups?${inWorkspace()}&limit=50${after === undefined ? "" : `&after=${encodeURIComponent(after)}`}`;
  const page = usePolled<OperatorLookupPage>(path, LOOKUPS_SECONDS);
  const next = page.data?.next ?? null;
  return (
    <Panel title="Unfinished lookups of all partners" aside={<span class="note">page {number(before.length + 1)}</span>}>
      <Failure error={page.error} />
      {page.data === null || page.data.lookups.length === 0 ? (
        <Empty>{page.data === null ? "Reading …" : "Every lookup has ended."}</Empty>
      ) : (
        <Table label="Unfinished lookups" head={["Lookup", "Partner", "State", "Progress", "Requested", "Submitted", "End"]}>
          {page.data.lookups.map((one) => (
            <LookupRow key={one.lookup_id} lookup={one} partner={one.partner} />
          ))}
        </Table>
      )}
      {(before.length > 0 || next !== null) && (
        <div class="row">
          <button type="button" disabled={before.length === 0} onClick={() => setBefore(before.slice(0, -1))}>
            Before
          </button>
          <button type="button" disabled={next === null} onClick={() => next !== null && setBefore([...before, next])}>
            More
          </button>
        </div>
      )}
    </Panel>
  );
}
