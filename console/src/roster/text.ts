// Text and bytes as Python has them. Bytes are held as a string of Latin-1: one character for each byte.
import { rules } from "./rules.ts";

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");
const AROUND_BYTES = /^[\t-\r ]+|[\t-\r ]+$/g;
export const MARK = rules.other_files.byte_order_mark;

/** Return a text without white space around it, as `str.strip` does: a byte order mark stays. */
export const strip = (text: string): string => text.replace(AROUND, "");
/** Return bytes without ASCII white space around them, as `bytes.strip` does. */
export const stripBytes = (bytes: string): string => bytes.replace(AROUND_BYTES, "");

/** Return bytes as a string of Latin-1. */
export function latin(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** Return the text that is UTF-8 in these bytes; null when it is none. */
export function decoded(bytes: string): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw(bytes));
  } catch {
    return null;
  }
}

/** Return the text of bytes, with U+FFFD for what is not UTF-8. */
export const shown = (bytes: string): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(raw(bytes.slice(0, rules.limits.excerpt_length)));

function raw(bytes: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes, (one) => one.charCodeAt(0));
}

/** Return the number of characters, as Python counts them: code points. */
export const length = (text: string): number => [...text].length;

/** Return the beginning of a text, in characters. */
export const excerpt = (text: string): string =>
  text.length <= rules.limits.excerpt_length ? text : [...text].slice(0, rules.limits.excerpt_length).join("");

/** Return bytes without the byte order marks before them, which joined files have. */
export function unmarked(bytes: string): string {
  let text = bytes;
  while (text.startsWith(MARK)) text = text.slice(MARK.length);
  return text;
}

/** Return lines with their ends, as `bytes.splitlines` does. */
export const withEnds = (bytes: string): string[] => bytes.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+/g) ?? [];

/** Whether a text holds control characters, line separators, byte order marks or halves of surrogate pairs. */
export const holdsControl = (text: string): boolean => /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufeff]/u.test(text);
