// The opening of a roster, its first 64 KB: whether it is accepted, and how a lookup would read it.
// lookup.rosters.preview in the browser: a test compares both.
import { type Format, type Kind, detectFormat } from "./detection.ts";
import { CUT_OFF, NOT_UTF8, OTHER_HEADER, jsonEntries, numberedEntries } from "./entries.ts";
import { type Entry, type Identifier, type Invalid, isInvalid } from "./identifiers.ts";
import { Refused, rules, whole } from "./rules.ts";
import { strip } from "./text.ts";

/** The format of a roster, and the entries in its first 64 KB of text. */
export interface Preview {
  kind: Kind;
  delimiter: string | null;
  column: string | null;
  typeColumn: string | null;
  identifierType: string | null;
  entries: number;
  first: Identifier[];
  invalid: Invalid[];
  notes: string[];
}

const NOTES = rules.notes.map(([what = "", ...pattern]) => [what, whole(pattern)] as const);

/** Return the preview by the first 64 KB of a roster's text. Throws `Refused` as the service refuses the roster. */
export function previewOf(opening: string, isWhole: boolean): Preview {
  const format = detectFormat(opening);
  const found = entriesOf(format, opening, isWhole);
  if (found.length === 0) throw new Refused(format.header === null ? "is empty" : "is empty but for its header");
  if (found.every((one) => isInvalid(one) && one.reason === NOT_UTF8)) throw new Refused("is not UTF-8");
  const usable = found.filter((one): one is Identifier => !isInvalid(one));
  const { names = [], columns = null } = format.header ?? {};
  const typeAt = columns?.typeAt ?? null;
  return {
    kind: format.kind,
    delimiter: format.header?.delimiter ?? null,
    column: columns === null ? null : (names[columns.at] ?? "").replace(/^[\ufeff \t]+|[\ufeff \t]+$/g, ""),
    typeColumn: typeAt === null ? null : strip(names[typeAt] ?? ""),
    identifierType: typeOfAll(format),
    entries: found.length,
    first: usable.slice(0, rules.limits.sample_size),
    invalid: found.filter(isInvalid),
    notes: notesOf(usable, found.length),
  };
}

function entriesOf(format: Format, opening: string, isWhole: boolean): Entry[] {
  if (format.kind === "json") return documentEntries(opening, isWhole);
  const pairs = [...numberedEntries(format, opening)];
  if (pairs.length > 1 && !isWhole && pairs.at(-1)?.[0].isEnded === false) pairs.pop();
  for (const [line, entry] of pairs) {
    const isEnd = isWhole && line.breaks === 1 && opening.trimEnd().endsWith(line.text.trimEnd());
    if (isInvalid(entry) && ((line.isLast && !isEnd) || entry.reason === OTHER_HEADER)) {
      throw new Refused(`cannot be read behind line ${entry.line}: ${entry.reason}`);
    }
  }
  return pairs.map(([, entry]) => entry);
}

function documentEntries(opening: string, isWhole: boolean): Entry[] {
  const found = jsonEntries(opening);
  const last = found.at(-1);
  if (last === undefined || !isInvalid(last) || last.reason !== CUT_OFF) return found;
  if (isWhole) {
    throw new Refused(`is not JSON behind entry ${found.length - 1}: it is cut off, or something is left over`);
  }
  return found.slice(0, -1);
}

function typeOfAll(format: Format): string | null {
  if (format.kind === "plain") return "customer_id";
  return format.header === null || format.header.columns.typeAt !== null ? null : format.header.columns.identifierType;
}

function notesOf(usable: Identifier[], read: number): string[] {
  const seen = NOTES.map(([what, pattern]) => [what, usable.filter((one) => pattern.test(one.identifier)).length] as const);
  const distinct = new Set(usable.map((one) => `${one.type}\n${one.identifier}`)).size;
  return [...seen, [rules.repeated, usable.length - distinct] as const].flatMap(([what, number]) =>
    number > 0 ? [`${number} of ${read} ${what}`] : [],
  );
}
