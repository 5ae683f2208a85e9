"""What a run is written down as: a page with its charts, and the JSON of the last line."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lookup.model import PAYLOAD_LIMIT
from lookup.quota import Quota
from tests.benchmarks.gate.machine import machine
from tests.benchmarks.light import charts
from tests.benchmarks.light.cold_start import TARGETS, UNIT, Starts
from tests.benchmarks.light.growth import Cost, Growth
from tests.benchmarks.light.payload import Payloads
from tests.benchmarks.light.side_by_side import PROCESSES, SideBySide

PAYLOAD_TARGET, GROWTH_TARGET = 2.0, 1.10
PACKAGES = ("boto3", "botocore", "aws-lambda-powertools", "pydantic", "ministack")
PAGE = "light.md"

HOW_TO_READ = f"""## How to read it

- **Cold start**: CPU, user and system, of a whole process, interpreter's start and end included, with bytecode on
  disk: it imports a handler, wires it and answers one event. `on_queue` serves a part, vendor call included,
  `on_schedule` the minute's tick, `on_request` a warm hit. In units of `{UNIT}`
  in the same turn; the median of all turns.
- **Payload**: {PAYLOAD_LIMIT} users of 2 KB each on the whole bulk pipeline, by a vendor that answers at once. The bare
  script makes the very same calls, recorded before, one after the other by boto3 and urllib3, and nothing else. Both
  times are CPU of the process; that of AWS and of the vendor is in others.
- **Side by side**: {PROCESSES} processes each, on the same vendor with a strict sliding quota, time scaled. 5 % of the
  lines are duplicates, 10 % of the users unknown. The minimum is what the quota allows for the distinct identifiers to
  whoever sends a full window at once, and the next one a window later. Time is that from the first call to the last
  outcome, of this pipeline from the submission. *Lost*: without an outcome at the end. *Doubled*: sent to the vendor
  again though it had answered. Lines of code are those of a user: of this pipeline an upload and a request.
- **Growth**: per identifier, submission included. Of long rosters the first and the last parts are served, and the
  ledger between them is written as it is when all of them are. CPU is that of all pieces of work, each the median of
  several turns in units of the same fifty calls of DynamoDB, made right after it: a processor's speed changes more than
  what is looked for.
- **Memory**: the most that a process had (`VmHWM`), its interpreter included, in MB.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one run. `started` is epoch seconds, `took` seconds; `sizes` says how much was measured."""

    starts: Starts
    payloads: Payloads
    peers: SideBySide | None
    growth: Growth
    peak_mb: Mapping[str, float]
    started: float
    took: float
    sizes: str

    def to_json(self) -> dict[str, Any]:
        """Return the last line, without `disturbed`."""
        return {
            "cold_start": self.starts.ratios(),
            "cpu_per_payload_ratio": self.payloads.ratio,
            "users_per_second_per_core": self.payloads.users_per_second_and_core,
            "peers": {name: result.to_json() for name, result in self.peers.results.items()} if self.peers else {},
            "growth_ratio": self.growth.ratio,
            "peak_mb": dict(self.peak_mb),
        }


def write(report: Report, folder: Path) -> Path:
    """Write the page and its charts into a folder; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    shares = {name: round(100 * share, 1) for name, share in report.payloads.split.items()}
    (folder / "light-payload.svg").write_text(charts.bars("CPU of a payload, by what it is for", shares, "%"))
    (folder / "light-growth.svg").write_text(
        charts.curves("Cost of an identifier, in units of the first", _panels(report))
    )
    if report.peers:
        times = {name: round(result.time_ratio, 2) for name, result in report.peers.results.items()}
        chart = charts.bars("Time to the last outcome, in units of the quota's own minimum", times, "times")
        (folder / "light-peers.svg").write_text(chart)
    page = folder / PAGE
    page.write_text("\n".join(_page(report)), encoding="utf-8")
    return page


def _panels(report: Report) -> Mapping[str, Mapping[str, charts.Curve]]:
    growth = report.growth
    return {"lines of a roster": _curves(growth.sizes), "active lookups of one partner": _curves(growth.lookups)}


def _curves(costs: Any) -> Mapping[str, charts.Curve]:
    return {
        "AWS requests": [(one.number, one.requests) for one in costs],
        "DynamoDB read units": [(one.number, one.read_units) for one in costs],
        "CPU": [(one.number, one.cpu) for one in costs],
    }


