// A profile's attributes, as text: whatever they hold, it is never read as markup.
import { useState } from "preact/hooks";

import type { Profile } from "../api/shapes.ts";
import { Badge, Empty, Notice, Table } from "../ui/parts.tsx";

const LONG = 400; // characters shown of a value, unless more is asked for

export function Attributes({ profile }: { profile: Profile }) {
  const attributes = Object.entries(profile.user_attributes ?? {});
  const changed = new Set(profile.changed_fields);
  if (profile.attributes_omitted === true) return <Notice tone="warn">The profile is too large to be shown here: start a lookup for its file.</Notice>;
  if (attributes.length === 0) return <Empty>It has none of the attributes that were asked for.</Empty>;
  return (
    <Table label="Attributes" head={["Attribute", "Value", "Last change"]}>
      {attributes.map(([name, value]) => (
        <tr key={name}>
          <td class="code">{name}</td>
          <td>
            <Value value={value} />
          </td>
          <td>{changed.has(name) && <Badge tone="warn">changed</Badge>}</td>
        </tr>
      ))}
    </Table>
  );
}

const ONE_LINE = 80; // characters

function written(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= ONE_LINE ? text : JSON.stringify(value, null, 1);
}

function Value({ value }: { value: unknown }) {
  const [isWhole, setWhole] = useState(false);
  const text = typeof value === "string" ? value : written(value);
  if (text.length <= LONG || isWhole) return <span class="code">{text}</span>;
  return (
    <>
      <span class="code">{text.slice(0, LONG)} …</span>{" "}
      <button type="button" class="plain" onClick={() => setWhole(true)}>
        Show all
      </button>
    </>
  );
}
