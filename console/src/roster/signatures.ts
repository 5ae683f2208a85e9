// Files that are no lists of identifiers, by their first bytes or line: lookup.rosters.formats.signatures in the browser.
import { meaningOf, namesColumns } from "./columns.ts";
import { Refused, anywhere, atStart, rules, whole } from "./rules.ts";
import { MARK, holdsControl, strip } from "./text.ts";

const table = rules.other_files;
const [SEEN_OF_FORM = 0, SEEN_OF_ZIP = 0] = table.seen;
const FORM = anywhere(table.form_header);
const IN_BRACES = whole(table.id_in_braces);
const GAP = anywhere(table.gap);
const RULER = whole(table.ruler);
const RULED = anywhere(table.ruled);
const SHAPES = table.shapes.map(([name = "", ...pattern]) => [name, atStart(pattern)] as const);
const SEEN = 4096;

/** Throw `Refused` naming the kind of file by its first bytes, when that is no text in UTF-8. */
export function refuseOtherFiles(opening: string): void {
  const text = opening.startsWith(MARK) ? opening.slice(MARK.length) : opening;
  const wide = table.wide_marks.find(([mark = ""]) => text.startsWith(mark));
  if (wide !== undefined) throw new Refused(`is ${wide[1]}; it must be UTF-8`);
  const name = fileKind(text);
  if (name !== null) {
    throw new Refused(`is ${name}, no list: it must be CSV with a header, JSON, or plain lines, in UTF-8`);
  }
  if (isWide(text)) throw new Refused("is UTF-16 or UTF-32 without a byte order mark; it must be UTF-8");
  if (FORM.test(text.slice(0, SEEN_OF_FORM))) {
    throw new Refused("shows a form's envelope (Content-Disposition): upload the file itself by PUT");
  }
}

function fileKind(text: string): string | null {
  for (const [mark = "", name = ""] of table.signatures) {
    if (!text.startsWith(mark) || (table.binary_names.includes(mark) && !isBinary(text))) continue;
    const within = mark.startsWith("PK") ? table.in_zip : [];
    return within.find(([part = ""]) => text.slice(0, SEEN_OF_ZIP).includes(part))?.[1] ?? name;
  }
  const [tar, at] = table.tar as [string, number];
  return text.startsWith(tar, at) ? "a tar archive" : null;
}

const isBinary = (text: string): boolean => /[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(text.slice(0, 512));

function isWide(text: string): boolean {
  const seen = text.slice(0, SEEN);
  const count = (part: string): number => seen.split(part).length - 1;
  const ends = count("\n");
  return count("\0") * 3 > seen.length || (ends > 0 && Math.max(...table.wide_line_ends.map(count)) === ends);
}

/** Return what the first line of a list shows beside one identifier, null when it is just that. */
export function structure(line: string): string | null {
  const bare = strip(line);
  if (IN_BRACES.test(bare)) return null;
  const shape = SHAPES.find(([, pattern]) => pattern.test(bare));
  if (shape !== undefined) return shape[0];
  const cells = table.cells.find(([mark = ""]) => line.includes(mark));
  if (cells !== undefined) return `cells between ${cells[1]}`;
  if (holdsControl(bare)) return table.control;
  if (bare !== "" && (table.quotes.includes(bare.charAt(0)) || table.quotes.includes(bare.slice(-1)))) return "quotes";
  return columnsBetweenSpaces(bare);
}

function columnsBetweenSpaces(bare: string): string | null {
  if (namesColumns(bare)) return "names of columns between marks that are no delimiters";
  const words = bare.split(/\s+/u).filter((word) => word !== "");
  const isTable = words.length > 1 && (GAP.test(bare) || words.some((word) => meaningOf(word) !== null));
  return isTable ? "columns between spaces" : null;
}

/** Return whether a line is a ruler under a header: `---+---`, `|:-:|`. */
export const isRuler = (line: string): boolean => RULER.test(line) && RULED.test(line);
