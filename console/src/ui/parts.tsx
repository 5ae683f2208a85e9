// Small parts that all pages are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useId } from "preact/hooks";

import { sentence } from "../api/client.ts";
import { distance, time } from "./format.ts";

interface Children {
  children: ComponentChildren;
}

/** A box with a heading. */
export function Panel({ title, aside, children }: Children & { title: string; aside?: ComponentChildren }) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** The heading of a page, and what belongs to all of it. */
export function Heading({ title, children }: { title: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · moengage-lookup console`;
  }, [title]);
  return (
    <div class="heading">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

type Tone = "calm" | "good" | "warn" | "bad";

/** A message: spoken when it appears. */
export function Notice({ tone = "calm", children }: Children & { tone?: Tone }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** What went wrong, in the service's words. */
export function Failure({ error }: { error: unknown }) {
  return error === null || error === undefined ? null : <Notice tone="bad">{sentence(error)}</Notice>;
}

/** A word with a colour, which is never the only sign. */
export function Badge({ tone = "calm", children }: Children & { tone?: Tone }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** A time, with how far it is. */
export function When({ at }: { at: string }) {
  return (
    <time dateTime={at} title={distance(at)}>
      {time(at)}
    </time>
  );
}

/** One figure with its name. */
export function Figure({ name, children, note }: Children & { name: string; note?: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
      {note !== undefined && <dd class="note">{note}</dd>}
    </div>
  );
}

/** A field with its label, and what is wrong with it. */
export function Field(props: Children & { label: string; id: string; hint?: ComponentChildren }) {
  return (
    <div class="field">
      <label for={props.id}>{props.label}</label>
      {props.children}
      {props.hint !== undefined && (
        <p class="note" id={`${props.id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** A table that scrolls by itself where the page is narrow. */
export function Table({ label, head, children }: Children & { label: string; head: string[] }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by the keyboard
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** What stands where there is nothing yet. */
export function Empty({ children }: Children) {
  return <p class="empty">{children}</p>;
}
