// The upload, what the lookup would take, and its start.
import { sentence } from "../../api/client.ts";
import type { Estimate } from "../../api/shapes.ts";
import type { Sending } from "../../api/upload.ts";
import { go } from "../../router.ts";
import { Progress } from "../../ui/bars.tsx";
import { bytes, distance, many, number, share } from "../../ui/format.ts";
import { Notice, Panel } from "../../ui/parts.tsx";
import { error, estimate, forget, isBusy, isUnknown, prepare, sending, source, start } from "./draft.ts";

export function Start() {
  return (
    <Panel title="4  Start">
      <Sent />
      {estimate.value === null ? <Prepare /> : <Ready estimate={estimate.value} />}
    </Panel>
  );
}

/** How far the upload is, and what was refused. */
export function Sent() {
  return (
    <>
      {sending.value !== null && <Upload now={sending.value} size={source.value?.file.size ?? 0} />}
      {error.value !== null && (isUnknown.value ? <NotKnown /> : <NotSent />)}
    </>
  );
}

function Upload({ now, size }: { now: Sending; size: number }) {
  if (now.pause > 0) {
    return (
      <Notice tone="warn">
        The connection was lost. It is tried again in {many(now.pause, "second")}; nothing is started before all of it has arrived.
      </Notice>
    );
  }
  return (
    <div>
      <Progress label="Upload" value={size === 0 ? 0 : now.sent / size} />
      <p class="note" aria-live="polite">
        {bytes(now.sent)} of {bytes(size)}
        {now.attempt > 1 && `, attempt ${number(now.attempt)}`}
      </p>
    </div>
  );
}

function NotSent() {
  return (
    <Notice tone="bad">
      <strong>Nothing was started.</strong> {sentence(error.value)}
    </Notice>
  );
}

/** The order was sent, and no answer came: it may have arrived. */
function NotKnown() {
  return (
    <Notice tone="bad">
      <strong>It is not known whether it was started.</strong> {sentence(error.value)} Ask for the same again: that never makes a
      second one.
    </Notice>
  );
}

export function Prepare() {
  return (
    <div class="row">
      <button type="button" class="main" disabled={isBusy.value} onClick={() => void prepare()}>
        {isBusy.value && sending.value === null ? "One moment …" : "Upload and estimate"}
      </button>
      {sending.value !== null && (
        <button type="button" onClick={forget}>
          Stop
        </button>
      )}
      <span class="note">Nothing is asked of MoEngage yet.</span>
    </div>
  );
}

function Ready({ estimate: takes }: { estimate: Estimate }) {
  const run = (): void => {
    void start().then((id) => (id === null ? undefined : go("lookups", id)));
  };
  return (
    <>
      <p>
        It asks for <Takes estimate={takes} />
        {takes.users_ahead > 0 && `, after ${many(takes.users_ahead, "user")} that wait already`}, and would be done{" "}
        <strong>{distance(takes.done_at)}</strong>.
      </p>
      <LastStep action="Start the lookup" onClick={run} />
    </>
  );
}

/** The buttons of the last step: do it, or put all of it aside. Without `onClick` the first one submits its form. */
export function LastStep({ action, onClick }: { action: string; onClick?: () => void }) {
  return (
    <div class="row">
      <button type={onClick === undefined ? "submit" : "button"} class="main" disabled={isBusy.value} onClick={onClick}>
        {isBusy.value ? "One moment …" : action}
      </button>
      <button type="button" onClick={forget}>
        Put it aside
      </button>
    </div>
  );
}

const LEAST = 0.0001; // of a day's quota: the service rounds to that

/** What a lookup takes of the quota. */
export function Takes({ estimate: { users, share_of_daily_quota: of } }: { estimate: Estimate }) {
  return (
    <>
      <strong>{many(users, "user")}</strong>, {share(users > 0 ? Math.max(of, LEAST) : 0)} of a day's quota
    </>
  );
}
