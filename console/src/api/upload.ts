// An upload that is whole or is none: a lost connection is tried again, and the service counts the bytes at the end.
import { Problem, Unreachable, ask } from "./client.ts";
import type { Roster, RosterPreview } from "./shapes.ts";

export interface Sending {
  /** Bytes that have left. */
  sent: number;
  /** Which attempt, from 1; over 1 after a lost connection. */
  attempt: number;
  /** Seconds until it is tried again; 0 while it is sent. */
  pause: number;
}

const ATTEMPTS = 6;
const LONGEST_PAUSE = 16;
const STALLED_MS = 30_000;
const LAST_MS = 180_000; // when all has left the browser, some of it is still on its way
const THERE_ALREADY = 412; // the file arrived, and only the answer was lost

/** Upload a file, and return its roster's id once the service has all of it. Throws `Problem` or `Unreachable`. */
export async function upload(file: Blob, onChange: (now: Sending) => void, leave: AbortSignal): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await assertReadable(file);
      const { data: roster } = await ask<Roster>("v1/rosters", { method: "POST", body: { bytes: file.size }, signal: leave });
      await put(roster, file, (sent) => onChange({ sent, attempt, pause: 0 }), leave);
      await assertWhole(roster.roster_id, file.size, leave);
      return roster.roster_id;
    } catch (error) {
      if (!(error instanceof Unreachable) || leave.aborted || attempt === ATTEMPTS) throw error;
      await wait(Math.min(LONGEST_PAUSE, 2 ** (attempt - 1)), (pause) => onChange({ sent: 0, attempt, pause }), leave);
    }
  }
}

/** Throw when the file is not any more what was chosen: the browser refuses to read it then. */
async function assertReadable(file: Blob): Promise<void> {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error("The file has changed since it was chosen, or is gone. Choose it again.");
  }
}

/** Send the bytes. Throws `Unreachable` when the connection is lost or nothing moves for half a minute. */
function put(roster: Roster, file: Blob, onSent: (sent: number) => void, leave: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled = 0;
    const watch = (sent: number): void => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), sent < file.size ? STALLED_MS : LAST_MS);
    };
    const lost = (): void => reject(new Unreachable("The connection was lost while the file was sent."));
    request.upload.addEventListener("progress", (event) => {
      watch(event.loaded);
      onSent(event.loaded);
    });
    request.addEventListener("loadend", () => clearTimeout(stalled));
    request.addEventListener("error", lost);
    request.addEventListener("abort", lost);
    request.addEventListener("load", () => {
      const isThere = request.status === 200 || request.status === THERE_ALREADY;
      if (isThere) resolve();
      else if (request.status >= 500) lost();
      else reject(new Problem(request.status, { detail: `The store did not take the file (HTTP ${request.status}). Has it changed since it was chosen? Choose it again.` }, null));
    });
    leave.addEventListener("abort", () => request.abort());
    request.open(roster.upload.method, roster.upload.url);
    for (const [name, value] of Object.entries(roster.upload.headers)) request.setRequestHeader(name, value);
    watch(0);
    request.send(file);
  });
}

async function assertWhole(id: string, size: number, leave: AbortSignal): Promise<void> {
  const { data } = await ask<RosterPreview>(`v1/rosters/${encodeURIComponent(id)}/preview`, { method: "POST", signal: leave });
  if (data.bytes !== size) throw new Unreachable(`Of ${size} bytes only ${data.bytes} have arrived.`);
}

async function wait(seconds: number, onSecond: (left: number) => void, leave: AbortSignal): Promise<void> {
  for (let left = seconds; left > 0 && !leave.aborted; left -= 1) {
    onSecond(left);
    await new Promise((resolve) => {
      setTimeout(resolve, 1000);
    });
  }
}
