// How old a stored profile may be: a slider over steps that people think in.
import { useId } from "preact/hooks";

import { duration } from "./format.ts";

const [HOUR, DAY] = [3600, 86_400];
const STEPS = [0, 300, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 366 * DAY];

interface Props {
  value: number;
  isKept: boolean;
  onChange: (seconds: number) => void;
}

export function Freshness({ value, isKept, onChange }: Props) {
  const id = useId();
  const at = Math.max(0, STEPS.indexOf(value));
  const text = value === 0 ? "MoEngage is asked now" : `A profile stored in the last ${duration(value)} is good enough`;
  return (
    <div class="freshness">
      <label for={id}>How fresh</label>
      <input
        id={id}
        type="range"
        min={0}
        max={STEPS.length - 1}
        step={1}
        value={at}
        disabled={!isKept}
        aria-valuetext={text}
        onInput={(event) => onChange(STEPS[Number(event.currentTarget.value)] ?? 0)}
      />
      <output for={id}>{text}</output>
      <p class="note">
        {isKept ? "Stored profiles cost no quota." : "This workspace keeps no profiles: MoEngage is asked each time."}
      </p>
    </div>
  );
}
