// The upload, what the lookup would take, and its start.
import { useState } from "preact/hooks";

import { sentence } from "../../api/client.ts";
import type { Estimate } from "../../api/shapes.ts";
import type { Sending } from "../../api/upload.ts";
import { go } from "../../router.ts";
import { Progress } from "../../ui/bars.tsx";
import { bytes, distance, many, number, share } from "../../ui/format.ts";
import { Notice, Panel } from "../../ui/parts.tsx";
import { error, estimate, forget, prepare, sending, source, start } from "./draft.ts";

export function Start() {
  return (
    <Panel title="4  Start">
      {sending.value !== null && <Upload now={sending.value} size={source.value?.file.size ?? 0} />}
      {error.value !== null && <NotSent />}
      {estimate.value === null ? <Prepare /> : <Ready estimate={estimate.value} />}
    </Panel>
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

function Prepare() {
  const isBusy = sending.value !== null;
  return (
    <div class="row">
      <button type="button" class="main" disabled={isBusy} onClick={() => void prepare()}>
        Upload and estimate
      </button>
      {isBusy && (
        <button type="button" onClick={forget}>
          Stop
        </button>
      )}
      <span class="note">Nothing is asked of MoEngage yet.</span>
    </div>
  );
}

function Ready({ estimate: takes }: { estimate: Estimate }) {
  const [isBusy, setBusy] = useState(false);
  const run = (): void => {
    setBusy(true);
    start().then((id) => go("lookups", id), (failed: unknown) => {
      error.value = failed;
      setBusy(false);
    });
  };
  return (
    <>
      <p>
        It asks for <strong>{many(takes.users, "user")}</strong>, {share(takes.share_of_daily_quota)} of a day's quota
        {takes.users_ahead > 0 && `, after ${many(takes.users_ahead, "user")} of others`}, and would be done{" "}
        <strong>{distance(takes.done_at)}</strong>.
      </p>
      <div class="row">
        <button type="button" class="main" disabled={isBusy} onClick={run}>
          {isBusy ? "One moment …" : "Start the lookup"}
        </button>
        <button type="button" onClick={forget}>
          Put it aside
        </button>
      </div>
    </>
  );
}
