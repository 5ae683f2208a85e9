// What can be done with a lookup, each with what it will do before it is done.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { ask } from "../../api/client.ts";
import type { Lookup } from "../../api/shapes.ts";
import { grants, may } from "../../grants.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { duration, many } from "../../ui/format.ts";

type Name = "pause" | "resume" | "cancel" | "retry_failed";

interface Act {
  name: Name;
  word: string;
  action: string;
  title: string;
  isOffered: (lookup: Lookup) => boolean;
  says: (lookup: Lookup) => ComponentChildren;
}

const left = ({ counts: { requested, found, not_found, invalid, failed } }: Lookup): number =>
  Math.max(0, requested - found - not_found - invalid - failed);

/** Return how long so many users take if nothing else is asked. */
function alone(users: number, lookup: Lookup): string {
  const quota = grants.value?.workspaces.find((one) => one.name === lookup.workspace)?.quota;
  return quota === undefined ? "" : `, ${duration((users / quota.limit) * quota.window_seconds)} of the quota`;
}

const ACTS: Act[] = [
  {
    name: "pause",
    word: "Pause",
    action: "Pause it",
    title: "Pause this lookup?",
    isOffered: (one) => one.state === "active",
    says: (one) => `Of ${many(left(one), "user")} that are left, nobody more is asked until you resume it. What is on its way already, some hundred users, still comes in. What is there stays.`,
  },
  {
    name: "resume",
    word: "Resume",
    action: "Resume it",
    title: "Resume this lookup?",
    isOffered: (one) => one.state === "paused",
    says: (one) => `${many(left(one), "user")} will be asked, as the quota allows${alone(left(one), one)}. They count towards your users of the day.`,
  },
  {
    name: "retry_failed",
    word: "Retry failures",
    action: "Ask again",
    title: "Ask again for what failed?",
    isOffered: (one) => one.state === "completed" && one.counts.failed > 0,
    says: (one) => `${many(one.counts.failed, "user")} that failed will be asked once more${alone(one.counts.failed, one)}. They count towards your users of the day again. The files are put together anew afterwards; until then these stay.`,
  },
  {
    name: "cancel",
    word: "Cancel",
    action: "Cancel the lookup",
    title: "Cancel this lookup?",
    isOffered: (one) => one.state === "active" || one.state === "paused",
    says: (one) => `${many(left(one), "user")} will not be asked. What is there stays, and becomes files. This cannot be undone: to look up the rest you would start a new lookup.`,
  },
];

interface Props {
  path: string;
  lookup: Lookup;
  onChange: () => void;
}

export function Actions({ path, lookup, onChange }: Props) {
  const [chosen, choose] = useState<Act | null>(null);
  const offered = may("lookups/write") ? ACTS.filter((one) => one.isOffered(lookup)) : [];
  if (offered.length === 0 && chosen === null) return null;
  const run = async (act: Act): Promise<void> => {
    await ask(path, { method: "PATCH", body: { action: act.name } });
    onChange();
  };
  return (
    <div class="actions">
      {offered.map((one) => (
        <button key={one.name} type="button" class={one.name === "cancel" ? "danger" : ""} onClick={() => choose(one)}>
          {one.word}
        </button>
      ))}
      {chosen !== null && (
        <Confirm
          title={chosen.title}
          action={chosen.action}
          isDangerous={chosen.name === "cancel"}
          onDone={() => run(chosen)}
          onClose={() => choose(null)}
        >
          <p>{chosen.says(lookup)}</p>
        </Confirm>
      )}
    </div>
  );
}
