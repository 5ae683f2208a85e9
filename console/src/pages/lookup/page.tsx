// One lookup: where it is, what came of it, its files, and what can be done with it.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

import { type Polled, usePolled } from "../../api/polling.ts";
import type { Counts, Lookup, OperatorLookup } from "../../api/shapes.ts";
import { addressOf } from "../../router.ts";
import { Stack } from "../../ui/bars.tsx";
import { distance, duration, many, number } from "../../ui/format.ts";
import { Failure, Heading, Notice, Panel, When } from "../../ui/parts.tsx";
import { LookupProgress, StateBadge, isEnded, requestedOf } from "../states.tsx";
import { Actions } from "./actions.tsx";
import { Files } from "./files.tsx";
import { Course } from "./course.tsx";

const BUSY_SECONDS = 2;
const QUIET_SECONDS = 30;

export function LookupPage({ id }: { id: string }) {
  const path = `v1/lookups/${encodeURIComponent(id)}`;
  const running = useRunning<Lookup>(path);
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

/** A lookup as an operator sees it: whose it is and how far; its files, and what is done with it, are its partner's. */
export function OthersLookupPage({ id }: { id: string }) {
  const { data, error } = useRunning<OperatorLookup>(`v1/operator/lookups/${encodeURIComponent(id)}`);
  return (
    <>
      <p>
        <a href={addressOf("operator")}>Operator</a>
      </p>
      <Heading title="Lookup of a partner">{data !== null && <StateBadge lookup={data} />}</Heading>
      <Failure error={error} />
      {data !== null && <Seen lookup={data} partner={data.partner} />}
      {data !== null && <Course lookup={data} />}
      {data !== null && <p class="note">Its files, and what is done with it, are the partner's.</p>}
    </>
  );
}

/** Read a lookup, often while something is under way. */
function useRunning<T extends Lookup>(path: string): Polled<T> {
  const [isBusy, setBusy] = useState(true);
  const running = usePolled<T>(path, isBusy ? BUSY_SECONDS : QUIET_SECONDS);
  useEffect(() => setBusy(running.data === null || willChange(running.data)), [running.data]);
  return running;
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
      <Seen lookup={lookup}>
        <Actions path={path} lookup={lookup} onChange={onChange} />
      </Seen>
      {isEnded(lookup) && <Files path={path} lookup={lookup} onChange={onChange} />}
      <Course lookup={lookup} />
    </>
  );
}

function Seen({ lookup, partner, children }: { lookup: Lookup; partner?: string; children?: ComponentChildren }) {
  return (
    <div class="grid wide-first">
      <Panel title="What came of it">
        <LookupProgress lookup={lookup} />
        <Stack label="Outcomes" pieces={pieces(lookup.counts)} whole={lookup.counts.requested} />
        <Remark lookup={lookup} />
        {children}
      </Panel>
      <Facts lookup={lookup} {...(partner === undefined ? {} : { partner })} />
    </div>
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
    const ahead = estimate.users_ahead > 0 ? `, after ${many(estimate.users_ahead, "user")} that wait already` : "";
    return <p>It will be done {distance(estimate.done_at)}: {many(estimate.users, "user")} are left{ahead}.</p>;
  }
  return null;
}

/** Write how long it ran; null of one that has not ended. */
function took({ submitted_at: begin, finished_at: end }: Lookup): string | null {
  return begin == null || end == null ? null : duration((new Date(end).getTime() - new Date(begin).getTime()) / 1000);
}

function Facts({ lookup, partner }: { lookup: Lookup; partner?: string }) {
  return (
    <Panel title="About it">
      <dl class="facts">
        <dt>Id</dt>
        <dd class="code">{lookup.lookup_id}</dd>
        {partner !== undefined && <dt>Partner</dt>}
        {partner !== undefined && <dd>{partner}</dd>}
        <dt>Requested</dt>
        <dd>{requestedOf(lookup)}</dd>
        {lookup.workspace != null && <dt>Workspace</dt>}
        {lookup.workspace != null && <dd>{lookup.workspace}</dd>}
        {lookup.submitted_at != null && <dt>Submitted</dt>}
        {lookup.submitted_at != null && <dd><When at={lookup.submitted_at} /></dd>}
        {lookup.finished_at != null && <dt>Ended</dt>}
        {lookup.finished_at != null && <dd><When at={lookup.finished_at} /></dd>}
        {took(lookup) !== null && <dt>It took</dt>}
        {took(lookup) !== null && <dd>{took(lookup)}</dd>}
        <dt>Parts done</dt>
        <dd>{number(lookup.parts)}</dd>
      </dl>
    </Panel>
  );
}
