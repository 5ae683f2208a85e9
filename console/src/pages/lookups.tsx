// All lookups, newest first, page by page: ten thousand are as quick to see as ten.
import { useState } from "preact/hooks";

import { usePolled } from "../api/polling.ts";
import type { Lookup, LookupPage as Listed } from "../api/shapes.ts";
import { may } from "../grants.ts";
import { addressOf } from "../router.ts";
import { number } from "../ui/format.ts";
import { Pager, usePages } from "../ui/pager.tsx";
import { Empty, Failure, Heading, Panel, Table, When } from "../ui/parts.tsx";
import { LookupProgress, StateBadge, endOf, requestedOf } from "./states.tsx";

const PER_PAGE = 50;
const SECONDS = 15;
const SEARCH_SECONDS = 60; // the service looks at many lookups for those of a state
const FILTERS = ["all", "active", "paused", "completed", "cancelled"] as const;
const NAMES: Record<Filter, string> = {
  all: "All",
  active: "In progress",
  paused: "Paused",
  completed: "Completed",
  cancelled: "Cancelled",
};
export type Filter = (typeof FILTERS)[number];

export function LookupsPage() {
  const [filter, setFilter] = useState<Filter>("all");
  const pages = usePages(filter);
  const page = usePolled<Listed>(`v1/lookups?limit=${PER_PAGE}${inState(filter)}${pages.after}`, filter === "all" ? SECONDS : SEARCH_SECONDS);
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
      <Panel title={`Page ${number(pages.at)}`} aside={<Filters chosen={filter} onChoose={setFilter} />}>
        {page.data === null && page.error === null ? <Empty>Reading …</Empty> : <List lookups={page.data?.lookups ?? []} filter={filter} isLast={next === null} />}
        <Pager pages={pages} next={next} />
      </Panel>
    </>
  );
}

/** Return the part of a list's address that names a state. */
export const inState = (filter: Filter): string => (filter === "all" ? "" : `&state=${filter}`);

export function Filters({ chosen, onChoose }: { chosen: Filter; onChoose: (filter: Filter) => void }) {
  return (
    <div class="tabs" role="group" aria-label="States">
      {FILTERS.map((one) => (
        <button key={one} type="button" aria-pressed={chosen === one} onClick={() => onChoose(one)}>
          {NAMES[one]}
        </button>
      ))}
    </div>
  );
}

function List({ lookups, filter, isLast }: { lookups: Lookup[]; filter: Filter; isLast: boolean }) {
  if (lookups.length === 0) {
    if (filter === "all") return <Empty>There are no lookups yet.</Empty>;
    return <Empty>{isLast ? "There are none." : "There are none among those that were looked at. Older ones may be behind them."}</Empty>;
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
        <a class="code id" href={addressOf(partner === undefined ? "lookups" : "operator", lookup.lookup_id)}>
          {lookup.lookup_id}
        </a>
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
