// What only an operator does: open a gate, send dead letters again, see everybody's lookups.
import { useId, useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import { usePolled } from "../api/polling.ts";
import type { OperatorLookupPage, PartnerPage, Quota } from "../api/shapes.ts";
import { inWorkspace, workspace } from "../grants.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Pager, usePages } from "../ui/pager.tsx";
import { Empty, Failure, Field, Heading, Panel, Table } from "../ui/parts.tsx";
import { DeadLetterQueues } from "./dead_letters.tsx";
import { GateState } from "./gate_state.tsx";
import { type Filter, Filters, LookupRow, inState } from "./lookups.tsx";

const [GATE_SECONDS, LOOKUPS_SECONDS, PARTNERS_SECONDS] = [5, 15, 60];

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
  const [partner, setPartner] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  const pages = usePages(`${workspace.value} ${partner} ${filter}`);
  const of = partner === "" ? "" : `&partner=${encodeURIComponent(partner)}`;
  const page = usePolled<OperatorLookupPage>(`v1/operator/lookups?${inWorkspace()}&limit=50${of}${inState(filter)}${pages.after}`, LOOKUPS_SECONDS);
  const lookups = page.data?.lookups ?? [];
  return (
    <Panel title="Lookups of partners" aside={<Filters chosen={filter} onChoose={setFilter} />}>
      <Whose chosen={partner} onChoose={setPartner} />
      <Failure error={page.error} />
      {lookups.length === 0 ? (
        <Empty>{page.data === null ? "Reading …" : "There are none."}</Empty>
      ) : (
        <Table label="Lookups, and whose they are" head={["Lookup", "Partner", "State", "Progress", "Requested", "Submitted", "End"]}>
          {lookups.map((one) => (
            <LookupRow key={one.lookup_id} lookup={one} partner={one.partner} />
          ))}
        </Table>
      )}
      <Pager pages={pages} next={page.data?.next ?? null} />
    </Panel>
  );
}

/** Whose lookups are listed: everybody's that have not ended, or all of one partner. */
function Whose({ chosen, onChoose }: { chosen: string; onChoose: (partner: string) => void }) {
  const id = useId();
  const { data } = usePolled<PartnerPage>(`v1/operator/partners?${inWorkspace()}`, PARTNERS_SECONDS);
  return (
    <Field id={id} label="Whose">
      <select id={id} value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">everybody's that have not ended</option>
        {(data?.partners ?? []).map((one) => (
          <option key={one.name} value={one.name}>
            all of {one.name}
          </option>
        ))}
      </select>
    </Field>
  );
}
