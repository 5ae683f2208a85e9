"""What a run is written down as: a page, a picture, and the JSON of the last line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.gate.chart import chart, duration
from tests.benchmarks.gate.machine import machine
from tests.benchmarks.gate.measure import Figures, Quantiles, Waits
from tests.benchmarks.gate.reading import how_to_read
from tests.benchmarks.gate.rounds import Size
from tests.benchmarks.gate.targets import Gate, Target, targets


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one run of the benchmark. `started` is epoch seconds, `took` seconds."""

    gate: Gate
    peers: Sequence[Figures]
    size: Size
    started: float
    took: float

    @property
    def rows(self) -> list[Figures]:
        """This gate first, then its peers."""
        return [self.gate.side_by_side, *self.peers]

    @property
    def targets(self) -> list[Target]:
        """What was to be reached."""
        return targets(self.gate)

    def to_json(self) -> dict[str, Any]:
        """Return the last line."""
        burst = self.gate.bursts.burst
        return {
            "this": _json(self.gate.side_by_side),
            "peers": {peer.contender.name: _json(peer) for peer in self.peers},
            "lone_job_1000_seconds": round(self.gate.job_seconds, 2),
            "quota_minimum_seconds": round(self.gate.minimum_seconds, 2),
            "burst_200_wait_ms": burst.quota.to_json() if burst else None,
        }


def _json(of: Figures) -> dict[str, Any]:
    return {
        "quota_used": _rounded(of.quota_used),
        "quota_used_with_on_demand": _rounded(of.quota_used_with_on_demand),
        "refusals": of.refusals,
        "on_demand_wait_ms": of.waits.quota.to_json() if of.waits else None,
        "dynamodb_requests_per_payload": round(of.dynamodb_requests_per_payload, 2),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def write(report: Report, folder: Path) -> Path:
    """Write page and picture into a folder; return the page's path."""
    name = "gate-unscaled" if report.size.factor == 1 else "gate"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.svg").write_text(chart(report.rows), encoding="utf-8")
    page = folder / f"{name}.md"
    page.write_text("\n".join(_page(report, f"{name}.svg")), encoding="utf-8")
    return page


def _page(report: Report, picture: str) -> Iterable[str]:
    date = datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield from ("# The gate and its alternatives", "")
    yield f"Written by `make bench-gate` on {date}, in {report.took / 60:.1f} minutes, on {machine()}."
    yield from ("", f"![quota used, refusals and waits per contender]({picture})", "")
    yield from _compared(report.rows)
    yield from _reached(report.targets)
    yield from _split(report)
    yield from how_to_read(report.size)


def _compared(rows: Sequence[Figures]) -> Iterable[str]:
    yield "| | quota used, bulk alone | with on-demand | vendor refusals | before and between | most sent in a window |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for row in rows:
        shares = f"{row.quota_used or 0:.1%} | {row.quota_used_with_on_demand or 0:.1%}"
        yield f"| {row.contender.title} | {shares} | {row.refusals:,} | {row.refusals_outside:,} | {row.peak:,} |"
    yield from ("", "| | on-demand wait for quota: p50 | p99 | max | never served | DynamoDB requests per payload |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for row in rows:
        requests = f"{row.dynamodb_requests_per_payload:.2f}"
        yield f"| {row.contender.title} | {_waited(row.waits)} | {requests} |"
    yield ""


def _waited(waits: Waits | None) -> str:
    if waits is None:
        return "not measured | | | "
    return f"{_cells(waits.quota)} | {waits.unfinished:,} of {waits.calls:,}"


def _cells(of: Quantiles) -> str:
    return f"{duration(of.p50)} | {duration(of.p99)} | {duration(of.max)}"


def _reached(held: Sequence[Target]) -> Iterable[str]:
    yield from ("## What the gate has to reach", "", "| | to reach | measured | |", "| --- | ---: | ---: | --- |")
    for target in held:
        verdict = "reached" if target.reached else "**missed**"
        yield f"| {target.what} | {target.wanted} | {target.measured} | {verdict} |"
    yield ""


def _split(report: Report) -> Iterable[str]:
    yield from ("## Where the time of waiting callers goes", "")
    yield "| | part | p50 | p99 | max |"
    yield "| --- | --- | ---: | ---: | ---: |"
    named = [(row.contender.title, row.waits) for row in report.rows]
    named.insert(1, ("this gate, a burst of 200", report.gate.bursts.burst))
    for title, waits in named:
        if waits is not None:
            yield f"| {title} | **all** | {_cells(waits.whole)} |"
            yield f"| | gate requests | {_cells(waits.gate)} |"
            yield f"| | quota | {_cells(waits.quota)} |"
            yield f"| | the machine's scheduling | {_cells(waits.scheduling)} |"
    waits = report.gate.side_by_side.waits
    burst = report.gate.bursts.burst
    if waits is not None and burst is not None:
        yield ""
        yield f"One DynamoDB request took {duration(waits.round_trip)} of quota time at the median, with the on-demand"
        yield f"callers of this gate, who needed {waits.requests_per_call:.2f} of them per call; in the burst"
        yield f"{duration(burst.round_trip)} and {burst.requests_per_call:.2f}. Answers of DynamoDB that came too late"
        yield f"to send in time cost {report.gate.side_by_side.unused:.2%} of the quota."
    yield ""
