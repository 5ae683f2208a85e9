// One user's profile. The identifier goes in a body, never in an address, and is kept nowhere.
import { useEffect, useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import type { Grants, Lookup, Outcomes, Profile } from "../api/shapes.ts";
import { workspace } from "../grants.ts";
import { type JsonObject, isObject, readJson } from "../roster/json.ts";
import { addressOf } from "../router.ts";
import { distance } from "../ui/format.ts";
import { Fields } from "../ui/fields.tsx";
import { Freshness } from "../ui/freshness.tsx";
import { Failure, Field, Heading, Notice, Panel } from "../ui/parts.tsx";
import { Attributes } from "./attributes.tsx";

interface Asked {
  type: string;
  identifier: string;
  maxAge: number;
  fields: string[] | null;
}

type Found = { profile: Profile; attributes: JsonObject } | { lookup: Lookup };

export function UserPage({ grants }: { grants: Grants }) {
  const [asked, setAsked] = useState<Asked>({ type: "customer_id", identifier: "", maxAge: 0, fields: null });
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const here = workspace.value;
  useEffect(() => {
    setAsked((before) => ({ ...before, fields: null })); // another workspace has other attributes
    setFound(null);
  }, [here]);
  const run = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    setFound(null);
    lookUp(asked).then(setFound, setError).finally(() => setBusy(false));
  };
  return (
    <>
      <Heading title="One user" />
      <Form grants={grants} asked={asked} isBusy={isBusy} onChange={setAsked} onRun={run} />
      <Failure error={error} />
      {found !== null && ("profile" in found ? <Shown profile={found.profile} attributes={found.attributes} /> : <Waits lookup={found.lookup} />)}
    </>
  );
}

async function lookUp(asked: Asked): Promise<Found> {
  const body = {
    identifiers: [{ identifier_type: asked.type, identifier: asked.identifier }],
    workspace: workspace.value,
    max_age: asked.maxAge,
    ...(asked.fields === null ? {} : { fields: asked.fields }),
  };
  const { data, text } = await ask<Outcomes | Lookup>("v1/lookups", { method: "POST", body });
  if (!("outcomes" in data)) return { lookup: data };
  const [profile] = data.outcomes;
  if (profile === undefined) throw new TypeError("the service returned no outcome");
  return { profile, attributes: attributesIn(text) };
}

/** Read the attributes of the one outcome digit for digit: JavaScript's own numbers would round long ones. */
function attributesIn(text: string): JsonObject {
  const answer = readJson(text);
  const outcomes = answer !== undefined && isObject(answer) ? answer["outcomes"] : undefined;
  const first = Array.isArray(outcomes) ? outcomes[0] : undefined;
  const attributes = first !== undefined && isObject(first) ? first["user_attributes"] : undefined;
  return attributes !== undefined && isObject(attributes) ? attributes : {};
}

interface FormProps {
  grants: Grants;
  asked: Asked;
  isBusy: boolean;
  onChange: (asked: Asked) => void;
  onRun: (event: Event) => void;
}

function Form({ grants, asked, isBusy, onChange, onRun }: FormProps) {
  const here = grants.workspaces.find((one) => one.name === workspace.value);
  const change = (changed: Partial<Asked>): void => onChange({ ...asked, ...changed });
  return (
    <Panel title="Who">
      <form class="steps" autoComplete="off" onSubmit={onRun}>
        <div class="grid">
          <Field id="identifier" label="Identifier">
            <input id="identifier" required autoComplete="off" spellcheck={false} value={asked.identifier} onInput={(event) => change({ identifier: event.currentTarget.value })} />
          </Field>
          <Field id="type" label="Its type">
            <select id="type" value={asked.type} onChange={(event) => change({ type: event.currentTarget.value })}>
              <option value="customer_id">customer id</option>
              <option value="id">MoEngage's own id</option>
            </select>
          </Field>
        </div>
        <div class="grid">
          <Freshness value={asked.maxAge} isKept={here?.keeps_profiles ?? true} onChange={(maxAge) => change({ maxAge })} />
          <Fields granted={here?.fields ?? null} chosen={asked.fields} onChange={(fields) => change({ fields })} />
        </div>
        <div class="actions">
          <button type="submit" class="main" disabled={isBusy}>
            {isBusy ? "Asking …" : "Look up"}
          </button>
        </div>
      </form>
    </Panel>
  );
}

function Waits({ lookup }: { lookup: Lookup }) {
  return (
    <Notice tone="warn">
      The quota is in use right now, so this has become a <a href={addressOf("lookups", lookup.lookup_id)}>lookup</a>
      {lookup.estimate != null && `, done ${distance(lookup.estimate.done_at)}`}. Look up again then, with a freshness of some
      minutes: the profile is stored by then.
    </Notice>
  );
}

const SOURCES: Record<string, string> = {
  moengage: "Asked of MoEngage",
  stored: "From the store: fetched from MoEngage",
  stale: "From the store, older than you wanted, because MoEngage could not be asked: fetched",
};

function Shown({ profile, attributes }: { profile: Profile; attributes: JsonObject }) {
  if (profile.outcome !== "found") return <NotFound profile={profile} />;
  return (
    <Panel title="Profile" aside={<strong class="code">{profile.identifier}</strong>}>
      <p>
        {SOURCES[profile.source ?? ""] ?? "Read"}
        {profile.fetched_at !== null && ` ${distance(profile.fetched_at)}`}.{" "}
        {profile.changed_fields.length === 0
          ? "Nothing has changed since the fetch before."
          : `Since the fetch before, ${profile.changed_fields.length} of its attributes have changed.`}
      </p>
      <Attributes profile={profile} attributes={attributes} />
    </Panel>
  );
}

function NotFound({ profile }: { profile: Profile }) {
  const texts: Record<string, string> = {
    not_found: "MoEngage has no such user.",
    invalid: `This is no identifier that can be asked for: ${profile.reason ?? ""}.`,
    failed: `This could not be looked up: ${profile.reason ?? ""}.`,
  };
  return (
    <Notice tone={profile.outcome === "not_found" ? "calm" : "bad"}>
      <strong class="code">{profile.identifier}</strong> {texts[profile.outcome]}
    </Notice>
  );
}
