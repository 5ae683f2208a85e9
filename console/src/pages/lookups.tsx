// All lookups, newest first, page by page: ten thousand are as quick to see as ten.
import { useState } from "preact/hooks";

import { usePolled } from "../api/polling.ts";
import type { Lookup, LookupPage as Listed } from "../api/shapes.ts";
import { may } from "../grants.ts";
import { addressOf } from "../router.ts";
import { number } from "../ui/format.ts";
import { Empty, Failure, Heading, Panel, Table, When } from "../ui/parts.tsx";
import { LookupProgress, StateBadge, endOf, requestedOf } from "./states.tsx";

const PER_PAGE = 50;
const SECONDS = 15;
const FILTERS = ["all", "active", "paused", "completed", "cancelled"] as const;
const NAMES: Record<Filter, string> = {
  all: "All",
  active: "In progress",
  paused: "Paused",
  completed: "Completed",
  cancelled: "Cancelled",
};
type Filter = (typeof FILTERS)[number];

export function LookupsPage() {
  const [filter, setFilter] = useState<Filter>("all");
  const [before, setBefore] = useState<string[]>([]);
  const after = before.at(-1);
  const page = usePolled<Listed>(`v1/lookups?limit=${PER_PAGE}${after === undefined ? "" : `&after=${encodeURIComponent(after)}`}`, SECONDS);
  const all = page.data?.lookups ?? [];
  const shown = all.filter((one) => filter === "all" || one.state === filter);
  const next = page.data?.next ?? null;
  return (
    <>
      <Heading title="Lookups">
        {may("lookups/write") && (
          <a class="button main" href={addressOf("new")}>
            New lookup
          </a>
        )}
      </Heading>
      <Failure error={page.error} />
      <Panel title={`Page ${number(before.length + 1)}`} aside={<Filters chosen={filter} onChoose={setFilter} lookups={all} />}>
        {page.data === null && page.error === null ? <Empty>Reading …</Empty> : <List lookups={shown} isPageEmpty={all.length === 0} />}
        <div class="row">
          <button type="button" disabled={before.length === 0} onClick={() => setBefore(before.slice(0, -1))}>
            Newer
          </button>
          <button type="button" disabled={next === null} onClick={() => next !== null && setBefore([...before, next])}>
            Older
          </button>
        </div>
      </Panel>
    </>
  );
}

interface FilterProps {
  chosen: Filter;
  onChoose: (filter: Filter) => void;
  lookups: Lookup[];
}

function Filters({ chosen, onChoose, lookups }: FilterProps) {
  const count = (one: Filter): number => lookups.filter((lookup) => one === "all" || lookup.state === one).length;
  return (
    <div class="tabs" role="group" aria-label="States on this page">
      {FILTERS.map((one) => (
        <button key={one} type="button" aria-pressed={chosen === one} onClick={() => onChoose(one)}>
          {NAMES[one]} <span class="note">{count(one)}</span>
        </button>
      ))}
    </div>
  );
}

function List({ lookups, isPageEmpty }: { lookups: Lookup[]; isPageEmpty: boolean }) {
  if (lookups.length === 0) {
    return <Empty>{isPageEmpty ? "There are no lookups yet." : "None on this page; there may be some on others."}</Empty>;
  }
  return (
    <Table label="Lookups" head={["Lookup", "State", "Progress", "Requested", "Submitted", "End"]}>
      {lookups.map((one) => (
        <LookupRow key={one.lookup_id} lookup={one} />
      ))}
    </Table>
  );
}

/** One line of a list of lookups. */
export function LookupRow({ lookup, partner }: { lookup: Lookup; partner?: string }) {
  return (
    <tr>
      <td>
        {partner === undefined ? (
          <a class="code" href={addressOf("lookups", lookup.lookup_id)}>
            {lookup.lookup_id}
          </a>
        ) : (
          <span class="code">{lookup.lookup_id}</span>
        )}
      </td>
      {partner !== undefined && <td>{partner}</td>}
      <td>
        <StateBadge lookup={lookup} />
      </td>
      <td>
        <LookupProgress lookup={lookup} />
      </td>
      <td class="nowrap">{requestedOf(lookup)}</td>
      <td class="nowrap">{lookup.submitted_at != null && <When at={lookup.submitted_at} />}</td>
      <td class="nowrap">{endOf(lookup)}</td>
    </tr>
  );
}
