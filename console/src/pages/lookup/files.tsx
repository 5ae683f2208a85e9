// The files of a lookup that has ended.
import { usePolled } from "../../api/polling.ts";
import type { Lookup, ResultFile, ResultPage } from "../../api/shapes.ts";
import { bytes, number } from "../../ui/format.ts";
import { Empty, Failure, Notice, Panel, Table } from "../../ui/parts.tsx";

const FORMATS: Record<string, string> = { ndjson: "NDJSON", parquet: "Parquet", csv: "CSV" };
const URL_SECONDS = 600; // an address is good for 15 minutes at most

interface Props {
  path: string;
  lookup: Lookup;
  seconds: number;
}

export function Files({ path, lookup, seconds }: Props) {
  const state = lookup.results?.state;
  if (state === "failed") {
    return (
      <Panel title="Files">
        <Notice tone="bad">The files cannot be put together ({lookup.results?.failed_because}): ask the operator.</Notice>
      </Panel>
    );
  }
  if (state !== "ready") {
    return (
      <Panel title="Files">
        <Empty>The results are being put together into a few files. They appear here, in a minute or so.</Empty>
      </Panel>
    );
  }
  return <Ready path={path} seconds={Math.max(seconds, URL_SECONDS)} />;
}

function Ready({ path, seconds }: { path: string; seconds: number }) {
  const page = usePolled<ResultPage>(`${path}/results`, seconds);
  const files = (page.data?.files ?? []).filter((one): one is ResultFile => "records" in one);
  return (
    <Panel title="Files" aside={<span class="note">with every outcome, in the order of the list</span>}>
      <Failure error={page.error} />
      {page.data === null ? (
        <Empty>Reading …</Empty>
      ) : (
        <Table label="Files" head={["File", "Format", "What", "Records", "Size", ""]}>
          {files.map((one) => (
            <FileRow key={one.name} file={one} />
          ))}
        </Table>
      )}
    </Panel>
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
        <a class="button" href={file.url} download={file.name} rel="noreferrer" aria-label={`Download ${file.name}`}>
          Download
        </a>
      </td>
    </tr>
  );
}
