// Who is signed in. Tokens are in this module's memory only: no storage, no cookie, no address has them.
import { signal } from "@preact/signals";

import { type Config, type SignInConfig, returnAddress } from "./config.ts";
import { type Returned, waitForReturn } from "./handover.ts";
import { type Proof, makeProof } from "./pkce.ts";

/** `expired`: what was begun goes on as soon as the person has signed in again. */
export type Standing = "out" | "in" | "expired";

export const standing = signal<Standing>("out");
export const person = signal("");
export const failure = signal("");

interface Tokens {
  access: string;
  refresh: string | null;
  endsAt: number;
}

const KEPT = "sign-in"; // in sessionStorage, only where pop-ups are blocked, and only until the return
const EARLY_MS = 30_000;
const [TOO_MANY, FAILED] = [429, 500];
const POPUP = "popup,width=520,height=680";

let settings: SignInConfig | null = null;
let tokens: Tokens | null = null;
let proof: Proof | null = null;
let renewing: Promise<boolean> | null = null;
let attempt = new AbortController();
let waiting: (() => void)[] = [];

/** Make a sign-in ready, so that a click opens its window at once. */
export async function prepare(config: Config): Promise<void> {
  settings = config.sign_in;
  proof = await makeProof();
}

/** Open the sign-in page, in a window of its own where the browser allows it. */
export function signIn(): void {
  if (settings === null || proof === null) return;
  const begun = proof;
  attempt.abort();
  attempt = new AbortController();
  failure.value = "";
  const address = authorizeAddress(settings, begun);
  const opened = window.open(address, "moengage-lookup-sign-in", POPUP);
  if (opened === null) {
    sessionStorage.setItem(KEPT, JSON.stringify(begun));
    location.assign(address);
    return;
  }
  opened.opener = null; // it needs no way back: the code comes by a channel
  waitForReturn(begun.state, attempt.signal).then((returned) => finish(returned, begun), () => undefined);
}

function authorizeAddress(client: SignInConfig, begun: Proof): string {
  const address = new URL(client.authorize_url, location.href);
  address.search = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: returnAddress(),
    scope: client.scopes.join(" "),
    state: begun.state,
    code_challenge: begun.challenge,
    code_challenge_method: "S256",
  }).toString();
  return address.href;
}

/** Finish a sign-in that began in this window. Return whether `returned` belongs to one. */
export async function finishHere(returned: Returned): Promise<boolean> {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  const begun = kept === null ? null : (JSON.parse(kept) as Proof);
  if (begun === null || begun.state !== returned.state) return false;
  await finish(returned, begun);
  return true;
}

async function finish(returned: Returned, begun: Proof): Promise<void> {
  proof = await makeProof(); // a state and a verifier are used once
  if (returned.code === null) {
    failure.value = `You are not signed in: ${returned.error ?? "the sign-in page gave no reason"}.`;
    return;
  }
  const form = { grant_type: "authorization_code", code: returned.code, code_verifier: begun.verifier };
  try {
    const got = await exchange({ ...form, redirect_uri: returnAddress() });
    if (!got) failure.value = "You are not signed in: the sign-in page did not accept its own code. Try again.";
  } catch {
    failure.value = "You are not signed in: the address that gives out tokens does not answer. Try again.";
  }
}

/** Ask the token endpoint. Return whether there are new tokens. Throws `TypeError` when it does not answer, or with an error of its own. */
async function exchange(form: Record<string, string>): Promise<boolean> {
  if (settings === null) return false;
  const body = new URLSearchParams({ ...form, client_id: settings.client_id });
  const answer = await fetch(new URL(settings.token_url, location.href), { method: "POST", body });
  if (answer.status >= FAILED || answer.status === TOO_MANY) throw new TypeError(`the token endpoint answers ${answer.status}`);
  if (!answer.ok) return false;
  const got = (await answer.json()) as { access_token: string; refresh_token?: string; expires_in: number };
  tokens = {
    access: got.access_token,
    refresh: got.refresh_token ?? tokens?.refresh ?? null,
    endsAt: Date.now() + got.expires_in * 1000,
  };
  const name = nameIn(got.access_token);
  if (standing.value === "expired" && name !== person.value) {
    tokens = null;
    location.reload(); // what somebody else has begun is not theirs
    return true;
  }
  person.value = name;
  standing.value = "in";
  for (const go of waiting.splice(0)) go();
  return true;
}

/** Read the person's name of a token, to be shown; only the service decides by a token. */
function nameIn(token: string): string {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (one) => one.charCodeAt(0)))) as
      Record<string, unknown>;
    const name = claims["username"] ?? claims["cognito:username"] ?? claims["sub"];
    return typeof name === "string" ? name : "";
  } catch {
    return "";
  }
}

/** Return a good access token: the present one, a renewed one, or the one of the person's next sign-in. */
export async function accessToken(): Promise<string> {
  while (tokens === null || tokens.endsAt - EARLY_MS < Date.now()) {
    if (!(await renew())) await signedInAgain();
  }
  return tokens.access;
}

/** Forget an access token that the service has refused, unless there is a newer one already. */
export function refused(token: string): void {
  if (tokens?.access === token) tokens = { ...tokens, endsAt: 0 };
}

function renew(): Promise<boolean> {
  renewing ??= renewOnce().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renewOnce(): Promise<boolean> {
  const refresh = tokens?.refresh;
  if (refresh === null || refresh === undefined) return false;
  const isRenewed = await exchange({ grant_type: "refresh_token", refresh_token: refresh });
  if (!isRenewed) tokens = null;
  return isRenewed;
}

function signedInAgain(): Promise<void> {
  if (standing.value === "in") standing.value = "expired";
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

/** Forget everything, here and at the sign-in page. */
export function signOut(): void {
  tokens = null;
  waiting = [];
  standing.value = "out";
  if (settings === null || settings.logout_url === null) {
    location.reload();
    return;
  }
  const address = new URL(settings.logout_url, location.href);
  address.search = new URLSearchParams({ client_id: settings.client_id, logout_uri: returnAddress() }).toString();
  location.assign(address);
}
