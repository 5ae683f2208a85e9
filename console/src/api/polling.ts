// Reading a path again and again, politely: unchanged answers cost no body, a hidden page asks nothing, errors back off.
import { useEffect, useRef, useState } from "preact/hooks";

import { Problem, Unreachable, ask, unreachable } from "./client.ts";

export interface Polled<T> {
  data: T | null;
  error: unknown;
  /** When `data` was read, in milliseconds. */
  at: number;
  again: () => void;
}

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;

/** Read `path` every so many seconds while the page is seen; null reads nothing. Leaving the page aborts the request.
 * It begins anew when `mark` changes. */
export function usePolled<T>(path: string | null, seconds: number, mark = ""): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "again">>({ data: null, error: null, at: 0 });
  const again = useRef<() => void>(() => undefined);
  const shown = useRef(path);
  useEffect(() => {
    const isSame = shown.current === path; // what another path has answered is not shown for this one
    shown.current = path;
    setState((before) => (isSame ? { ...before, error: null } : { data: null, error: null, at: 0 }));
    if (path === null) return undefined;
    const poll = new Poll<T>(path, seconds * 1000, setState);
    again.current = () => poll.now();
    poll.start();
    return () => poll.stop();
  }, [path, seconds, mark]);
  return { ...state, again: () => again.current() };
}

type Update<T> = (change: (before: Omit<Polled<T>, "again">) => Omit<Polled<T>, "again">) => void;

class Poll<T> {
  private readonly path: string;
  private readonly everyMs: number;
  private readonly update: Update<T>;
  private etag: string | null = null;
  private failures = 0;
  private timer = 0;
  private leave = new AbortController();
  private isBusy = false;
  private isWanted = false;
  private readonly seen = (): void => {
    if (document.hidden) clearTimeout(this.timer);
    else this.now();
  };

  constructor(path: string, everyMs: number, update: Update<T>) {
    this.path = path;
    this.everyMs = everyMs;
    this.update = update;
  }

  start(): void {
    document.addEventListener("visibilitychange", this.seen);
    void this.read();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.timer);
    this.leave.abort();
  }

  now(): void {
    clearTimeout(this.timer);
    if (this.isBusy) this.isWanted = true; // the answer that is on its way may be older than what was just done
    else void this.read();
  }

  private async read(): Promise<void> {
    this.isBusy = true;
    this.isWanted = false;
    const { signal: left } = this.leave;
    let pause = this.everyMs;
    try {
      const headers = this.etag === null ? {} : { "If-None-Match": this.etag };
      const answer = await ask<T>(this.path, { signal: left, headers });
      this.failures = 0;
      this.etag = answer.etag;
      const isNew = answer.data !== null;
      this.update((before) => ({ data: answer.data ?? before.data, error: null, at: isNew ? Date.now() : before.at }));
    } catch (error) {
      if (left.aborted) return;
      this.failures += 1;
      pause = pauseAfter(error, this.failures, this.everyMs);
      if (error instanceof Unreachable) unreachable.value ??= { since: Date.now() };
      this.update((before) => ({ ...before, error }));
    } finally {
      this.isBusy = false;
    }
    if (this.isWanted && !left.aborted) await this.read();
    else if (!left.aborted && !document.hidden && pause > 0) this.timer = setTimeout(() => void this.read(), pause);
  }
}

/** Return how long to wait after an error: what the service asks for, else longer each time; 0 when asking is no use. */
function pauseAfter(error: unknown, failures: number, everyMs: number): number {
  if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) return 0;
  const wanted = error instanceof Problem ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(wanted, everyMs, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)));
}
