// The service's own rules, which the build writes as a table: see infra/console/rules.py.
import table from "../../generated/rules.json" with { type: "json" };

export const rules = table;

/** Compile a pattern of the table to be found anywhere; `before` and `after` anchor it. */
function compile(pattern: readonly string[], before: string, after: string, more = ""): RegExp {
  const [source = "", flags = ""] = pattern;
  return new RegExp(`${before}(?:${source})${after}`, flags + more);
}

/** A pattern at the beginning, as Python's `match`. */
export const atStart = (pattern: readonly string[]): RegExp => compile(pattern, "^", "");
/** A pattern over the whole text, as Python's `fullmatch`. */
export const whole = (pattern: readonly string[]): RegExp => compile(pattern, "^", "$");
/** A pattern anywhere, as Python's `search`. */
export const anywhere = (pattern: readonly string[]): RegExp => compile(pattern, "", "");
/** Every occurrence of a pattern, as Python's `sub` and `split`. */
export const everywhere = (pattern: readonly string[]): RegExp => compile(pattern, "", "", "g");

/** The roster is refused: the rule that it breaks. */
export class Refused extends Error {}
