// Quantities as lengths: a stacked bar with its legend, and a progress bar.
import { number, share } from "./format.ts";

export interface Piece {
  name: string;
  value: number;
  kind: string;
}

const PERCENT = 100;

/** Return the widths of pieces in percent of `whole`. */
const widths = (pieces: Piece[], whole: number): number[] =>
  pieces.map((piece) => (whole > 0 ? Math.min(PERCENT, (PERCENT * piece.value) / whole) : 0));

/** A bar of pieces beside each other, and below it the names and numbers of all. */
export function Stack({ label, pieces, whole }: { label: string; pieces: Piece[]; whole: number }) {
  const width = widths(pieces, whole);
  const text = pieces.map((piece) => `${piece.name} ${number(piece.value)}`).join(", ");
  return (
    <div class="stack">
      <div class="bar" role="img" aria-label={`${label}: ${text} of ${number(whole)}`}>
        {pieces.map((piece, at) => (
          <span key={piece.kind} class={`piece ${piece.kind}`} style={{ width: `${width[at]}%` }} />
        ))}
      </div>
      <ul class="legend">
        {pieces.map((piece) => (
          <li key={piece.kind}>
            <span class={`dot ${piece.kind}`} aria-hidden="true" />
            {piece.name} <strong>{number(piece.value)}</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How far something is, from 0 to 1. */
export function Progress({ label, value, tone = "calm" }: { label: string; value: number; tone?: string }) {
  return (
    <span class="progress">
      <progress class={tone} aria-label={label} max={1} value={value} />
      <span class="of">{share(Math.floor(value * PERCENT) / PERCENT)}</span>
    </span>
  );
}
