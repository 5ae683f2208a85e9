// A list becomes a lookup: what is wrong with it is seen before anything is sent, what it takes before it is started.
import type { Grants } from "../../api/shapes.ts";
import { Heading } from "../../ui/parts.tsx";
import { opened, source } from "./draft.ts";
import { Contents } from "./contents.tsx";
import { Settings } from "./settings.tsx";
import { Source } from "./source.tsx";
import { Start } from "./start.tsx";

export function NewLookupPage({ grants }: { grants: Grants }) {
  const isReadable = opened.value !== null && opened.value.refused === null;
  return (
    <>
      <Heading title="New lookup" />
      <Source most={grants.limits.roster_bytes} />
      {source.value !== null && opened.value !== null && <Contents source={source.value} opened={opened.value} />}
      {isReadable && <Settings grants={grants} />}
      {isReadable && <Start />}
    </>
  );
}
