// Identifiers, and the rule that an invalid one breaks: lookup.validation in the browser.
import { EXPECTED, columnsOf } from "./columns.ts";
import { Refused, rules } from "./rules.ts";
import { excerpt, holdsControl, length, strip } from "./text.ts";
import { type Json, isObject, written } from "./json.ts";

export interface Identifier {
  type: string;
  identifier: string;
}
export interface Invalid {
  text: string;
  reason: string;
  line: number | null;
}
export type Entry = Identifier | Invalid;

const { blocked, reasons } = rules.identifiers;
const SPELLINGS = new Map(Object.entries(rules.identifiers.spellings));
const BLOCKED = new Set(blocked);

export const isInvalid = (entry: Entry): entry is Invalid => "reason" in entry;
export const isBlocked = (value: string): boolean => BLOCKED.has(value);
export const invalid = (text: string, reason: string): Invalid => ({ text: excerpt(text), reason, line: null });

/** Parse one identifier of the type that is spelt so, or name the rule that it breaks. */
export function parseTyped(spelling: Json | undefined, value: Json | undefined): Entry {
  const type = typeof spelling === "string" ? SPELLINGS.get(spelling) : undefined;
  const reason = type === undefined ? reasons.wrong_type : brokenRule(type, value);
  if (type !== undefined && reason === null && typeof value === "string") return { type, identifier: value };
  const text = typeof value === "string" ? value : written(value ?? null);
  return invalid(text, reason ?? reasons.no_string);
}

function brokenRule(type: string, value: Json | undefined): string | null {
  if (typeof value !== "string") return reasons.no_string;
  if (strip(value) === "") return reasons.empty;
  const characters = length(value);
  if (characters > rules.limits.identifier_length) return reasons.too_long;
  if (holdsControl(value)) return reasons.holds_control;
  return type === "customer_id" && (characters === 1 || BLOCKED.has(value)) ? reasons.blocked : null;
}

/** Parse an entry of JSON: a text, or an object with a key that names the type. */
export function parseObject(raw: Json): Entry {
  if (!isObject(raw)) return parseTyped("customer_id", raw);
  const names = Object.keys(raw);
  try {
    const columns = columnsOf(names, "this entry");
    if (columns === null) return invalid(written(raw), `entry has no key ${EXPECTED}`);
    const spelling = columns.typeAt === null ? columns.identifierType : raw[names[columns.typeAt] ?? ""];
    return parseTyped(spelling, raw[names[columns.at] ?? ""]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return invalid(written(raw), `entry has more than one key that is known as ${EXPECTED}`);
  }
}
