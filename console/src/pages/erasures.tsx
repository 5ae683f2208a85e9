// People whose every copy is removed. Who they are is in this page's memory until they are sent, and nowhere after that.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import type { Erasure, Grants } from "../api/shapes.ts";
import { workspace } from "../grants.ts";
import { Confirm } from "../ui/dialog.tsx";
import { many } from "../ui/format.ts";
import { Field, Heading, Panel } from "../ui/parts.tsx";
import { Receipt } from "./receipt.tsx";

/** Ids of the receipts that this page shows, newest first: an erasure's id names nobody. */
const shown = signal<string[]>([]);

const show = (id: string): void => {
  shown.value = [id, ...shown.value.filter((one) => one !== id)];
};

export function ErasuresPage({ grants }: { grants: Grants }) {
  return (
    <>
      <Heading title="Erasures" />
      <Who most={grants.limits.erased} />
      <Find />
      {shown.value.map((id) => (
        <Receipt key={id} id={id} />
      ))}
    </>
  );
}

function Who({ most }: { most: number }) {
  const [text, setText] = useState("");
  const [type, setType] = useState("customer_id");
  const [isAsking, setAsking] = useState(false);
  const people = [...new Set(text.split(/\r?\n/).map((one) => one.trim()).filter((one) => one !== ""))];
  const erase = async (): Promise<void> => {
    const identifiers = people.map((identifier) => ({ identifier_type: type, identifier }));
    const { data } = await ask<Erasure>("v1/erasures", { method: "POST", body: { identifiers, workspace: workspace.value } });
    setText("");
    show(data.erasure_id);
  };
  const isTooMany = people.length > most;
  return (
    <Panel title="Who is erased">
      <Field id="erased" label="Identifiers, one a line" hint={`${many(people.length, "identifier")}, ${most} at most. Name a person by every identifier that you know.`}>
        <textarea id="erased" autoComplete="off" spellcheck={false} aria-describedby="erased-hint" aria-invalid={isTooMany} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </Field>
      <Field id="erased-type" label="Their type">
        <select id="erased-type" value={type} onChange={(event) => setType(event.currentTarget.value)}>
          <option value="customer_id">customer ids</option>
          <option value="id">MoEngage's own ids</option>
        </select>
      </Field>
      <div class="actions">
        <button type="button" class="danger" disabled={people.length === 0 || isTooMany} onClick={() => setAsking(true)}>
          Erase …
        </button>
      </div>
      {isAsking && (
        <Confirm title={`Erase ${many(people.length, "identifier")}?`} action="Erase them" isDangerous onDone={erase} onClose={() => setAsking(false)}>
          <Consequences />
        </Confirm>
      )}
    </Panel>
  );
}

function Consequences() {
  return (
    <>
      <p>
        <strong>This cannot be undone.</strong> In the workspace {workspace.value} every copy of these people is removed: stored profiles, records in
        the files of all lookups, uploaded lists that nothing needs any more. What was downloaded before is not.
      </p>
      <p>
        From now on nobody looks them up: they are invalid with the reason erased, until an operator lifts that or it expires. MoEngage keeps what
        it has: erase them there, too.
      </p>
    </>
  );
}

/** An erasure from before, by the id of its receipt. */
function Find() {
  const [id, setId] = useState("");
  const find = (event: Event): void => {
    event.preventDefault();
    show(id.trim());
    setId("");
  };
  return (
    <Panel title="A receipt from before">
      <form autoComplete="off" onSubmit={find}>
        <Field id="receipt" label="Id of the erasure">
          <div class="row">
            <input id="receipt" required pattern="\s*[A-Za-z0-9_\-]+\s*" spellcheck={false} value={id} onInput={(event) => setId(event.currentTarget.value)} />
            <button type="submit">Show it</button>
          </div>
        </Field>
      </form>
    </Panel>
  );
}
