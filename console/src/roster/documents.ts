// JSON documents: a list, an object around one list, or objects in sequence: lookup.rosters.formats.json_lists here.
import { EXPECTED, columnsOf, meaningOf } from "./columns.ts";
import { type Json, hasKeyTwice, isObject, readJson } from "./json.ts";
import { Refused, rules } from "./rules.ts";
import { MARK, decoded } from "./text.ts";

/** Where the entries are: `depth` brackets deep; at 2 in the list at `key` of the outermost object. */
export interface Shape {
  depth: number;
  key: string | null;
}

const { entry_bytes: ENTRY_BYTES, nesting: NESTING } = rules.limits;
const OPENED: Record<string, string> = { "}": "{", "]": "[" };
const KEY = /^\s*("(?:[^"\\]|\\[^\n])*")\s*:\s*/;

/** Return bytes without white space, commas and byte order marks around them. */
function blankOff(bytes: string): string {
  let bare = bytes.replace(/^[ \t\r\n,]+|[ \t\r\n,]+$/g, "");
  while (bare.startsWith(MARK)) bare = bare.slice(MARK.length).replace(/^[ \t\r\n,]+/, "");
  return bare;
}

/** Yield brackets and commas outside strings, with their places; return whether a string is open at the end. */
function* marks(bytes: string): Generator<[string, number], boolean> {
  const token = /"(?:[^"\\]|\\[\s\S])*"|[[\]{},]|"/g;
  for (const found of bytes.matchAll(token)) {
    if (found[0] === '"') return true;
    if (found[0].length === 1) yield [found[0], found.index];
  }
  return false;
}

/** The texts of a document's entries, and whether it could be read to its end. */
export interface Split {
  entries: string[];
  isWhole: boolean;
}

/** Split a document into the texts of its entries. */
export function split(bytes: string, shape: Shape): Split {
  const splitter = new Splitter(shape);
  return { isWhole: splitter.read(bytes), entries: splitter.entries };
}

class Splitter {
  readonly entries: string[] = [];
  private readonly shape: Shape;
  private readonly within: number;
  private readonly open: string[] = [];
  private kept = "";
  private isWanted: boolean;
  private lists = 0;

  constructor(shape: Shape) {
    this.shape = shape;
    this.within = Math.max(1, shape.depth);
    this.isWanted = shape.key === null;
  }

  /** Read everything; return whether it is a whole document of its shape. */
  read(bytes: string): boolean {
    let begin = 0;
    const tokens = marks(bytes);
    for (let token = tokens.next(); ; token = tokens.next()) {
      if (token.done === true) {
        this.keep(bytes.slice(begin));
        return this.open.length === 0 && !token.value && blankOff(this.kept) === "";
      }
      const next = this.step(bytes, begin, ...token.value);
      if (next === null) return false;
      begin = next;
    }
  }

  /** Take one mark; return where the next piece begins, null when the rest is not readable. */
  private step(bytes: string, begin: number, mark: string, at: number): number | null {
    const depth = this.open.length;
    if (mark === "[" || mark === "{") {
      let next = begin;
      if (depth < this.within) {
        this.keep(bytes.slice(begin, at));
        next = at + (this.shape.depth > 0 ? 1 : 0);
        if (!this.enter(mark, depth)) return null;
      }
      this.open.push(mark);
      return this.open.length > NESTING ? null : next;
    }
    if (mark !== "," && this.open.pop() !== OPENED[mark]) return null;
    if (depth > (mark === "," ? this.shape.depth : this.within)) return begin;
    this.keep(bytes.slice(begin, at + (this.shape.depth === 0 && depth === 1 ? 1 : 0)));
    if (!this.take(depth)) return null;
    this.isWanted = this.isWanted && (mark === "," || this.shape.key === null);
    return at + 1;
  }

