// Proof Key for Code Exchange (RFC 7636): a code is worth nothing without the verifier that stays in this page.

export interface Proof {
  state: string;
  verifier: string;
  challenge: string;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const random = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** Make a verifier with its challenge, and a state that only this sign-in has. */
export async function makeProof(): Promise<Proof> {
  const verifier = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return { state: random(), verifier, challenge: base64url(new Uint8Array(digest)) };
}
