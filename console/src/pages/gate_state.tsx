// Whether MoEngage is asked, and if not, why, since when and until when.
import type { Gate } from "../api/shapes.ts";
import { distance, time } from "../ui/format.ts";
import { Notice } from "../ui/parts.tsx";

const REASONS: Record<string, string> = {
  credentials: "MoEngage does not accept the API key.",
  refused: "MoEngage refuses the calls of this account or address.",
  throttled: "MoEngage answered that the quota is used up.",
  trouble: "MoEngage does not answer, or not as it should.",
};

/** Write since when it is so; a gate that never was otherwise does not know. */
const sinceOf = ({ since }: Gate): string => (since === null ? "" : ` since ${time(since)} (${distance(since)})`);

export function GateState({ gate }: { gate: Gate }) {
  if (gate.state === "open") {
    return (
      <Notice tone="good">
        <strong>The gate is open{sinceOf(gate)}:</strong> MoEngage is being asked.
      </Notice>
    );
  }
  return (
    <Notice tone="warn">
      <strong>The gate is closed{sinceOf(gate)}.</strong>{" "}
      {gate.explanation ?? REASONS[gate.reason ?? ""] ?? "MoEngage is not being asked."}{" "}
      {gate.closed_until !== null && `It is tried again ${distance(gate.closed_until)}. `}Nothing is lost meanwhile.
    </Notice>
  );
}
