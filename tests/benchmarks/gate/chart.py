"""The comparison as a picture: one row per contender, three bars. Plain SVG, readable without any script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from tests.benchmarks.gate.measure import Figures

WIDTH, TITLE_WIDTH, PANEL_WIDTH, GAP = 960, 280, 150, 70
TOP, ROW, BAR = 78, 34, 16
OURS, THEIRS, INK, FAINT = "#0b6e4f", "#8a99a8", "#1c2833", "#d5dbe0"
LEAST_WAIT, MOST_WAIT = 1.0, 1_000_000.0  # milliseconds: the ends of the logarithmic scale


@dataclass(frozen=True, slots=True)
class Bar:
    """One value: its length as a share of the panel, and how it is written."""

    length: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure of all contenders."""

    title: str
    scale: str
    bars: Sequence[Bar]


def chart(rows: Sequence[Figures]) -> str:
    """Draw contenders, the first of them being ours."""
    height = TOP + ROW * len(rows) + 12
    titles = (
        _text(TITLE_WIDTH - 12, _row(number) + 12, row.contender.title, anchor="end", bold=number == 0)
        for number, row in enumerate(rows)
    )
    panels = (line for number, panel in enumerate(_panels(rows)) for line in _draw(panel, _left(number)))
    style = "font-family:system-ui,sans-serif;font-size:12px"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" style="{style}" role="img">',
            "<title>The gate and its peers: quota used, vendor refusals, on-demand wait for quota</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            _text(16, 26, "One quota, eight bulk workers and on-demand callers beside them", bold=True),
            *titles,
            *panels,
            "</svg>\n",
        )
    )


def _panels(rows: Sequence[Figures]) -> Iterator[Panel]:
    used = [row.quota_used_with_on_demand or 0.0 for row in rows]
    yield Panel("quota used", "of what is possible", [Bar(share, f"{share:.1%}") for share in used])
    refusals = [row.refusals for row in rows]
    most = max(*refusals, 1)
    yield Panel("vendor refusals", "calls with 429", [Bar(number / most, f"{number:,}") for number in refusals])
    waits = [row.waits.quota.p99 if row.waits else 0.0 for row in rows]
    title, scale = "on-demand wait for quota", "p99, logarithmic"
    yield Panel(title, scale, [Bar(_logarithmic(wait), duration(wait)) for wait in waits])


def _draw(panel: Panel, left: float) -> Iterable[str]:
    yield _text(left, 52, panel.title, bold=True)
    yield _text(left, 67, panel.scale, ink="#5d6d7e")
    for number, bar in enumerate(panel.bars):
        top, ink = _row(number), OURS if number == 0 else THEIRS
        yield f'<rect x="{left}" y="{top}" width="{PANEL_WIDTH}" height="{BAR}" fill="{FAINT}" opacity="0.45"/>'
        yield f'<rect x="{left}" y="{top}" width="{bar.length * PANEL_WIDTH:.1f}" height="{BAR}" fill="{ink}"/>'
        yield _text(left + PANEL_WIDTH + 6, top + 12, bar.text, bold=number == 0)


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False, ink: str = INK) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{ink}"{weight}>{escape(text)}</text>'


def _row(number: int) -> int:
    return TOP + ROW * number


def _left(number: int) -> int:
    return TITLE_WIDTH + number * (PANEL_WIDTH + GAP)


def _logarithmic(milliseconds: float) -> float:
    held = min(max(milliseconds, LEAST_WAIT), MOST_WAIT)
    return log10(held / LEAST_WAIT) / log10(MOST_WAIT / LEAST_WAIT)


def duration(milliseconds: float) -> str:
    """Return a time as text: milliseconds below a second, seconds from there."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
