// What is asked for, among what is granted.
import { useId } from "preact/hooks";

import type { Grants } from "../../api/shapes.ts";
import { workspace } from "../../grants.ts";
import { Fields } from "../../ui/fields.tsx";
import { Freshness } from "../../ui/freshness.tsx";
import { Field, Panel } from "../../ui/parts.tsx";
import { change, settings } from "./draft.ts";

const FORMATS: [value: string, name: string][] = [
  ["", "NDJSON and Parquet"],
  ["csv", "and CSV"],
  ["csv_bom", "and CSV for Excel (with a byte order mark)"],
];

/** What is asked for; a schedule's files have no formats of their own. */
export function Settings({ grants, hasFormats = true }: { grants: Grants; hasFormats?: boolean }) {
  const chosen = settings.value;
  const here = grants.workspaces.find((one) => one.name === workspace.value);
  return (
    <Panel title="3  What you want">
      <div class="grid">
        <div class="steps">
          <Freshness value={chosen.maxAge} isKept={here?.keeps_profiles ?? true} onChange={(maxAge) => change({ maxAge })} />
          {grants.workspaces.length > 1 && <WorkspaceField grants={grants} />}
        </div>
        <div class="steps">
          <Fields granted={here?.fields ?? null} chosen={chosen.fields} onChange={(fields) => change({ fields })} />
          {hasFormats && <Formats granted={grants.formats} />}
        </div>
      </div>
    </Panel>
  );
}

function Formats({ granted }: { granted: string[] }) {
  const id = useId();
  return (
    <Field id={id} label="Files">
      <select id={id} value={settings.value.format} onChange={(event) => change({ format: event.currentTarget.value })}>
        {FORMATS.filter(([value]) => value === "" || granted.includes(value)).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  );
}

function WorkspaceField({ grants }: { grants: Grants }) {
  const id = useId();
  return (
    <Field id={id} label="Workspace">
      <select id={id} value={workspace.value} onChange={(event) => (workspace.value = event.currentTarget.value)}>
        {grants.workspaces.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
    </Field>
  );
}
