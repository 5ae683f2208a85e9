// Requests to this service's own API, which say what went wrong in its words.
import { signal } from "@preact/signals";

import { accessToken, refused } from "../session/session.ts";

export interface BrokenRule {
  field: string;
  rule: string;
}

/** The service answered that it does not do it. */
export class Problem extends Error {
  readonly status: number;
  readonly kind: string;
  readonly errors: BrokenRule[];
  readonly retryAfter: number | null;

  constructor(status: number, body: ProblemBody, retryAfter: number | null) {
    super(body.detail ?? body.message ?? `The service answered ${status}.`);
    this.status = status;
    this.kind = (body.type ?? "").replace("urn:moengage-lookup:problem:", "");
    this.errors = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** The service did not answer. */
export class Unreachable extends Error {}

/** Since when the service has not answered; null while it does. */
export const unreachable = signal<{ since: number } | null>(null);

interface ProblemBody {
  type?: string;
  detail?: string;
  message?: string;
  errors?: BrokenRule[] | null;
}

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer<T> {
  status: number;
  data: T;
  /** What `data` was read of: a number there has all its digits. */
  text: string;
  etag: string | null;
  retryAfter: number | null;
}

const UNAUTHORISED = 401;
const NOT_MODIFIED = 304;
const GATEWAY_TIMES_OUT = new Set([502, 504]);

/** Ask for a path of the API. Throws `Problem`, or `Unreachable` when there was no answer. */
export async function ask<T>(path: string, asked: Ask = {}): Promise<Answer<T>> {
  for (let isFirst = true; ; isFirst = false) {
    const token = await reach(accessToken());
    const answer = await reach(fetch(path, requestOf(asked, token)));
    if (answer.status !== UNAUTHORISED || !isFirst) return await read<T>(answer);
    refused(token);
  }
}

function requestOf(asked: Ask, token: string): RequestInit {
  const headers: Record<string, string> = { ...asked.headers, Authorization: `Bearer ${token}` };
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  return {
    method: asked.method ?? "GET",
    headers,
    cache: "no-store",
    ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
    ...(asked.signal === undefined ? {} : { signal: asked.signal }),
  };
}

async function reach<T>(begun: Promise<T>): Promise<T> {
  try {
    return await begun;
  } catch (error) {
    if (error instanceof TypeError) throw new Unreachable("The service cannot be reached.");
    throw error;
  }
}

async function read<T>(answer: Response): Promise<Answer<T>> {
  const seconds = Number(answer.headers.get("Retry-After") ?? "");
  const retryAfter = seconds > 0 ? seconds : null;
  const text = answer.status === NOT_MODIFIED ? "" : await reach(answer.text());
  if (GATEWAY_TIMES_OUT.has(answer.status)) throw new Unreachable("The service did not answer in time.");
  unreachable.value = null;
  if (!answer.ok && answer.status !== NOT_MODIFIED) throw new Problem(answer.status, problemIn(text), retryAfter);
  const data = (text === "" ? null : JSON.parse(text)) as T;
  return { status: answer.status, data, text, etag: answer.headers.get("ETag"), retryAfter };
}

function problemIn(text: string): ProblemBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** Return what to show a person of an error. */
export function sentence(error: unknown): string {
  if (error instanceof Problem) {
    const rules = error.errors.map((one) => `${one.field}: ${one.rule}`).join("; ");
    return rules === "" ? error.message : `${error.message} ${rules}`;
  }
  return error instanceof Error ? error.message : String(error);
}