  private keep(piece: string): void {
    const text = this.kept === "" ? piece.replace(/^[\t-\r ]+/, "") : piece;
    this.kept += text.slice(0, Math.max(0, ENTRY_BYTES + 1 - this.kept.length));
  }

  private take(depth: number): boolean {
    const text = blankOff(this.kept);
    this.kept = "";
    if (text === "" || !this.isWanted) return true;
    if (depth < this.within) return false;
    this.entries.push(text);
    return true;
  }

  private enter(mark: string, depth: number): boolean {
    const before = blankOff(this.kept);
    this.kept = "";
    if (depth === 0) return before === "" && mark === (this.shape.depth === 1 ? "[" : "{") && this.lists === 0;
    if (mark !== "[") return true;
    this.isWanted = keyOf(before) === this.shape.key && this.lists === 0;
    this.lists += 1;
    return this.isWanted;
  }
}

function keyOf(bytes: string): string | null {
  const found = KEY.exec(blankOff(bytes));
  const key = found?.[1] === undefined ? null : readJson(decoded(found[1]) ?? "");
  return typeof key === "string" ? key : null;
}

/** Return where the entries of a JSON document are. Throws `Refused` when its first entry is not there, or is none. */
export function shapeOf(opening: string, where: string): Shape {
  const shape = blankOff(opening).startsWith("[") ? { depth: 1, key: null } : shapeOfObject(opening, where);
  const [text] = split(opening, shape).entries;
  const first = text === undefined ? emptyOr(opening, shape) : jsonOf(text);
  if (first === undefined || first === null) {
    throw new Refused(`begins like JSON in ${where}, but is not readable as JSON there`);
  }
  if (typeof first === "boolean" || Array.isArray(first) || (isObject(first) && !columnsOf(Object.keys(first), where))) {
    throw new Refused(`is JSON, but its first entry is neither a text nor an object with a key ${EXPECTED}`);
  }
  return shape;
}

/** Return a text for a document without an entry that is readable, undefined for one that is not. */
const emptyOr = (opening: string, shape: Shape): Json | undefined => (split(opening, shape).isWhole ? "" : undefined);

function jsonOf(bytes: string): Json | undefined {
  const text = decoded(bytes);
  return text === null ? undefined : readJson(text);
}

function shapeOfObject(opening: string, where: string): Shape {
  const [text = ""] = split(opening, { depth: 0, key: null }).entries;
  const value = text === "" ? undefined : jsonOf(text);
  const object = value !== undefined && isObject(value) ? value : null;
  const [names, lists] = object === null ? namesOf(opening) : [Object.keys(object), listsOf(object)];
  if (columnsOf(names, where) !== null) return { depth: 0, key: null };
  if (names.some((name) => meaningOf(name) === "identifier_type")) {
    throw new Refused(`has identifier_type beside a list in ${where}: each entry must name its own`);
  }
  const [key] = lists;
  if (key === undefined || lists.length !== 1 || (object !== null && hasKeyTwice(decoded(text) ?? ""))) {
    throw new Refused(`is a JSON object without a key ${EXPECTED}, and not around one list: see ${where}`);
  }
  return { depth: 2, key };
}

const listsOf = (object: Record<string, Json>): string[] =>
  Object.entries(object).flatMap(([name, value]) => (Array.isArray(value) ? [name] : []));

/** Return the keys of an object that does not end within the opening, and those of them that have a list. */
function namesOf(opening: string): [string[], string[]] {
  const names: string[] = [];
  const lists: string[] = [];
  let depth = 0;
  let begin = 0;
  for (const [mark, at] of marks(opening)) {
    const key = depth === 1 ? keyOf(opening.slice(begin, at)) : null;
    if (key !== null) names.push(key);
    if (key !== null && mark === "[") lists.push(key);
    depth += "[{".includes(mark) ? 1 : mark === "," ? 0 : -1;
    if (depth <= 1) begin = at + 1;
  }
  return [names, lists];
}
