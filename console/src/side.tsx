// The navigation, the workspace and the person.
import { grants, workspace } from "./grants.ts";
import { PAGES } from "./pages.tsx";
import { addressOf, route } from "./router.ts";
import { person, signOut } from "./session/session.ts";

export function Side({ stage }: { stage: string }) {
  const [here = ""] = route.value;
  return (
    <header class="side">
      <button type="button" class="skip" onClick={() => document.querySelector("main")?.focus()}>
        Skip to the content
      </button>
      <div class="brand">
        <Mark />
        <div>
          moengage-lookup
          <small>{stage}</small>
        </div>
      </div>
      <nav aria-label="Pages">
        <ul>
          {PAGES.filter((one) => grants.value !== null && one.isFor(grants.value)).map((one) => (
            <li key={one.to}>
              <a href={addressOf(...(one.to === "" ? [] : [one.to]))} aria-current={here === one.to ? "page" : undefined}>
                {one.name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="who">
        <Workspaces />
        <div>
          <strong>{person.value}</strong>
          <div class="note">{grants.value === null ? "" : `partner ${grants.value.partner}`}</div>
        </div>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}

function Workspaces() {
  const all = grants.value?.workspaces ?? [];
  if (all.length < 2) return null;
  return (
    <label>
      Workspace
      <select value={workspace.value} onChange={(event) => (workspace.value = event.currentTarget.value)}>
        {all.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
    </label>
  );
}

/** The service's mark: columns of a minute. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M9 22v-6m7 6V10m7 12v-9" stroke="var(--on-accent)" stroke-width="3.5" stroke-linecap="round" />
    </svg>
  );
}
