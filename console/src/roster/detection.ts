// The format of a roster by its opening: lookup.rosters.formats.detection in the browser.
import { type Columns, columnsOf, meaningOf, namesColumns } from "./columns.ts";
import { cellsOf } from "./csv.ts";
import { shapeOf } from "./documents.ts";
import { isObject, readJson } from "./json.ts";
import { lines, rows } from "./lines.ts";
import { Refused, atStart, rules, whole } from "./rules.ts";
import { isRuler, refuseOtherFiles, structure } from "./signatures.ts";
import { MARK, decoded, strip, stripBytes, unmarked, withEnds } from "./text.ts";

export type Kind = "plain" | "ndjson" | "csv" | "json";

export interface Header {
  names: string[];
  columns: Columns;
  delimiter: string;
  text: string;
  hint: string | null;
}

/** The format of a roster; lines up to `firstLine` are no entries, with `anyEnd` a CR ends lines too. */
export interface Format {
  kind: Kind;
  header: Header | null;
  firstLine: number;
  anyEnd: boolean;
  rowBytes: number;
}

const { delimiters, no_column: NO_COLUMN, otherwise: OTHERWISE } = rules.formats;
const { line_bytes: LINE_BYTES, open_bytes: OPEN_BYTES, opening_bytes: OPENING_BYTES, spare: SPARE } = rules.limits;
const HINT = whole(rules.formats.hint);
const JSON_OBJECT = atStart(rules.formats.json_object);
const JSON_ARRAY = atStart(rules.formats.json_array);
const JSON_STRING = whole(rules.formats.json_string);
const WIKI_ROW = atStart(rules.formats.wiki_row);
const PLAIN: Format = { kind: "plain", header: null, firstLine: 0, anyEnd: true, rowBytes: LINE_BYTES };

type Numbered = [number: number, line: string];

/** Return a roster's format by its first 64 KB. Throws `Refused` naming what the first line shows instead. */
export function detectFormat(opening: string): Format {
  refuseOtherFiles(opening);
  const filled = filledLines(opening);
  if (filled[0] === undefined) return PLAIN;
  const [number, raw] = filled[0];
  const first = textOf(raw, number);
  refusePrintedTable(filled, first);
  const hint = HINT.exec(first.replace(/^[\ufeff \r\n]+|[\ufeff \r\n]+$/g, ""));
  if (hint !== null) return hintedFormat(opening, filled, hint[1] ?? "");
  if (JSON_OBJECT.test(strip(first)) || JSON_ARRAY.test(strip(first))) {
    refuseRowsOfJson(filled);
    return jsonFormat(opening, first, number);
  }
  const found = csvFormat(opening, number, delimiters);
  if (found !== null) return found;
  if (JSON_STRING.test(strip(first))) {
    if (namesColumns(first)) throw refused(`${NO_COLUMN}: line ${number} is a whole header within quotes`);
    return { ...PLAIN, kind: "ndjson" };
  }
  const shown = structure(first);
  if (shown !== null) throw refused(`${NO_COLUMN}: line ${number} shows ${shown}`);
  refuseLateHeader(filled);
  return PLAIN;
}

/** Return the first lines that are not blank, with their numbers and ends. */
function filledLines(opening: string): Numbered[] {
  const filled: Numbered[] = [];
  for (const [at, line] of withEnds(opening).entries()) {
    if (stripBytes(unmarked(line)) !== "") filled.push([at + 1, unmarked(line)]);
    if (filled.length === rules.limits.titles) break;
  }
  return filled;
}

function textOf(line: string, number: number): string {
  const text = decoded(line);
  if (text !== null) return text;
  if (/[\r\n]$/.test(line)) throw new Refused(`is not UTF-8: line ${number} is the first that is not`);
  return new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(Uint8Array.from(line, (one) => one.charCodeAt(0)))
    .replaceAll("\ufffd", "");
}

function hintedFormat(opening: string, filled: Numbered[], delimiter: string): Format {
  const [hint, header] = filled;
  if (hint === undefined || header === undefined) throw new Refused("is empty but for the hint sep=");
  const isUsable = delimiter.charCodeAt(0) < 128 && delimiter !== '"';
  const found = isUsable ? csvFormat(opening, header[0], [delimiter]) : null;
  if (found?.header === undefined || found.header === null) {
    textOf(header[1], header[0]);
    throw refused(`${NO_COLUMN}: line ${header[0]} is the header`);
  }
  return { ...found, header: { ...found.header, hint: squeezed(hint[1]) } };
}

