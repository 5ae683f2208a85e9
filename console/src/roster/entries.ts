// One line or row as an entry: lookup.rosters.formats.parsing in the browser.
import { meaningOf, namesColumns } from "./columns.ts";
import { cellsOf } from "./csv.ts";
import { type Format, type Header, squeezed } from "./detection.ts";
import { shapeOf, split } from "./documents.ts";
import { type Entry, invalid, isBlocked, isInvalid, parseObject, parseTyped } from "./identifiers.ts";
import { type Json, hasKeyTwice, isObject, readJson } from "./json.ts";
import { type Line, lines, rows } from "./lines.ts";
import { atStart, rules, whole } from "./rules.ts";
import { MARK, decoded, excerpt, shown, strip, stripBytes, unmarked } from "./text.ts";

const { reasons } = rules.lines;
const { delimiters } = rules.formats;
const { entry_bytes: ENTRY_BYTES, excerpt_length: EXCERPT, line_bytes: LINE_BYTES, open_bytes: OPEN_BYTES } = rules.limits;
const MARKS = whole(rules.lines.marks);
const STRAY = atStart(rules.lines.stray);

export const { cut_off: CUT_OFF, not_utf8: NOT_UTF8, other_header: OTHER_HEADER } = reasons;
const unreadable = (content: string): Entry => invalid(shown(content), reasons.unreadable);

/** Yield the entries of a roster, each with its line or row. */
export function* numberedEntries(format: Format, bytes: string): Generator<[Line, Entry]> {
  let number = 1;
  const { header } = format;
  const cut = lines(bytes, header === null ? LINE_BYTES : OPEN_BYTES, format.anyEnd);
  for (const line of header === null ? cut : rows(cut, header.delimiter)) {
    const content = contentOf(format, line, number);
    if (content !== null) {
      const entry = unreadableLine(format, line, content) ?? read(format, content);
      yield [line, placed(entry, number)];
    }
    number += line.breaks;
  }
}

const placed = (entry: Entry, line: number): Entry => (isInvalid(entry) ? { ...entry, line } : entry);

/** Return the content of a line; null when it is no entry: blank, without cells, or the header (again). */
function contentOf(format: Format, line: Line, number: number): string | null {
  const text = unmarked(line.text);
  if (stripBytes(text) === "" || number <= format.firstLine) return null;
  return format.header !== null && (isEmpty(format.header, text) || isRepeated(format.header, text)) ? null : text;
}

const isEmpty = (header: Header, row: string): boolean =>
  [...row].every((one) => ` "\t\r\n${header.delimiter}`.includes(one));

function isRepeated(header: Header, row: string): boolean {
  if (row.length > 2 * header.text.length + rules.limits.spare) return false;
  const bare = squeezed(row);
  return bare === header.text || bare === header.hint;
}

function unreadableLine(format: Format, line: Line, content: string): Entry | null {
  if (line.isLast) {
    return invalid(shown(content), line.isEnded || content.includes("\n") ? reasons.not_closed : reasons.unreadable);
  }
  return content.length <= format.rowBytes ? null : over(content, format.rowBytes);
}

const over = (content: string, limit: number): Entry => invalid(shown(content), `line is over ${limit} bytes`);

function read(format: Format, content: string): Entry {
  const text = decoded(content);
  if (text === null) return invalid(shown(content), reasons.not_utf8);
  if (format.kind === "ndjson") return jsonLine(text, content);
  return format.header === null ? plain(text, content) : row(text, content, format.header);
}

function plain(text: string, content: string): Entry {
  const entry = parseTyped("customer_id", text);
  if (!isInvalid(entry) && (STRAY.test(text) || MARKS.test(strip(text)))) return unreadable(content);
  if (!isInvalid(entry) && meaningOf(text) !== null) return invalid(text, reasons.column_name);
  const isHeader = delimiters.some((mark) => text.includes(mark)) && namesColumns(text);
  return isHeader ? invalid(text, reasons.other_header) : entry;
}

