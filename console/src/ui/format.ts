// Numbers, times and sizes as people read them.

const NUMBER = new Intl.NumberFormat("en");
const SHARE = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_OF_A_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const [MINUTE, HOUR, DAY_SECONDS] = [60, 3600, 86_400];
const KILO = 1000;

export const number = (value: number): string => NUMBER.format(value);
export const share = (value: number): string => (value > 0 && value < 0.01 ? "under 1%" : SHARE.format(value));

/** Write a number with its noun: `1 user`, `2 users`. */
export const many = (value: number, noun: string): string => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** Write a duration in the largest unit that fits. */
export function duration(seconds: number): string {
  if (seconds < MINUTE) return many(Math.max(1, Math.round(seconds)), "second");
  if (seconds < HOUR) return many(Math.round(seconds / MINUTE), "minute");
  if (seconds < 2 * DAY_SECONDS) return many(Math.round(seconds / HOUR), "hour");
  return many(Math.round(seconds / DAY_SECONDS), "day");
}

/** Write a time of today as a clock shows it, any other with its day, and with its year if that is another one. */
export function time(iso: string | number): string {
  const [at, now] = [new Date(iso), new Date()];
  if (at.toDateString() === now.toDateString()) return CLOCK.format(at);
  const day = at.getFullYear() === now.getFullYear() ? DAY : DAY_OF_A_YEAR;
  return `${day.format(at)}, ${CLOCK.format(at)}`;
}

/** Write how long ago a time is, or how far ahead. */
export function distance(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / KILO;
  return seconds >= 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
}

/** Write a size in bytes. */
export function bytes(value: number): string {
  if (value < KILO) return many(value, "byte");
  const units = ["kB", "MB", "GB", "TB"];
  let size = value / KILO;
  let unit = 0;
  for (; size >= KILO && unit < units.length - 1; unit += 1) size /= KILO;
  return `${size >= 10 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}