def _page(report: Report) -> Iterator[str]:
    made = datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield "# Light and fast\n"
    yield f"Written by `make bench-light` on {made}, in {report.took / 60:.1f} minutes, on {machine()}."
    yield f"Versions: Python {platform.python_version()}, {versions}. Measured: {report.sizes}.\n"
    yield from _starts(report)
    yield from _payload(report)
    yield from _side_by_side(report)
    yield from _growth(report)
    yield "## Memory\n\n| | MB |\n| --- | ---: |"
    yield from (f"| {name} | {peak:.0f} |" for name, peak in report.peak_mb.items())
    yield f"\n{HOW_TO_READ}"
    yield "To repeat it: `make bench-light`; `SHORT=1` measures less of everything and writes no page here."


def _starts(report: Report) -> Iterator[str]:
    yield "## Cold start\n\n| first event answered | in units | at most | |\n| --- | ---: | ---: | --- |"
    for name, ratio in report.starts.ratios().items():
        yield f"| `{name}` | {ratio:.2f} | {TARGETS[name]:g} | {_mark(ratio <= TARGETS[name])} |"
    yield ""


def _payload(report: Report) -> Iterator[str]:
    one = report.payloads
    yield f"## CPU of a payload of {PAYLOAD_LIMIT} users\n\n| | ms | |\n| --- | ---: | --- |"
    rate = f"{one.users_per_second_and_core:,.0f} users a second and core"
    yield f"| whole bulk pipeline | {1000 * one.own:.1f} | {rate} |"
    yield f"| bare script, the same calls | {1000 * one.bare:.1f} | |"
    yield f"| ratio | {one.ratio:.2f} | at most {PAYLOAD_TARGET:g}: {_mark(one.ratio <= PAYLOAD_TARGET)} |"
    yield "\n![CPU of a payload by what it is for](light-payload.svg)\n"
    yield "| part of the pipeline's CPU | |\n| --- | ---: |"
    yield from (f"| {name} | {100 * share:.1f} % |" for name, share in one.split.items())
    yield "\n| calls of a payload | |\n| --- | ---: |"
    yield from (f"| {name} | {times:g} |" for name, times in one.calls.items())
    yield ""


def _side_by_side(report: Report) -> Iterator[str]:
    if not report.peers:
        return
    yield "## Side by side\n\n![time to the last outcome](light-peers.svg)\n"
    yield (
        f"{report.peers.factor:g} quota seconds passed in a real one: quota for "
        f"{report.peers.factor * Quota().limit / Quota().window:,.0f} users a second. Without a quota this pipeline, "
        f"embedded AWS included, serves {report.peers.capacity:,.0f} here; with less room than twice the quota, time "
        f"runs slower. Its gate, which sends evenly, needs {report.peers.paced:.2f} times the minimum.\n"
    )
    yield "| | time, in the quota's minimum | calls | refused | lost | doubled | lines of code |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, one in report.peers.results.items():
        counted = f"{one.calls:,} | {one.refusals:,} | {one.lost:,} | {one.doubled:,} | {one.lines}"
        yield f"| {name} | {one.time_ratio:.2f} | {counted} |"
    yield ""


def _growth(report: Report) -> Iterator[str]:
    ratio = report.growth.ratio
    yield "## Growth\n\n![cost of an identifier](light-growth.svg)\n"
    reached = _mark(ratio <= GROWTH_TARGET)
    yield f"The dearest point costs {ratio:.2f} times the cheapest, at most {GROWTH_TARGET:g}: {reached}."
    yield ""
    for title, costs in (("lines of a roster", report.growth.sizes), ("active lookups", report.growth.lookups)):
        yield f"| {title} | AWS requests | read units | CPU, ms |\n| ---: | ---: | ---: | ---: |"
        yield from map(_row, costs)
        yield ""


def _row(cost: Cost) -> str:
    return f"| {cost.number:,} | {cost.requests:.3f} | {cost.read_units:.3f} | {1000 * cost.cpu:.2f} |"


def _mark(reached: bool) -> str:  # noqa: FBT001 - what it marks
    return "reached" if reached else "missed"
