// The first thing that is seen: one button.
import type { Config } from "../session/config.ts";
import { failure, signIn } from "../session/session.ts";
import { Mark } from "../side.tsx";
import { Notice } from "../ui/parts.tsx";

export function Welcome({ config }: { config: Config | null }) {
  return (
    <main class="gate-page">
      <div class="panel">
        <Mark />
        <h1>moengage-lookup</h1>
        {config === null ? <NoAnswer /> : <SignIn config={config} />}
      </div>
    </main>
  );
}

function NoAnswer() {
  return (
    <>
      <Notice tone="bad">The service cannot be reached.</Notice>
      <button type="button" class="main" onClick={() => location.reload()}>
        Try again
      </button>
    </>
  );
}

function SignIn({ config }: { config: Config }) {
  if (config.sign_in === null) {
    return <Notice tone="warn">People cannot sign in to this stage: it has no app client for this page.</Notice>;
  }
  return (
    <>
      <p class="note">
        See the quota and the lookups of the stage <strong>{config.stage}</strong>, and work with them.
      </p>
      {failure.value !== "" && <Notice tone="bad">{failure.value}</Notice>}
      <button type="button" class="main" onClick={signIn}>
        Sign in
      </button>
      <p class="note">A window opens for it. A reload of this page ends your sign-in: it is kept in memory only.</p>
    </>
  );
}
