// The column or key that holds the identifiers: lookup.rosters.formats.columns in the browser.
import { Refused, everywhere, rules } from "./rules.ts";
import { strip } from "./text.ts";

export interface Columns {
  at: number;
  identifierType: string;
  typeAt: number | null;
}

const { meanings, expected, around, separators } = rules.columns;
const MEANINGS = new Map(Object.entries(meanings));
const SEPARATORS = everywhere(separators);

export const EXPECTED = expected;

/** Return the meaning of a column's or key's name, null when it is unknown. */
export function meaningOf(name: string): string | null {
  let begin = 0;
  let end = name.length;
  while (begin < end && around.includes(name.charAt(begin))) begin += 1;
  while (end > begin && around.includes(name.charAt(end - 1))) end -= 1;
  return MEANINGS.get(name.slice(begin, end).replace(SEPARATORS, "").toLowerCase()) ?? null;
}

/** Return the columns of identifiers and types, null when no name is known. Throws `Refused` when two could be meant. */
export function columnsOf(names: readonly string[], where: string): Columns | null {
  const places = (meaning: string): number[] => names.flatMap((name, at) => (meaningOf(name) === meaning ? [at] : []));
  const [identifier, type, customer, id] = ["identifier", "identifier_type", "customer_id", "id"].map(places) as [
    number[], number[], number[], number[],
  ];
  const isBareBesideAnother = identifier.length > 0 && type.length === 0 && customer.length + id.length > 0;
  if (Math.max(identifier.length, type.length, customer.length, id.length) > 1 || isBareBesideAnother) {
    throw new Refused(`is ambiguous: in ${where} more than one column is known as ${EXPECTED}`);
  }
  if (identifier[0] !== undefined) return { at: identifier[0], identifierType: "customer_id", typeAt: type[0] ?? null };
  if (customer[0] !== undefined) return { at: customer[0], identifierType: "customer_id", typeAt: null };
  return id[0] === undefined ? null : { at: id[0], identifierType: "id", typeAt: null };
}

/** Return whether a line names a column of identifiers and another one, with any delimiter. */
export function namesColumns(line: string): boolean {
  const words = line.split(BETWEEN).filter((word) => strip(word) !== "");
  return words.length > 1 && words.some((word) => ["customer_id", "identifier"].includes(meaningOf(word) ?? ""));
}

const BETWEEN = everywhere(rules.other_files.between);
