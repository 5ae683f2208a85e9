// What the first part of the list shows: format, column, samples, and the lines that will be invalid with the reason.
import type { Opened } from "../../roster/file.ts";
import type { Invalid } from "../../roster/identifiers.ts";
import type { Preview } from "../../roster/preview.ts";
import { many, number } from "../../ui/format.ts";
import { Notice, Panel, Table } from "../../ui/parts.tsx";
import type { Source } from "./draft.ts";

const FORMATS = { csv: "CSV", ndjson: "JSON, one entry a line", json: "JSON", plain: "one customer id a line" };
const DELIMITERS: Record<string, string> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes" };
const SHOWN = 50;
const SAMPLES = 5;

export function Contents({ source, opened }: { source: Source; opened: Opened }) {
  const { preview, refused } = opened;
  return (
    <Panel title="2  What is in it">
      {refused !== null && (
        <Notice tone="bad">
          <strong>This cannot be looked up:</strong> <span class="code">{source.name}</span> {refused}. Nothing was sent.
        </Notice>
      )}
      {preview !== null && refused === null && <Read preview={preview} opened={opened} />}
      {preview !== null && <InvalidLines preview={preview} isWhole={opened.isWhole} />}
    </Panel>
  );
}

function Read({ preview, opened }: { preview: Preview; opened: Opened }) {
  const delimiter = preview.delimiter === null ? "" : `, between ${DELIMITERS[preview.delimiter] ?? "other marks"}`;
  return (
    <>
      <dl class="facts">
        <dt>Format</dt>
        <dd>
          {FORMATS[preview.kind]}
          {delimiter}
        </dd>
        {preview.column !== null && <dt>Column</dt>}
        {preview.column !== null && (
          <dd>
            <span class="code">{preview.column}</span>
            {preview.typeColumn !== null && ` with its type in ${preview.typeColumn}`}
          </dd>
        )}
        <dt>Entries</dt>
        <dd>{opened.isWhole ? number(opened.entries) : `about ${number(opened.entries)}, by the first ${number(preview.entries)}`}</dd>
        <dt>They begin</dt>
        <dd class="code">{preview.first.slice(0, SAMPLES).map((one) => one.identifier).join("  ·  ")}</dd>
      </dl>
      {preview.notes.map((note) => (
        <Notice key={note} tone="warn">
          {note}
        </Notice>
      ))}
    </>
  );
}

function InvalidLines({ preview, isWhole }: { preview: Preview; isWhole: boolean }) {
  const lines = preview.invalid;
  const where = isWhole ? "" : " in the part that was read";
  if (lines.length === 0) return <Notice tone="good">No line is invalid{where}.</Notice>;
  return (
    <>
      <Notice tone="warn">
        <strong>{preview.kind === "json" ? entries(lines.length) : many(lines.length, "line")}</strong>
        {lines.length === 1 ? " is invalid" : " are invalid"}
        {where}. They will not be asked; the others will.
      </Notice>
      <Table label="Invalid lines" head={["Line", "What is there", "Why it is invalid"]}>
        {lines.slice(0, SHOWN).map((one, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- entries of JSON have no line, and the list never changes
          <InvalidLine key={at} line={one} />
        ))}
      </Table>
      {lines.length > SHOWN && <p class="note">And {number(lines.length - SHOWN)} more.</p>}
    </>
  );
}

const entries = (count: number): string => `${number(count)} ${count === 1 ? "entry" : "entries"}`;

function InvalidLine({ line }: { line: Invalid }) {
  return (
    <tr>
      <td>{line.line === null ? "" : number(line.line)}</td>
      <td class="code">{line.text}</td>
      <td>{line.reason}</td>
    </tr>
  );
}
