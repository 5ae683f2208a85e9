// The lookup that is being put together. It stays while other pages are looked at; it is in memory only.
import { effect, signal } from "@preact/signals";

import { Problem, ask } from "../../api/client.ts";
import type { DryRun, Estimate, Lookup } from "../../api/shapes.ts";
import { type Sending, upload } from "../../api/upload.ts";
import { workspace } from "../../grants.ts";
import { type Opened, open } from "../../roster/file.ts";

export interface Source {
  name: string;
  file: Blob;
}

export interface Settings {
  fields: string[] | null;
  maxAge: number;
  format: string;
}

export const source = signal<Source | null>(null);
export const opened = signal<Opened | null>(null);
export const settings = signal<Settings>({ fields: null, maxAge: 0, format: "" });
export const sending = signal<Sending | null>(null);
export const estimate = signal<Estimate | null>(null);
export const error = signal<unknown>(null);
/** Whether an answer is waited for. */
export const isBusy = signal(false);
/** Whether a start got no answer: it may have begun. */
export const isUnknown = signal(false);

const FAILED = 500;

let rosterId: string | null = null;
let key = crypto.randomUUID(); // the same order sent again is one lookup
let leave = new AbortController();

/** Take a file or a pasted list, and read its first part. */
export async function choose(chosen: Source, most: number): Promise<void> {
  forget();
  source.value = chosen;
  const read = await open(chosen.file, most);
  if (source.value === chosen) opened.value = read;
}

/** Put the draft aside; what is being sent is stopped. */
export function forget(): void {
  leave.abort();
  leave = new AbortController();
  rosterId = null;
  key = crypto.randomUUID();
  source.value = opened.value = sending.value = estimate.value = error.value = null;
  isBusy.value = isUnknown.value = false;
}

/** Change a setting; what was estimated before holds no longer. */
export function change(changed: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changed };
  estimate.value = null;
  isUnknown.value = false;
  key = crypto.randomUUID();
}

let place = workspace.peek();
effect(() => {
  if (workspace.value === place) return;
  place = workspace.value;
  change({ fields: null }); // another workspace has other attributes, another quota and other lookups before this one
});

/** Upload what is not there yet, and ask what the lookup would take. Nothing is started. */
export async function prepare(): Promise<void> {
  const { signal: left } = leave;
  error.value = null;
  isBusy.value = true;
  try {
    rosterId ??= await uploaded(left);
    sending.value = null;
    for (let asked = ""; asked !== key; ) {
      asked = key; // who changes a setting meanwhile is not shown what was estimated before
      const { data } = await ask<DryRun>("v1/lookups?dry_run=true", { method: "POST", body: order(), signal: left });
      if (asked === key) estimate.value = data.estimate;
    }
  } catch (failed) {
    if (!left.aborted) error.value = failed;
  } finally {
    if (!left.aborted) {
      sending.value = null;
      isBusy.value = false;
    }
  }
}

async function uploaded(left: AbortSignal): Promise<string> {
  const file = source.value?.file;
  if (file === undefined) throw new TypeError("there is no file");
  sending.value = { sent: 0, attempt: 1, pause: 0 };
  return await upload(file, (now) => (sending.value = now), left);
}

/** Start the lookup, and return its id; null when it was not, or may not have been. Sent again it is still one lookup. */
export async function start(): Promise<string | null> {
  const headers = { "Idempotency-Key": key, Prefer: "respond-async" };
  return await sent(async () => {
    const { data } = await ask<Lookup>("v1/lookups", { method: "POST", body: { ...order(), ...formats() }, headers });
    return data.lookup_id;
  });
}

/** Keep the list as a schedule of that name, and return whether it is kept. One that exists is left as it is. */
export async function keep(name: string, expression: string, zone: string): Promise<boolean> {
  const body = { ...order(), expression, time_zone: zone };
  const headers = { "If-None-Match": "*" };
  return (await sent(() => ask(`v1/schedules/${encodeURIComponent(name)}`, { method: "PUT", body, headers }))) !== null;
}

/** Send an order, and put the draft aside when it is accepted. */
async function sent<T>(send: () => Promise<T>): Promise<T | null> {
  isBusy.value = true;
  error.value = null;
  isUnknown.value = false;
  try {
    const answer = await send();
    forget();
    return answer;
  } catch (failed) {
    error.value = failed;
    isUnknown.value = !(failed instanceof Problem) || failed.status >= FAILED;
    return null;
  } finally {
    isBusy.value = false;
  }
}

/** What a lookup and a schedule have in common. */
function order(): object {
  const { fields, maxAge } = settings.value;
  return { roster_id: rosterId, workspace: workspace.value, max_age: maxAge, ...(fields === null ? {} : { fields }) };
}

const formats = (): object => (settings.value.format === "" ? {} : { formats: [settings.value.format] });
