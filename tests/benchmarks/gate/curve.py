"""What the gate reaches by how well the time can be measured, in the model of its world: a table and a picture.

In virtual time, with fixed seeds: the same figures on every machine. `python -m tests.benchmarks.gate.curve`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from lookup.quota import Quota
from tests.benchmarks.disturbance import watched
from tests.lookup.gate.world import World

DOCS = Path("docs/benchmarks")
SEEDS = (1, 2, 3)
ROUND_TRIPS = (0.002, 0.008, 0.015, 0.03, 0.06)  # seconds to DynamoDB and back, in the mean
TRANSITS = (0.1, 0.15, 0.2, 0.25)  # seconds that a call may be on its way to the vendor
ON_DEMAND = 2.0  # calls of one user, a second
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 380, 60, 330, 60
LEAST, MOST = 0.94, 1.0
LINES = (("alone, measured", "#0b6e4f", "0"), ("beside callers, measured", "#1f77b4", "0"),
         ("alone, not measured", "#0b6e4f", "4 4"), ("beside callers, not measured", "#1f77b4", "4 4"))  # fmt: skip

PAGE = """# The gate in its model

Written by `make bench-gate-model`, in virtual time: the same on every machine. Eight bulk workers alone, and beside
{callers} on-demand calls a second of one user; a strict sliding-window vendor; clocks up to 100 ms off; mean of
{seeds} seeds, six rounds each after four. How it works: [the gate](../gate.md),
[decision 41](../decisions/0041-measured-clocks.md).

![Share of the quota by the round trip to DynamoDB](gate-model.svg)

| Round trip to DynamoDB | alone | beside callers | wait p99 | alone, not measured | beside callers, not measured |
| --- | --- | --- | --- | --- | --- |
{trips}

Refusals by the vendor in all of it: {refusals}.

## What is not taken

`transit` is how long a call may be on its way to the vendor's counter: {transit:g} s. Nobody can measure it before the
call, so it stays in the guard. Settings that promise less (`send_spread` and `guard` as much less) would not give more
either, because a round is a whole number of slots:

| `transit` | alone | beside callers |
| --- | --- | --- |
{transits}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """The share of the quota that eight bulk workers use: alone, and beside callers, with the callers' wait at p99."""

    name: str
    alone: float
    beside: float
    wait: float
    refusals: int


def measured(name: str, quota: Quota, *, round_trip: float = 0.008, is_steady: bool = True) -> Row:
    """Run the model for six rounds of the gate, after four, with every seed."""
    alone, beside, waits, refusals = list[float](), list[float](), list[float](), 0
    for seed in SEEDS:
        for rate in (0.0, ON_DEMAND):
            world = World(seed, quota, round_trip=round_trip, is_steady=is_steady)
            for _ in range(8):
                world.time.spawn(world.work)
            if rate:
                world.time.spawn(lambda world=world, rate=rate: world.arrive(rate))  # type: ignore[misc]
            a_round = quota.best_cycle if is_steady else quota.cycle
            since = world.time.now + 4 * a_round
            world.time.run(10 * a_round)
            (beside if rate else alone).append(world.share_used(since))
            waits += world.waits[len(world.waits) // 3 :]
            refusals += world.vendor.refusals
    return Row(name, fmean(alone), fmean(beside), sorted(waits)[int(len(waits) * 0.99)], refusals)


def rows_by_round_trip(*, is_steady: bool) -> list[Row]:
    """Measure for every round trip."""
    return [measured(f"{trip * 1000:g} ms", Quota(), round_trip=trip, is_steady=is_steady) for trip in ROUND_TRIPS]


def rows_by_transit() -> list[Row]:
    """Measure for every transit that the settings may allow, with the shortest guard that covers it."""
    return [
        measured(f"{transit * 1000:g} ms", Quota(transit=transit, send_spread=0.25 + transit, guard=0.75 + transit))
        for transit in TRANSITS
    ]


def chart(steady: Sequence[Row], blind: Sequence[Row]) -> str:
    """Draw the share of the quota by the round trip."""
    series = ([row.alone for row in steady], [row.beside for row in steady],
              [row.alone for row in blind], [row.beside for row in blind])  # fmt: skip
    style = "font-family:system-ui,sans-serif;font-size:12px"
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="{style}" role="img">',
        "<title>Share of the quota by the round trip to DynamoDB</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-weight="600">Share of the quota by the round trip to DynamoDB</text>',
        *_axes([row.name for row in steady]),
        *(_line(values, number) for number, values in enumerate(series)),
        "</svg>\n",
    ))  # fmt: skip


def _x(number: int) -> float:
    return LEFT + 30 + number * (WIDTH - LEFT - 60) / (len(ROUND_TRIPS) - 1)


def _y(share: float) -> float:
    return BOTTOM - (share - LEAST) / (MOST - LEAST) * (BOTTOM - TOP)


def _axes(names: Sequence[str]) -> Iterator[str]:
    for percent in range(94, 101):
        height = _y(percent / 100)
        yield f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{height:.1f}" y2="{height:.1f}" stroke="#d5dbe0"/>'
        yield f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{percent} %</text>'
    for number, name in enumerate(names):
        yield f'<text x="{_x(number):.1f}" y="{BOTTOM + 20}" text-anchor="middle">{name}</text>'


def _line(values: Sequence[float], number: int) -> str:
    name, colour, dashes = LINES[number]
    points = " ".join(f"{_x(place):.1f},{_y(value):.1f}" for place, value in enumerate(values))
    left = LEFT + 10 + number * 160
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        f'<text x="{left}" y="42" fill="{colour}">{"- - " if dashes != "0" else "—— "}{name}</text>'
    )


def page(steady: Sequence[Row], blind: Sequence[Row], transits: Sequence[Row]) -> str:
    """Write the page."""
    trips = [
        f"| {one.name} | {one.alone:.1%} | {one.beside:.1%} | {one.wait * 1000:.0f} ms | {other.alone:.1%} "
        f"| {other.beside:.1%} |"
        for one, other in zip(steady, blind, strict=True)
    ]
    return PAGE.format(
        callers=f"{ON_DEMAND:g}",
        seeds=len(SEEDS),
        trips="\n".join(trips),
        refusals=sum(row.refusals for row in (*steady, *blind, *transits)),
        transit=Quota().transit,
        transits="\n".join(f"| {row.name} | {row.alone:.1%} | {row.beside:.1%} |" for row in transits),
    )


def main() -> int:
    """Run all, write the page and the picture, and print the figures as one line of JSON."""
    with watched() as watch:
        steady, blind, transits = (
            rows_by_round_trip(is_steady=True),
            rows_by_round_trip(is_steady=False),
            rows_by_transit(),
        )
    (DOCS / "gate-model.md").write_text(page(steady, blind, transits))
    (DOCS / "gate-model.svg").write_text(chart(steady, blind))
    usual = next(row for row in steady if row.name == "8 ms")
    figures = {"alone": round(usual.alone, 4), "beside": round(usual.beside, 4)}
    sys.stdout.write(watch.last_line(figures | {"wait_p99_ms": round(usual.wait * 1000)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
