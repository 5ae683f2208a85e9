"""From what was counted to what a million costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from lookup.model import PART_LIMIT
from lookup.quota import Quota
from tests.benchmarks.cost.prices import MILLION, Item, total
from tests.benchmarks.cost.scenarios import Counted
from tests.benchmarks.cost.seconds import VENDOR_CALL, billed, computing, waiting
from tests.benchmarks.cost.units import Usage, add
from tests.benchmarks.cost.workers import Shift, shift

GATE_UPDATE = ("dynamodb", "UpdateItem")
ON_DEMAND_WAIT = 0.012  # seconds at the gate beside bulk work, at the 99th percentile (docs/gate.md)
PARTS = MILLION / PART_LIMIT
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Line:
    """A million of something: what is used, and seconds of function for one part or request."""

    name: str
    usage: Usage
    seconds: float
    memory_mb: int
    used: float | None = None  # share of the quota, of bulk

    @property
    def dollars(self) -> float:
        return total(self.usage)


def bulk(name: str, small: Counted, large: Counted, memory_mb: int) -> Line:
    """A million users of one roster, by what a further part takes; at the quota's pace, waits included."""
    one = _between(small, large)
    taken = pace(one, memory_mb)
    usage: Usage = {}
    add(usage, one.usage, PARTS)
    add(usage, {Item.DYNAMODB_READ: one.gate_usage[Item.DYNAMODB_READ]}, PARTS)  # the feeder's look at the gate
    add(usage, {Item.DYNAMODB_WRITE: taken.gate_requests}, PARTS)  # its item is under 1 KB
    usage[Item.GB_SECOND] = PARTS * billed(taken.seconds, memory_mb)
    for item, number in small.usage.items():  # what the lookup takes once
        add(usage, {item: max(number - one.usage.get(item, 0.0) * small.units / PART_LIMIT, 0.0)})
    return Line(name, usage, taken.seconds, memory_mb, taken.used)


def pace(one: Counted, memory_mb: int) -> Shift:
    """Work one part at the quota's pace."""
    gate_updates = one.gate_usage[Item.DYNAMODB_WRITE]
    beside = {**one.requests, GATE_UPDATE: one.requests[GATE_UPDATE] - gate_updates}
    return shift(work=waiting(beside) + computing(one.cpu, memory_mb), quota=Quota())


def requests(name: str, counted: Counted, memory_mb: int, *, vendor_calls: int) -> Line:
    """A million requests like these."""
    one = 1 / counted.units
    seconds = waiting(counted.requests) * one + computing(counted.cpu * one, memory_mb)
    seconds += vendor_calls * (VENDOR_CALL + ON_DEMAND_WAIT)
    return Line(name, _with_seconds(counted, MILLION * one, seconds, memory_mb), seconds, memory_mb)


def with_archiving(line: Line, archived: Counted, memory_mb: int) -> Line:
    """Add to a million requests what archiving their records takes, in another function."""
    usage: Usage = {}
    add(usage, line.usage)
    add(usage, requests(line.name, archived, memory_mb, vendor_calls=0).usage)
    return replace(line, usage=usage)


def once(counted: Counted, memory_mb: int) -> Usage:
    """One invocation like these, for what happens by itself."""
    seconds = waiting(counted.requests) / counted.units + computing(counted.cpu / counted.units, memory_mb)
    return _with_seconds(counted, 1 / counted.units, seconds, memory_mb)


def _with_seconds(counted: Counted, times: float, seconds: float, memory_mb: int) -> Usage:
    usage: Usage = {}
    add(usage, counted.usage, times)
    add(usage, counted.gate_usage, times)
    usage[Item.GB_SECOND] = counted.units * times * billed(seconds, memory_mb)
    return usage


def _between(small: Counted, large: Counted) -> Counted:
    """Return what one more part takes."""
    parts = (large.units - small.units) / PART_LIMIT
    return Counted(
        PART_LIMIT,
        _slope(small.usage, large.usage, parts),
        _slope(small.requests, large.requests, parts),
        round((large.gate_requests - small.gate_requests) / parts),
        _slope(small.gate_usage, large.gate_usage, parts),
        1,
        (large.cpu - small.cpu) / parts,
    )


def _slope(small: Mapping[K, float], large: Mapping[K, float], parts: float) -> dict[K, float]:
    return {key: (number - small.get(key, 0.0)) / parts for key, number in large.items()}