function row(text: string, content: string, header: Header): Entry {
  const cells = cellsOf(text, header.delimiter);
  const { at, typeAt, identifierType } = header.columns;
  const raw = cells?.[at];
  if (cells === null || raw === undefined || isAmbiguous(text, cells, raw, header)) return unreadable(content);
  const value = isPadded(header) ? strip(raw) : raw;
  const type = typeAt === null ? identifierType : strip(cells[typeAt] ?? "");
  if (cells.some((cell, place) => place !== at && place !== typeAt && namesAColumn(cell))) {
    return invalid(value, reasons.other_header);
  }
  if (namesAColumn(value) && !isBlocked(value)) return invalid(value, reasons.column_name);
  return parseTyped(type, value.replace(/^\ufeff/, ""));
}

/** Return whether a row may not be what its cells are: too many or few of them, stray quotes, another delimiter. */
function isAmbiguous(text: string, cells: string[], raw: string, header: Header): boolean {
  const { typeAt } = header.columns;
  if (cells.slice(header.names.length).some((cell) => cell !== "")) return true;
  if (typeAt !== null && cells[typeAt] === undefined) return true;
  if ((raw.includes('"') && !isQuotedWell(text, header.delimiter)) || MARKS.test(strip(raw))) return true;
  return header.names.length === 1 && !text.startsWith('"') && delimiters.some((mark) => raw.includes(mark));
}

function isPadded(header: Header): boolean {
  const name = (header.names[header.columns.at] ?? "").replace(/^\ufeff+|\ufeff+$/g, "");
  return name !== strip(name);
}

function namesAColumn(cell: string): boolean {
  const isName = cell.length < EXCERPT && ["customer_id", "identifier"].includes(meaningOf(cell) ?? "");
  return isName && strip(cell).toLowerCase() !== "uid";
}

/** Return whether every quote of a row is one that CSV knows: around a whole cell, or doubled within. */
function isQuotedWell(text: string, delimiter: string): boolean {
  const mark = delimiter.replace(/[|^$.*+?()[\]{}\\/-]/, "\\$&");
  const cell = `(?:"(?:[^"]|"")*"(?!")|[^"${mark}]*)`;
  return new RegExp(`^${cell}(?:${mark}${cell})*$`).test(text);
}

function jsonLine(text: string, content: string): Entry {
  const value = readJson(text.replace(/^\ufeff/, ""));
  if (hasKeyTwice(text)) return invalid(shown(content), reasons.line_key_twice);
  if (value === undefined) return unreadable(content);
  const kept = keptInvalid(value);
  if (kept !== null) return kept;
  if (isObject(value) && !Object.keys(value).some((name) => meaningOf(name) !== null)) return unreadable(content);
  return parseObject(value);
}

function keptInvalid(value: Json): Entry | null {
  const one = isObject(value) ? value["invalid"] : undefined;
  if (one === undefined || !isObject(one)) return null;
  const { text, reason, identifier_type: type } = one;
  const isKept = typeof text === "string" && typeof reason === "string" && typeof type === "string";
  return isKept ? invalid(text, excerpt(reason)) : null;
}

/** Return the entries of a JSON document; the line of an invalid one is its number in the list. */
export function jsonEntries(opening: string): Entry[] {
  const { entries, isWhole } = split(opening, shapeOf(opening, "its opening"));
  const read = entries.map((text, at) => placed(jsonEntry(text), at + 1));
  return isWhole ? read : [...read, placed(invalid("", CUT_OFF), read.length + 1)];
}

function jsonEntry(bytes: string): Entry {
  if (bytes.length > ENTRY_BYTES) return over(bytes, ENTRY_BYTES);
  const text = decoded(bytes.startsWith(MARK) ? bytes.slice(MARK.length) : bytes);
  const value = text === null ? undefined : readJson(text);
  if (text !== null && hasKeyTwice(text)) return invalid(shown(bytes), reasons.entry_key_twice);
  return value === undefined ? invalid(shown(bytes), reasons.entry_no_json) : parseObject(value);
}
