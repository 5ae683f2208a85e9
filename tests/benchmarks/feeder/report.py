"""What a run is written down as: a page, a picture, and the JSON of the last line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.feeder.curves import curves
from tests.benchmarks.feeder.huge import Cost
from tests.benchmarks.feeder.scenarios import Scenario
from tests.benchmarks.gate.machine import machine

HOW_TO_READ = """## How to read it

Everything runs as deployed: rosters in S3, parts in SQS, the ledger and the gate in DynamoDB (all of them embedded),
worker processes that serve the queue, and a simulated MoEngage with a strict sliding quota. Only time is shorter: the
quota's window, the vendor's latency and the depth of the queue are divided by the same factor. Each dashed line is one
quota window, a minute in real time.

- **A small lookup behind a huge one**: the small one waits for what is on the queue already, half a minute of quota,
  never for what is still in S3.
- **Two partners**: curves rise as steep as the partners' weights say. Users are counted when their part is in, a
  hundred at a time, so that curves are stairs; how much steeper one is than the other is fitted through all samples.
- **A flood**: one partner submits small lookups, twice as much as can be served, and each asks to go first. The
  share is what the other partner, of the same weight, is served for each user of the flood's.
- **Messages**: the intake queue is a partner of weight 1; the share is what its messages are served for each user of
  the roster's.
- **Seconds to accept** are those of pinning, checking and submitting in a function that has its connections.
- **Memory** is the most that a process ever had: one that accepted, unpacked and fed the roster, and read parts at
  200 places of it.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one run. `started` is epoch seconds, `took` seconds, `factor` quota seconds in a real second."""

    plain: Cost
    packed: Cost
    lines: int
    scenarios: Sequence[Scenario]
    factor: float
    started: float
    took: float

    def to_json(self) -> dict[str, float]:
        """Return the last line."""
        small, equal, three, attacked, messages = self.scenarios
        return {
            "accept_seconds": round(max(self.plain.accept_seconds, self.packed.accept_seconds), 3),
            "peak_mb": round(max(self.plain.peak_mb, self.packed.peak_mb), 1),
            "small_lookup_windows": round(small.result, 3),
            "share_equal": round(equal.result, 3),
            "share_3_to_1": round(three.result, 3),
            "share_attacked": round(attacked.result, 3),
            "share_intake": round(messages.result, 3),
        }


def write(report: Report, folder: Path) -> Path:
    """Write page and picture into a folder; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lookups.svg").write_text(curves(report.scenarios), encoding="utf-8")
    page = folder / "lookups.md"
    page.write_text("\n".join(_page(report)), encoding="utf-8")
    return page


def _page(report: Report) -> Iterable[str]:
    date = datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield from ("# Lookups that compete for one quota", "")
    minutes, factor = f"{report.took / 60:.1f} minutes", f"{report.factor:g}"
    yield f"Written by `make bench-feeder` on {date}, in {minutes}, {factor} quota seconds"
    yield f"in a real second, on {machine()}."
    yield from ("", "![users served of competing lookups over quota windows](lookups.svg)", "")
    yield from _reached(report)
    yield from _costs(report)
    yield HOW_TO_READ


def _reached(report: Report) -> Iterable[str]:
    measured = report.to_json()
    small = measured["small_lookup_windows"]
    rows = [
        ("seconds to accept the roster", "under 2", "accept_seconds", measured["accept_seconds"] < 2),
        ("memory of a process, MB", "under 200", "peak_mb", measured["peak_mb"] < 200),
        (
            "windows until a small lookup is done",
            "at most 1",
            "small_lookup_windows",
            small <= 1,
        ),
        ("shares of equal partners", "1 ± 10 %", "share_equal", abs(measured["share_equal"] - 1) <= 0.1),
        ("shares of weights 3:1", "3 ± 10 %", "share_3_to_1", abs(measured["share_3_to_1"] - 3) <= 0.3),
        ("share beside a flood", "at least 0.9", "share_attacked", measured["share_attacked"] >= 0.9),
        ("messages beside a roster, 1:1", "1 ± 10 %", "share_intake", abs(measured["share_intake"] - 1) <= 0.1),
    ]
    yield from ("| | to reach | measured | |", "| --- | ---: | ---: | --- |")
    for what, wanted, key, reached in rows:
        yield f"| {what} | {wanted} | {measured[key]:g} | {'reached' if reached else '**missed**'} |"
    yield ""


def _costs(report: Report) -> Iterable[str]:
    yield f"| a roster of {report.lines:,} | seconds to accept | entries estimated | peak memory, MB |"
    yield "| --- | ---: | ---: | ---: |"
    for name, cost in (("CSV", report.plain), ("CSV, gzip", report.packed)):
        yield f"| {name} | {cost.accept_seconds:.2f} | {cost.entries_estimated:,} | {cost.peak_mb:.0f} |"
    yield ""
