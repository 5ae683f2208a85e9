// Where the list comes from: a file that is dropped or chosen, or pasted lines.
import { useRef, useState } from "preact/hooks";

import { bytes, number } from "../../ui/format.ts";
import { Notice, Panel } from "../../ui/parts.tsx";
import { choose, forget, source } from "./draft.ts";

const PASTED = "pasted lines";

export function Source({ most }: { most: number }) {
  const chosen = source.value;
  if (chosen === null) return <Choose most={most} />;
  return (
    <Panel title="1  The list">
      <div class="row">
        <strong class="code">{chosen.name}</strong>
        <span class="note">{bytes(chosen.file.size)}</span>
        <button type="button" onClick={forget}>
          Choose another
        </button>
      </div>
    </Panel>
  );
}

function Choose({ most }: { most: number }) {
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const [many, setMany] = useState(0);
  const take = (files: FileList | null | undefined): void => {
    const file = files?.[0];
    setMany(files?.length ?? 0);
    if (file !== undefined && files?.length === 1) void choose({ name: file.name, file }, most);
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files);
  };
  const over = (event: DragEvent): void => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <Panel title="1  The list">
      {many > 1 && <Notice tone="bad">These are {number(many)} files, and none was read: a lookup has one list. Join them, or choose one.</Notice>}
      <div class={isOver ? "drop over" : "drop"} onDrop={drop} onDragOver={over} onDragLeave={() => setOver(false)}>
        <p>
          <strong>Drop a file here</strong>
        </p>
        <input ref={input} type="file" class="hidden" aria-label="A file with identifiers" onChange={(event) => take(event.currentTarget.files)} />
        <button type="button" onClick={() => input.current?.click()}>
          Choose a file
        </button>
        <p class="note">
          CSV with a column customer_id or id, JSON, or one customer id a line; UTF-8, packed by gzip or not, up to {bytes(most)}. It is
          read here first; nothing is sent yet.
        </p>
      </div>
      <Paste onPaste={(text) => void choose({ name: PASTED, file: new Blob([text]) }, most)} />
    </Panel>
  );
}

function Paste({ onPaste }: { onPaste: (text: string) => void }) {
  const [text, setText] = useState("");
  return (
    <details>
      <summary>Or paste identifiers</summary>
      <div class="field">
        <label for="pasted">Identifiers, one a line</label>
        <textarea id="pasted" autoComplete="off" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <div>
          <button type="button" disabled={text.trim() === ""} onClick={() => onPaste(text)}>
            Read them
          </button>
        </div>
      </div>
    </details>
  );
}
