"""Progress of competing lookups as pictures: users served over quota windows. Plain SVG, no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tests.benchmarks.feeder.scenarios import Scenario

WIDTH, PANEL, LEFT, RIGHT, TOP, PLOT = 960, 260, 70, 300, 48, 160
COLOURS = ("#0b6e4f", "#c1666b")
INK, FAINT = "#1c2833", "#d5dbe0"


def curves(scenarios: Sequence[Scenario]) -> str:
    """Draw the scenarios one under the other."""
    height = PANEL * len(scenarios) + 10
    body = (line for number, scenario in enumerate(scenarios) for line in _panel(scenario, PANEL * number))
    style = "font-family:system-ui,sans-serif;font-size:12px"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" style="{style}" role="img">'
    title = "<title>Users served of competing lookups, over quota windows</title>"
    return "\n".join((head, title, f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *body, "</svg>\n"))


def _panel(scenario: Scenario, top: int) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT, top + TOP + PLOT
    windows = max(1.0, scenario.samples[-1].at / scenario.window)
    most = max(1, *(users for sample in scenario.samples for users in sample.served.values()))
    yield _text(16, top + 28, scenario.title, bold=True)
    yield f'<path d="M{LEFT},{top + TOP}V{bottom}H{right}" fill="none" stroke="{FAINT}"/>'
    yield _text(LEFT - 8, top + TOP + 4, f"{most:,}", anchor="end")
    yield _text(LEFT - 8, bottom + 4, "0", anchor="end")
    for window in range(1, int(windows) + 1):
        x = LEFT + (right - LEFT) * window / windows
        yield f'<path d="M{x:.1f},{top + TOP}V{bottom}" stroke="{FAINT}" stroke-dasharray="2 4"/>'
        yield _text(x, bottom + 16, f"{window}", anchor="middle")
    yield _text(LEFT, bottom + 32, "quota windows since the first submission; upright: users served")
    for colour, (name, label) in zip(COLOURS, scenario.names.items(), strict=False):
        points = [
            (LEFT + (right - LEFT) * one.at / scenario.window / windows, bottom - PLOT * one.served[name] / most)
            for one in scenario.samples
            if name in one.served
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        x, y = points[-1]
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        yield _text(right + 10, y + 4, label, ink=colour)


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False, ink: str = INK) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}"{weight}>{escape(text)}</text>'
