// The lookup that is being put together. It stays while other pages are looked at; it is in memory only.
import { signal } from "@preact/signals";

import { ask } from "../../api/client.ts";
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
}

/** Change a setting; what was estimated before holds no longer. */
export function change(changed: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changed };
  estimate.value = null;
  key = crypto.randomUUID();
}

/** Upload what is not there yet, and ask what the lookup would take. Nothing is started. */
export async function prepare(): Promise<void> {
  const { signal: left } = leave;
  error.value = null;
  try {
    rosterId ??= await uploaded(left);
    const { data } = await ask<DryRun>("v1/lookups?dry_run=true", { method: "POST", body: order(), signal: left });
    estimate.value = data.estimate;
  } catch (failed) {
    if (!left.aborted) error.value = failed;
  } finally {
    if (!left.aborted) sending.value = null;
  }
}

async function uploaded(left: AbortSignal): Promise<string> {
  const file = source.value?.file;
  if (file === undefined) throw new TypeError("there is no file");
  sending.value = { sent: 0, attempt: 1, pause: 0 };
  return await upload(file, (now) => (sending.value = now), left);
}

/** Start the lookup, and return its id. Sent again after a lost connection, it is still one lookup. */
export async function start(): Promise<string> {
  const headers = { "Idempotency-Key": key, Prefer: "respond-async" };
  const { data } = await ask<Lookup>("v1/lookups", { method: "POST", body: order(), headers });
  forget();
  return data.lookup_id;
}

function order(): object {
  const { fields, maxAge, format } = settings.value;
  return {
    roster_id: rosterId,
    workspace: workspace.value,
    max_age: maxAge,
    ...(fields === null ? {} : { fields }),
    ...(format === "" ? {} : { formats: [format] }),
  };
}
