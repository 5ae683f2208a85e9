// When a schedule fires: the times that people mean, or an expression of their own.
import { useId } from "preact/hooks";

import { Field } from "../../ui/parts.tsx";

export interface Times {
  every: "hour" | "day" | "week" | "month" | "own";
  /** As a clock has it: `06:00`. */
  at: string;
  weekday: string;
  own: string;
  zone: string;
}

const EVERY: [value: Times["every"], name: string][] = [
  ["hour", "every hour"],
  ["day", "every day"],
  ["week", "every week"],
  ["month", "every month, on the first"],
  ["own", "as an expression says"],
];
const WEEKDAYS = [
  ["MON", "Monday"], ["TUE", "Tuesday"], ["WED", "Wednesday"], ["THU", "Thursday"], ["FRI", "Friday"], ["SAT", "Saturday"], ["SUN", "Sunday"],
] as const;
const ZONES = [...new Set(["UTC", Intl.DateTimeFormat().resolvedOptions().timeZone, ...Intl.supportedValuesOf("timeZone")])];

/** Write the times as EventBridge Scheduler reads them: minutes, hours, days, months, weekdays, years. */
export function expressionOf({ every, at, weekday, own }: Times): string {
  const [hour = 0, minute = 0] = at.split(":").map(Number);
  switch (every) {
    case "hour":
      return `cron(${minute} * * * ? *)`;
    case "day":
      return `cron(${minute} ${hour} * * ? *)`;
    case "week":
      return `cron(${minute} ${hour} ? * ${weekday} *)`;
    case "month":
      return `cron(${minute} ${hour} 1 * ? *)`;
    default:
      return own.trim();
  }
}

interface Props {
  times: Times;
  onChange: (times: Times) => void;
}

export function When({ times, onChange }: Props) {
  const [every, zone] = [useId(), useId()];
  const change = (changed: Partial<Times>): void => onChange({ ...times, ...changed });
  return (
    <div class="grid">
      <Field id={every} label="How often">
        <select id={every} value={times.every} onChange={(event) => change({ every: event.currentTarget.value as Times["every"] })}>
          {EVERY.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      {times.every === "week" && <Weekday times={times} onChange={onChange} />}
      {times.every === "own" ? <Own times={times} onChange={onChange} /> : <At times={times} onChange={onChange} />}
      <Field id={zone} label="Time zone">
        <select id={zone} value={times.zone} onChange={(event) => change({ zone: event.currentTarget.value })}>
          {ZONES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </Field>
    </div>
  );
}

function At({ times, onChange }: Props) {
  const id = useId();
  const label = times.every === "hour" ? "At the minutes of" : "At";
  return (
    <Field id={id} label={label} hint={<span class="code">{expressionOf(times)}</span>}>
      <input id={id} type="time" required value={times.at} onInput={(event) => onChange({ ...times, at: event.currentTarget.value })} />
    </Field>
  );
}

function Weekday({ times, onChange }: Props) {
  const id = useId();
  return (
    <Field id={id} label="On">
      <select id={id} value={times.weekday} onChange={(event) => onChange({ ...times, weekday: event.currentTarget.value })}>
        {WEEKDAYS.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  );
}

function Own({ times, onChange }: Props) {
  const id = useId();
  return (
    <Field id={id} label="Expression" hint="cron(minutes hours days months weekdays years) or rate(6 hours), as EventBridge Scheduler reads them.">
      <input id={id} required spellcheck={false} aria-describedby={`${id}-hint`} value={times.own} onInput={(event) => onChange({ ...times, own: event.currentTarget.value })} />
    </Field>
  );
}
