// The page around all pages: who is signed in, where one can go, and whether the service answers.
import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";

import { unreachable } from "./api/client.ts";
import { usePolled } from "./api/polling.ts";
import { grants, readGrants } from "./grants.ts";
import { Welcome } from "./pages/welcome.tsx";
import { Side } from "./side.tsx";
import { pageOf } from "./pages.tsx";
import { route } from "./router.ts";
import type { Config } from "./session/config.ts";
import { failure, signIn, signOut, standing } from "./session/session.ts";
import { useModal } from "./ui/dialog.tsx";
import { time } from "./ui/format.ts";
import { Failure, Heading, Notice } from "./ui/parts.tsx";

/** Everything: the sign-in, or the pages. `config` is null when the service did not answer. */
export function Console({ config }: { config: Config | null }) {
  if (config === null || standing.value === "out") return <Welcome config={config} />;
  return (
    <div class="shell">
      <Side stage={config.stage} />
      <main tabIndex={-1}>
        <Lost />
        <Granted />
      </main>
      {standing.value === "expired" && <SignInAgain />}
    </div>
  );
}

/** Show a page, and if it fails why, beside all others. */
function Guarded({ children }: { children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <>
      <Heading title="This page has failed" />
      <Notice tone="bad">{String(error)}</Notice>
      <div class="row">
        <button type="button" class="main" onClick={reset}>
          Show it again
        </button>
      </div>
    </>
  );
}

/** The page of the present address, once it is known what the person may do. */
function Granted() {
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    setError(null);
    readGrants().catch(setError);
  }, [tries]);
  if (grants.value !== null) return <Guarded key={route.value.join("/")}>{pageOf(route.value, grants.value)}</Guarded>;
  if (error === null) return <p class="empty">Reading what you may do …</p>;
  return (
    <>
      <Failure error={error} />
      <div class="row">
        <button type="button" class="main" onClick={() => setTries(tries + 1)}>
          Try again
        </button>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </div>
    </>
  );
}

const LOST_SECONDS = 5;

/** Say that the service does not answer, and find out when it does, whatever page is shown. */
function Lost() {
  const lost = unreachable.value;
  usePolled<unknown>(lost === null ? null : "v1/grants", LOST_SECONDS);
  if (lost === null) return null;
  return (
    <Notice tone="bad">
      <strong>The service has not answered since {time(lost.since)}.</strong> What you see is from before. This page goes
      on asking, less often the longer it lasts.
    </Notice>
  );
}

function SignInAgain() {
  const dialog = useModal();
  return (
    <dialog ref={dialog} aria-labelledby="again" onCancel={(event) => event.preventDefault()}>
      <h2 id="again">Sign in again to go on</h2>
      <p>Your sign-in has ended. Nothing is lost: what you began goes on as soon as you are signed in.</p>
      {failure.value !== "" && <Notice tone="bad">{failure.value}</Notice>}
      <div class="actions">
        <button type="button" onClick={signOut}>
          Sign out
        </button>
        <button type="button" class="main" onClick={signIn}>
          Sign in
        </button>
      </div>
    </dialog>
  );
}
