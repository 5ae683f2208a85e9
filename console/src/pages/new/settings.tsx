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

export function Settings({ grants }: { grants: Grants }) {
  const id = useId();
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
          <Field id={id} label="Files">
            <select id={id} value={chosen.format} onChange={(event) => change({ format: event.currentTarget.value })}>
              {FORMATS.filter(([value]) => value === "" || grants.formats.includes(value)).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
        </div>
      </div>
    </Panel>
  );
}

function WorkspaceField({ grants }: { grants: Grants }) {
  const id = useId();
  const select = (name: string): void => {
    workspace.value = name;
    change({ fields: null });
  };
  return (
    <Field id={id} label="Workspace">
      <select id={id} value={workspace.value} onChange={(event) => select(event.currentTarget.value)}>
        {grants.workspaces.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
    </Field>
  );
}
