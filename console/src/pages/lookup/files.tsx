// The files of a lookup that has ended.
import { useState } from "preact/hooks";

import { ask } from "../../api/client.ts";
import { usePolled } from "../../api/polling.ts";
import type { Lookup, ResultFile, ResultPage } from "../../api/shapes.ts";
import { grants } from "../../grants.ts";
import { bytes, number } from "../../ui/format.ts";
import { Pager, usePages } from "../../ui/pager.tsx";
import { Empty, Failure, Notice, Panel, Table } from "../../ui/parts.tsx";

const FORMATS: Record<string, string> = { ndjson: "NDJSON", parquet: "Parquet", csv: "CSV", csv_bom: "CSV for Excel" };
const URL_SECONDS = 600; // an address is good for 15 minutes at most

interface Props {
  path: string;
  lookup: Lookup;
  onChange: () => void;
}

export function Files({ path, lookup, onChange }: Props) {
  const { results } = lookup;
  return (
    <Panel title="Files" aside={<span class="note">with every outcome, in the order of the list</span>}>
      {results?.state === "failed" && <Notice tone="bad">The files cannot be put together ({results.failed_because}): ask the operator.</Notice>}
      {(results == null || results.state === "collecting") && (
        <Empty>The results are being put together into a few files. They appear here, in a minute or so.</Empty>
      )}
      {results?.state === "ready" && <Ready path={path} lookup={lookup} onChange={onChange} />}
    </Panel>
  );
}

function Ready({ path, lookup, onChange }: Props) {
  const ready = lookup.results?.exports?.filter((one) => one.state === "ready").map((one) => one.format) ?? [];
  const pages = usePages(`${path} ${ready.join()}`);
  const page = usePolled<ResultPage>(`${path}/results?limit=100${pages.after}`, URL_SECONDS, ready.join());
  const files = (page.data?.files ?? []).filter((one): one is ResultFile => "records" in one);
  return (
    <>
      <Failure error={page.error} />
      {page.data === null ? (
        <Empty>Reading …</Empty>
      ) : (
        <Table label="All files" head={["File", "Format", "What", "Records", "Size", "Get it"]}>
          {files.map((one) => (
            <FileRow key={one.name} file={one} />
          ))}
        </Table>
      )}
      <Pager pages={pages} next={page.data?.next ?? null} words={["Before", "More files"]} />
      <Exports path={path} lookup={lookup} files={files} onChange={onChange} />
    </>
  );
}

/** Files in another format, made when somebody wants them. */
function Exports({ path, lookup, files, onChange }: Props & { files: ResultFile[] }) {
  const [error, setError] = useState<unknown>(null);
  const made = lookup.results?.exports ?? [];
  const order = (format: string): void => {
    ask(`${path}/exports`, { method: "POST", body: { formats: [format] } }).then(onChange, setError);
  };
  const there = new Set<string>([...made, ...files].map((one) => one.format));
  const missing = (grants.value?.formats ?? []).filter((format) => !there.has(format));
  return (
    <>
      <Failure error={error} />
      <div class="row">
        {missing.map((format) => (
          <button key={format} type="button" onClick={() => order(format)}>
            Make {FORMATS[format] ?? format}, too
          </button>
        ))}
        {made.map((one) => (
          <span key={one.format} class="note">
            {one.state === "collecting" && `${FORMATS[one.format]} is being made …`}
            {one.state === "failed" && `${FORMATS[one.format]} could not be made: ask the operator.`}
          </span>
        ))}
      </div>
    </>
  );
}

function FileRow({ file }: { file: ResultFile }) {
  return (
    <tr>
      <td class="code">{file.name}</td>
      <td>{FORMATS[file.format] ?? file.format}</td>
      <td>{file.only === "changed" ? "only what has changed" : "everything"}</td>
      <td>{number(file.records)}</td>
      <td class="nowrap">{bytes(file.bytes)}</td>
      <td>
        <a class="button" {...(/^https?:/.test(file.url) ? { href: file.url } : {})} download={file.name} rel="noreferrer" aria-label={`Download ${file.name}`}>
          Download
        </a>
      </td>
    </tr>
  );
}
