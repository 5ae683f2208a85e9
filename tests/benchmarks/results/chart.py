"""Collecting as a picture: seconds over records, and what readers ask for. Plain SVG, no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 400, 90, 420, 60, 50
OURS, THEIRS, INK, FAINT = "#0b6e4f", "#8a99a8", "#1c2833", "#d5dbe0"
BARS, BAR = 560, 18


def chart(figures: Mapping[str, Any]) -> str:
    """Draw how many records were collected after so many seconds, and parts against files if they were read."""
    style = "font-family:system-ui,sans-serif;font-size:12px"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" style="{style}" role="img">'
    title = "<title>Records collected over seconds; reading parts against reading files</title>"
    reading = _reading(figures) if "requests_parts" in figures else ()
    body = (*_progress(figures["points"]), *reading)
    return "\n".join((head, title, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', *body, "</svg>\n"))


def _progress(points: Sequence[tuple[int, float]]) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    most, longest = max(records for records, _ in points) or 1, max(seconds for _, seconds in points) or 1.0
    yield _text(16, 28, "Records collected, set by set", bold=True)
    yield f'<path d="M{LEFT},{TOP}V{bottom}H{right}" fill="none" stroke="{FAINT}"/>'
    yield _text(LEFT - 8, TOP + 4, f"{most:,}", anchor="end")
    yield _text(LEFT - 8, bottom + 4, "0", anchor="end")
    yield _text(right, bottom + 18, f"{longest:.0f} s", anchor="end")
    width, height = (right - LEFT) / longest, (bottom - TOP) / most
    placed = [(LEFT + width * at, bottom - height * records) for records, at in points]
    end = f"{placed[-1][0]:.1f},{placed[-1][1]:.1f}"
    yield f'<path d="M{LEFT},{bottom}L{end}" stroke="{FAINT}" stroke-dasharray="3 4"/>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    yield f'<polyline points="{path}" fill="none" stroke="{OURS}" stroke-width="2"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{OURS}"/>' for x, y in placed)


def _reading(figures: Mapping[str, Any]) -> Iterator[str]:
    pairs = (
        ("GET requests to read all of it", "requests_parts", "requests_files", "{:,}"),
        ("seconds for two questions", "read_seconds_parts", "read_seconds_files", "{:,.2f} s"),
    )
    for number, (title, parts, files, written) in enumerate(pairs):
        top = TOP + 130 * number
        yield _text(BARS, top - 12, title, bold=True)
        most = max(figures[parts], figures[files]) or 1
        for row, (name, key, ink) in enumerate((("parts", parts, THEIRS), ("files", files, OURS))):
            y, length = top + row * 34, 240 * figures[key] / most
            yield f'<rect x="{BARS}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{ink}"/>'
            yield _text(BARS + length + 6, y + 13, f"{name}: {written.format(figures[key])}")


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}"{weight}>{escape(text)}</text>'
