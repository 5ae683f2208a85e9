// Lines, and rows of CSV whose quoted cells may hold line breaks: lookup.rosters.formats.lines in the browser.
import { rules } from "./rules.ts";
import { unmarked } from "./text.ts";

/** One line or row without its end: see `Line` of the service. */
export interface Line {
  text: string;
  length: number;
  isEnded: boolean;
  breaks: number;
  isLast: boolean;
}

const OPEN_BYTES = rules.limits.open_bytes;
const OPENING = / *"/y;
const CLOSING = /(?:[^"]|"")*"(?!") */y;

/** Return the lines of bytes; the end of the last one may be missing. */
export function lines(bytes: string, keep: number, anyEnd: boolean): Line[] {
  const pieces = bytes.match(anyEnd ? /[^\r\n]*(?:\r\n|\r(?!$)|\n)|[^\r\n]+\r?|\r/g : /[^\n]*\n|[^\n]+/g) ?? [];
  return pieces.map((piece, at) => {
    const isEnded = piece.endsWith("\n") || (anyEnd && piece.endsWith("\r") && at < pieces.length - 1);
    const text = piece.slice(0, keep + 2).replace(/\n$/, "").replace(/\r$/, "");
    return { text, length: piece.length, isEnded, breaks: isEnded ? 1 : 0, isLast: false };
  });
}

/** Join lines to rows: a line break within quotes ends no row. */
export function* rows(cut: Iterable<Line>, delimiter: string): Generator<Line> {
  let row: Line[] = [];
  for (const line of cut) {
    const isOpen = openAtEnd(row.length > 0 ? line.text : unmarked(line.text), delimiter, row.length > 0);
    row.push(line);
    if (isOpen === true && lengthOf(row) <= OPEN_BYTES) continue;
    const quotes = line.text.split('"').length - 1;
    const isBroken = isOpen === null && (row.length > 1 || quotes % 2 === 1);
    yield joined(row, isOpen === true || isBroken);
    if (isOpen === true || isBroken) return;
    row = [];
  }
  if (row.length > 0) yield { ...joined(row, true), isEnded: false };
}

function lengthOf(row: Line[]): number {
  return row.reduce((sum, line) => sum + line.length, 0);
}

function joined(row: Line[], isLast: boolean): Line {
  const breaks = row.reduce((sum, line) => sum + line.breaks, 0);
  const text = row.map((line) => line.text).join("\n");
  return { text, length: lengthOf(row), isEnded: row.at(-1)?.isEnded ?? false, breaks, isLast };
}

/** Return whether a quoted cell is open where a line ends; null when something follows its closing quote. */
function openAtEnd(text: string, delimiter: string, isInside: boolean): boolean | null {
  let inside = isInside;
  if (!inside && !text.includes('"')) return false;
  let at = 0;
  while (at >= 0) {
    const opened = inside ? at : endOf(OPENING, text, at);
    if (opened === null) {
      at = behind(delimiter, text.indexOf(delimiter, at));
      continue;
    }
    const closed = endOf(CLOSING, text, opened);
    if (closed === null || closed === text.length) return closed === null;
    if (!text.startsWith(delimiter, closed)) return null;
    at = closed + delimiter.length;
    inside = false;
  }
  return false;
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

const behind = (delimiter: string, at: number): number => (at < 0 ? -1 : at + delimiter.length);
