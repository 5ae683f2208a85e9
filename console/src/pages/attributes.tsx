// A profile's attributes, as text: whatever they hold, it is never read as markup.
import { useState } from "preact/hooks";

import type { Profile } from "../api/shapes.ts";
import { type Json, type JsonObject, written } from "../roster/json.ts";
import { Badge, Empty, Notice, Table } from "../ui/parts.tsx";

const LONG = 400; // characters shown of a value, unless more is asked for

export function Attributes({ profile, attributes }: { profile: Profile; attributes: JsonObject }) {
  const named = Object.entries(attributes);
  const changed = new Set(profile.changed_fields);
  if (profile.attributes_omitted === true) return <Notice tone="warn">The profile is too large to be shown here: start a lookup for its file.</Notice>;
  if (named.length === 0) return <Empty>It has none of the attributes that were asked for.</Empty>;
  return (
    <Table label="Attributes" head={["Attribute", "Value", "Last change"]}>
      {named.map(([name, value]) => (
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

function Value({ value }: { value: Json }) {
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
