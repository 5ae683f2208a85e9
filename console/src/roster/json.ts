// JSON as the service reads it: numbers digit for digit, a key twice in one object noticed.

export type Json = string | boolean | null | Digits | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

/** A number as it is written: JavaScript's own would round it. */
export class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Return whether a value is a JSON object. */
export const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Digits);

interface Context {
  source?: string;
}
type Reviver = (key: string, value: unknown, context?: Context) => unknown;

const digits: Reviver = (_, value, context) =>
  typeof value === "number" ? new Digits(context?.source ?? String(value)) : value;

/** Read JSON; undefined when it is none. */
export function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text, digits as (key: string, value: unknown) => unknown) as Json;
  } catch {
    return undefined;
  }
}

const TOKEN = /"(?:[^"\\]|\\[^\n])*"(\s*:)?|[{}[\]]/g;

/** Return whether an object in this JSON has a key twice, also when something follows the JSON that is none. */
export function hasKeyTwice(text: string): boolean {
  if (readJson(text) !== undefined) return hasRepeated(text);
  const before = firstValue(text);
  return before.length < text.length && readJson(before) !== undefined && hasRepeated(before);
}

/** Return the text to the end of its first object or list. */
function firstValue(text: string): string {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.length > 1) continue;
    depth += "{[".includes(token) ? 1 : -1;
    if (depth <= 0) return text.slice(0, index + 1);
  }
  return text;
}

function hasRepeated(text: string): boolean {
  const open: (Set<string> | null)[] = [];
  for (const [token, colon] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : null);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, token.length - colon.length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return true;
      keys?.add(key);
    }
  }
  return false;
}

/** Write a value on one line, as the service repeats an invalid one. */
export function written(value: Json): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}:${written(one)}`).join(",")}}`;
}