/** Read the line of that number as a header; null when no delimiter yields a known column. */
function csvFormat(opening: string, number: number, among: readonly string[]): Format | null {
  const rest = unmarked(withEnds(opening).slice(number - 1).join(""));
  for (const delimiter of among) {
    const [text, names] = headerRow(rest, delimiter);
    const columns = columnsOf(names, `line ${number}`);
    if (columns === null) continue;
    const header = { names: named(names), columns, delimiter, text: squeezed(text), hint: null };
    const isCrOnly = /\r\n|\r|\n/.exec(opening)?.[0] === "\r";
    const rowBytes = Math.max(LINE_BYTES, Math.min(OPEN_BYTES, 4 * text.length));
    return { kind: "csv", header, firstLine: number, anyEnd: isCrOnly || names.length === 1, rowBytes };
  }
  return null;
}

/** Return the names without the unnamed columns at the end. */
const named = (names: string[]): string[] => names.slice(0, names.findLastIndex((name) => strip(name) !== "") + 1);

function headerRow(rest: string, delimiter: string): [string, string[]] {
  const row = rows(lines(rest, OPEN_BYTES, true), delimiter).next().value ?? null;
  if (row === null || row.isLast || (!row.isEnded && row.length >= OPENING_BYTES - SPARE)) return ["", []];
  const text = decoded(row.text);
  return text === null ? ["", []] : [row.text, cellsOf(text, delimiter) ?? []];
}

/** Distinguish lines of JSON from a document: the first line is then a whole object that names an identifier. */
function jsonFormat(opening: string, first: string, number: number): Format {
  const where = `line ${number}`;
  const value = readJson(first);
  if (value !== undefined && isObject(value)) {
    const names = Object.keys(value);
    const isKept = names.length === 1 && value["invalid"] !== undefined && isObject(value["invalid"]);
    if (isKept || columnsOf(names, where) !== null) return { ...PLAIN, kind: "ndjson" };
  }
  shapeOf(opening, where);
  return { ...PLAIN, kind: "json" };
}

function refusePrintedTable(filled: Numbered[], first: string): void {
  const second = filled[1];
  if (second !== undefined && isRuler(stripBytes(second[1]))) {
    throw new Refused(`is a printed table (line ${second[0]} is a ruler): export it as CSV`);
  }
  if (WIKI_ROW.test(first)) {
    throw new Refused(`is a wiki's table (line ${filled[0]?.[0]} begins with two pipes): export it as CSV`);
  }
}

/** Refuse lines of lists: each may be the cells of a row, or a list of identifiers. */
function refuseRowsOfJson(filled: Numbered[]): void {
  const [first, second] = filled;
  if (first === undefined || second === undefined || !/^[\t-\r ]*\[/.test(second[1])) return;
  const row = readJson(decoded(first[1]) ?? "");
  if (!Array.isArray(row) || row.length < 2 || Array.isArray(row[0]) || isObject(row[0] ?? null)) return;
  throw new Refused(`has a JSON list of several values in each line (see line ${first[0]})`);
}

/** Refuse a table whose header is not its first line: the lines above it would be read as identifiers. */
function refuseLateHeader(filled: Numbered[]): void {
  for (const [number, raw] of filled.slice(1)) {
    for (const delimiter of delimiters) {
      const [, names] = headerRow(raw, delimiter);
      if (names.length > 1 && names.some((name) => meaningOf(name) !== null)) {
        throw new Refused(`has a header in line ${number}; it must be the first line`);
      }
    }
  }
}

const refused = (rule: string): Refused => new Refused(`${rule}; ${OTHERWISE}`);

/** Return a row normalized to compare headers. */
export const squeezed = (bytes: string): string =>
  bytes.replace(/[A-Z]/g, (one) => one.toLowerCase()).replace(new RegExp(`[${MARK} "\\t\\r\\n_\\-.]`, "g"), "");
