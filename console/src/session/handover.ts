// The way back from the sign-in page: its window hands the code to the page that asked for it, and closes.

const CHANNEL = "moengage-lookup-sign-in";

export interface Returned {
  state: string;
  code: string | null;
  error: string | null;
}

/** Return what the sign-in page has put into the address, and remove it there; null when there is nothing. */
export function takeReturned(): Returned | null {
  const query = new URLSearchParams(location.search);
  const state = query.get("state");
  if (location.search !== "") history.replaceState(null, "", location.pathname + location.hash);
  if (state === null) return null;
  return { state, code: query.get("code"), error: query.get("error_description") ?? query.get("error") };
}

/** Hand over to the page that waits for this state. */
export function handOver(returned: Returned): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(returned);
  channel.close();
  window.close();
}

/** Wait for the return of a state; `abandon` ends the wait. */
export function waitForReturn(state: string, abandon: AbortSignal): Promise<Returned> {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(CHANNEL);
    abandon.addEventListener("abort", () => {
      channel.close();
      reject(new DOMException("another sign-in has begun", "AbortError"));
    });
    channel.addEventListener("message", (message: MessageEvent<Returned>) => {
      if (message.data.state !== state) return;
      channel.close();
      resolve(message.data);
    });
  });
}
