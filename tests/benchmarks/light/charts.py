"""Plain SVG: shares as bars, costs as curves over a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

WIDTH, LEFT, RIGHT, ROW = 900, 210, 120, 26
PANEL, TOP, PLOT = 230, 44, 130
COLOURS = ("#0b6e4f", "#c1666b", "#4a5899")
INK, FAINT = "#1c2833", "#d5dbe0"
Curve = Sequence[tuple[float, float]]


def bars(title: str, values: Mapping[str, float], unit: str) -> str:
    """Draw a bar for each value, the longest as wide as the picture."""
    most = max(*values.values(), 1e-9)
    lines = [_text(16, 26, title, bold=True)]
    for number, (name, value) in enumerate(values.items()):
        y = 44 + number * ROW
        length = (WIDTH - LEFT - RIGHT) * max(value, 0.0) / most
        lines += [
            _text(LEFT - 10, y + 14, name, anchor="end"),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="18" fill="{COLOURS[0]}"/>',
            _text(LEFT + length + 8, y + 14, f"{value:g} {unit}"),
        ]
    return _picture(title, 54 + len(values) * ROW, lines)


def curves(title: str, panels: Mapping[str, Mapping[str, Curve]]) -> str:
    """Draw panels one under the other, each with curves in units of their first point; flat ones stay at 1."""
    lines = [line for number, (name, of) in enumerate(panels.items()) for line in _panel(name, of, PANEL * number)]
    return _picture(title, PANEL * len(panels) + 10, lines)


def _panel(name: str, of: Mapping[str, Curve], top: int) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT - 100, top + TOP + PLOT
    xs = [math.log10(x) for curve in of.values() for x, _ in curve]
    least, width = min(xs), max(max(xs) - min(xs), 1e-9)
    yield _text(16, top + 26, name, bold=True)
    yield f'<path d="M{LEFT},{top + TOP}V{bottom}H{right}" fill="none" stroke="{FAINT}"/>'
    for level in (1.0, 2.0):
        y = bottom - PLOT * level / 2
        yield f'<path d="M{LEFT},{y}H{right}" stroke="{FAINT}" stroke-dasharray="2 4"/>'
        yield _text(LEFT - 8, y + 4, f"{level:g}", anchor="end")
    for x in sorted(set(xs)):
        yield _text(LEFT + (right - LEFT) * (x - least) / width, bottom + 16, f"{round(10**x):,}", anchor="middle")
    for number, (label, curve) in enumerate(of.items()):
        points = [
            (LEFT + (right - LEFT) * (math.log10(x) - least) / width, bottom - PLOT * min(y / curve[0][1], 2.2) / 2)
            for x, y in curve
        ]
        path, colour = " ".join(f"{x:.1f},{y:.1f}" for x, y in points), COLOURS[number % len(COLOURS)]
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield _text(right + 10, top + TOP + 16 * (number + 1), label, ink=colour)


def _picture(title: str, height: int, lines: Sequence[str]) -> str:
    style = "font-family:system-ui,sans-serif;font-size:12px"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" style="{style}" role="img">'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return "\n".join((head, f"<title>{escape(title)}</title>", ground, *lines, "</svg>\n"))


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False, ink: str = INK) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}"{weight}>{escape(text)}</text>'
