// What the stage says of itself: where people sign in, and as which app client.

export interface SignInConfig {
  client_id: string;
  authorize_url: string;
  token_url: string;
  logout_url: string | null;
  scopes: string[];
}

export interface Config {
  stage: string;
  sign_in: SignInConfig | null;
}

/** Read the stage's settings. Throws `TypeError` when the service cannot be reached. */
export async function readConfig(): Promise<Config> {
  const answer = await fetch("console/config.json", { cache: "no-cache" });
  if (!answer.ok) throw new TypeError(`the settings of this page cannot be read (HTTP ${answer.status})`);
  return (await answer.json()) as Config;
}

/** The one address that the sign-in page returns to. */
export const returnAddress = (): string => location.origin + location.pathname;
