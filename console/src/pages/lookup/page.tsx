// One lookup: where it is, what came of it, its files, and what can be done with it.
import { useEffect, useState } from "preact/hooks";

import { usePolled } from "../../api/polling.ts";
import type { Counts, Lookup } from "../../api/shapes.ts";
import { addressOf } from "../../router.ts";
import { Stack } from "../../ui/bars.tsx";
import { distance, many, number } from "../../ui/format.ts";
import { Failure, Heading, Notice, Panel, When } from "../../ui/parts.tsx";
import { LookupProgress, StateBadge, isEnded, requestedOf } from "../states.tsx";
import { Actions } from "./actions.tsx";
import { Files } from "./files.tsx";
import { Course } from "./course.tsx";

const BUSY_SECONDS = 2;
const QUIET_SECONDS = 30;

export function LookupPage({ id }: { id: string }) {
  const path = `v1/lookups/${encodeURIComponent(id)}`;
  const [isBusy, setBusy] = useState(true);
  const running = usePolled<Lookup>(path, isBusy ? BUSY_SECONDS : QUIET_SECONDS);
  useEffect(() => setBusy(running.data === null || willChange(running.data)), [running.data]);
  return (
    <>
      <p>
        <a href={addressOf("lookups")}>All lookups</a>
      </p>
      <Heading title="Lookup">{running.data !== null && <StateBadge lookup={running.data} />}</Heading>
      <Failure error={running.error} />
      {running.data !== null && <Known path={path} lookup={running.data} onChange={running.again} />}
    </>
  );
}

/** Return whether something is under way: the lookup itself, its files, or a file in another format. */
function willChange(lookup: Lookup): boolean {
  if (!isEnded(lookup)) return lookup.state === "active";
  const { results } = lookup;
  return results == null || results.state === "collecting" || (results.exports ?? []).some((one) => one.state === "collecting");
}

interface Props {
  path: string;
  lookup: Lookup;
  onChange: () => void;
}

function Known({ path, lookup, onChange }: Props) {
  return (
    <>
      <div class="grid wide-first">
        <Panel title="What came of it">
          <LookupProgress lookup={lookup} />
          <Stack label="Outcomes" pieces={pieces(lookup.counts)} whole={lookup.counts.requested} />
          <Remark lookup={lookup} />
          <Actions path={path} lookup={lookup} onChange={onChange} />
        </Panel>
        <Facts lookup={lookup} />
      </div>
      {isEnded(lookup) ? <Files path={path} lookup={lookup} onChange={onChange} /> : <Course lookup={lookup} />}
    </>
  );
}

function pieces(counts: Counts): { name: string; value: number; kind: string }[] {
  const { requested, found, not_found, invalid, failed } = counts;
  const waiting = Math.max(0, requested - found - not_found - invalid - failed);
  return [
    { name: "found", value: found, kind: "found" },
    { name: "not found", value: not_found, kind: "not_found" },
    { name: "invalid", value: invalid, kind: "invalid" },
    { name: "failed", value: failed, kind: "failed" },
    ...(waiting > 0 ? [{ name: "waiting", value: waiting, kind: "waiting" }] : []),
  ];
}

/** One sentence on what is going on. */
function Remark({ lookup }: { lookup: Lookup }) {
  const { state, estimate, ended_because: because } = lookup;
  if (because != null) return <Notice tone="warn">It ended early by itself: {because}.</Notice>;
  if (state === "paused") return <Notice tone="warn">It is paused: nothing more is asked until it is resumed.</Notice>;
  if (state === "active" && estimate != null) {
    const ahead = estimate.users_ahead > 0 ? `, after ${many(estimate.users_ahead, "user")} of others` : "";
    return <p>It will be done {distance(estimate.done_at)}: {many(estimate.users, "user")} are left{ahead}.</p>;
  }
  return null;
}

function Facts({ lookup }: { lookup: Lookup }) {
  return (
    <Panel title="About it">
      <dl class="facts">
        <dt>Id</dt>
        <dd class="code">{lookup.lookup_id}</dd>
        <dt>Requested</dt>
        <dd>{requestedOf(lookup)}</dd>
        {lookup.workspace != null && <dt>Workspace</dt>}
        {lookup.workspace != null && <dd>{lookup.workspace}</dd>}
        {lookup.submitted_at != null && <dt>Submitted</dt>}
        {lookup.submitted_at != null && <dd><When at={lookup.submitted_at} /></dd>}
        {lookup.finished_at != null && <dt>Ended</dt>}
        {lookup.finished_at != null && <dd><When at={lookup.finished_at} /></dd>}
        <dt>Parts done</dt>
        <dd>{number(lookup.parts)}</dd>
      </dl>
    </Panel>
  );
}
