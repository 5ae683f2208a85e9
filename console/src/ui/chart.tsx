// Lines and columns over time, by uPlot on a canvas; the same figures stand in a table for who does not see it.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";

export interface Series {
  name: string;
  /** The custom property of the colour: `--bulk`. */
  color: string;
  values: number[];
  isLine?: boolean;
}

interface Props {
  label: string;
  /** Seconds since 1970. */
  times: number[];
  series: Series[];
  height?: number;
}

const isDark = matchMedia("(prefers-color-scheme: dark)");
const scheme = signal(isDark.matches);
isDark.addEventListener("change", () => {
  scheme.value = isDark.matches;
});

/** Draw it. The first series stand on each other where they are columns. */
export function Chart({ label, times, series, height = 180 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const dark = scheme.value;
  const names = series.map((one) => one.name).join();
  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const drawn = new UPlot(options(box.clientWidth, height, series), stacked(times, series), box);
    plot.current = drawn;
    const watch = new ResizeObserver(() => drawn.setSize({ width: box.clientWidth, height }));
    watch.observe(box);
    return () => {
      watch.disconnect();
      drawn.destroy();
    };
  }, [names, height, dark]);
  useEffect(() => plot.current?.setData(stacked(times, series)), [times, series]);
  return <div class="chart" ref={place} role="img" aria-label={label} />;
}

/** Return the data as uPlot draws it: columns on top of each other, the tallest first. */
function stacked(times: number[], series: Series[]): UPlot.AlignedData {
  const columns = series.filter((one) => one.isLine !== true);
  const sums = columns.map((_, from) => times.map((_, at) => sum(columns.slice(from).map((one) => one.values[at] ?? 0))));
  return [times, ...sums, ...series.filter((one) => one.isLine === true).map((one) => one.values)];
}

const sum = (values: number[]): number => values.reduce((one, other) => one + other, 0);

function options(width: number, height: number, series: Series[]): UPlot.Options {
  const axis = { stroke: color("--muted"), grid: { stroke: color("--border"), width: 1 }, ticks: { show: false } };
  const font = "12px system-ui, sans-serif";
  const ordered = [...series.filter((one) => one.isLine !== true), ...series.filter((one) => one.isLine === true)];
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { range: (_, first, last) => around(first, last, series) }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.05)] } },
    axes: [
      { ...axis, font, size: 28, grid: { show: false }, incrs: SECONDS, values: (_, times) => labels(times) },
      { ...axis, font, size: 52, incrs: USERS },
    ],
    series: [{}, ...ordered.map((one) => drawnAs(one, color(one.color)))],
  };
}

/** Return the ends of the axis: columns need room beside the first and the last. */
function around(first: number, last: number, series: Series[]): [number, number] {
  const steps = Math.max(1, (series[0]?.values.length ?? 1) - 1);
  const half = series.every((one) => one.isLine === true) ? 0 : (last - first) / steps / 2;
  return [first - half, Math.max(last + half, first + 1)];
}

const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function drawnAs(series: Series, shade: string): UPlot.Series {
  if (series.isLine === true) return { stroke: shade, width: 2, points: { show: false } };
  const paths = UPlot.paths.bars?.({ size: [0.8, 24], gap: 1 });
  return { fill: shade, width: 0, points: { show: false }, ...(paths === undefined ? {} : { paths }) };
}

// Steps of the axes: whole seconds, and whole users.
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800];
const USERS = Array.from({ length: 27 }, (_, at) => ([1, 2, 5][at % 3] ?? 1) * 10 ** Math.floor(at / 3));

const MINUTE = { hour: "2-digit", minute: "2-digit" } as const;

/** Write times as a clock has them, with seconds where they are that near. */
function labels(times: number[]): string[] {
  const isNear = (times[1] ?? 0) - (times[0] ?? 0) < 60;
  const shape = isNear ? { ...MINUTE, second: "2-digit" as const } : MINUTE;
  return times.map((seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", shape));
}
