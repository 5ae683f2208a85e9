"""From the vendor's log and the callers' records to figures. Waits are in milliseconds of quota time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from infra.local.simulator.journal import peak
from infra.local.simulator.process import Arrival
from tests.benchmarks.gate.caller import Record
from tests.benchmarks.gate.contenders import Contender
from tests.benchmarks.gate.plan import Span
from tests.benchmarks.gate.stage import Run
from tests.benchmarks.gate.workers import BULK, BURSTING, STEADY

MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of how long many calls took, in milliseconds of quota time."""

    p50: float
    p99: float
    max: float

    def to_json(self) -> dict[str, float]:
        """Return the form of the last line."""
        return {"p50": round(self.p50, 1), "p99": round(self.p99, 1), "max": round(self.max, 1)}


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of one kind of callers: in all, and split into what they consist of. Each part has its own order.

    `round_trip` is the median of one DynamoDB request. `unfinished` callers had no answer when the run ended: their
    waits are the least they can have been. `requests_per_call` are DynamoDB's.
    """

    calls: int
    unfinished: int
    whole: Quantiles
    gate: Quantiles
    quota: Quantiles
    scheduling: Quantiles
    round_trip: float
    requests_per_call: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What one contender did. Shares are of the users that the quota would have allowed; None: not measured.

    `refusals` are the vendor's 429 in the measured windows, `refusals_outside` those before and between them;
    `peak` is the most users sent in any window, `unused` the share of the quota that was charged for nothing.
    """

    contender: Contender
    quota_used: float | None
    quota_used_with_on_demand: float | None
    refusals: int
    refusals_outside: int
    peak: int
    unused: float
    waits: Waits | None
    burst: Waits | None
    dynamodb_requests_per_payload: float


def figures(run: Run) -> Figures:
    """Measure a run."""
    spans = run.plan.spans
    alone, together = spans["bulk alone"], spans["with on-demand"]
    refused = [call for call in run.arrivals if call.status == HTTPStatus.TOO_MANY_REQUESTS]
    measured = _arrived(run, refused, alone) + _arrived(run, refused, together)
    bulk = [record for record in _requested(run, alone, BULK) if record.accepted]
    return Figures(
        contender=run.contender,
        quota_used=share_used(run, alone),
        quota_used_with_on_demand=share_used(run, together),
        refusals=len(measured),
        refusals_outside=len(refused) - len(measured),
        peak=peak(((call.monotonic, call.users) for call in run.arrivals), run.plan.quota.window),
        unused=sum(record.unused for record in run.records) / _possible(run, Span("run", 0.0, run.plan.end)),
        waits=waits(run, _requested(run, together, STEADY)),
        burst=waits(run, [record for record in run.records if record.kind == BURSTING]),
        dynamodb_requests_per_payload=sum(record.requests for record in bulk) / max(len(bulk), 1),
    )


def share_used(run: Run, span: Span) -> float | None:
    """Return the share of the possible users that the vendor accepted; None when nothing was measured."""
    if span.end <= span.start:
        return None
    users = sum(call.users for call in _arrived(run, run.arrivals, span) if call.counted)
    return users / _possible(run, span)


def _possible(run: Run, span: Span) -> float:
    return run.plan.quota.limit * (span.end - span.start) / run.plan.quota.window


def waits(run: Run, records: Sequence[Record]) -> Waits | None:
    """Split waits; None without any."""
    if not records:
        return None
    factor = run.plan.factor
    trips = [record.gate / record.requests for record in records if record.requests]
    return Waits(
        calls=len(records),
        unfinished=sum(not record.accepted for record in records),
        whole=quantiles((record.waited for record in records), factor),
        gate=quantiles((record.gate for record in records), factor),
        quota=quantiles((record.quota for record in records), factor),
        scheduling=quantiles((record.scheduling for record in records), factor),
        round_trip=quantiles(trips, factor).p50 if trips else 0.0,
        requests_per_call=sum(record.requests for record in records) / len(records),
    )


def quantiles(seconds: Iterable[float], factor: float) -> Quantiles:
    """Return the quantiles of at least one span of real seconds, in milliseconds of quota time."""
    ordered = sorted(value * factor * MILLISECONDS for value in seconds)
    return Quantiles(ordered[len(ordered) // 2], ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)], ordered[-1])


def job_seconds(run: Run) -> float:
    """Return the quota seconds from the start of a lone job to its last answer. Raises `ValueError` if not over."""
    if sum(record.accepted for record in run.records) != run.plan.job_users:
        raise ValueError("the lone job did not end within its run")
    return (max(record.settled for record in run.records) - run.started) * run.plan.factor


def _arrived(run: Run, arrivals: Iterable[Arrival], span: Span) -> list[Arrival]:
    return [call for call in arrivals if span.start <= call.epoch - run.started < span.end]


def _requested(run: Run, span: Span, kind: str) -> list[Record]:
    return [
        record
        for record in run.records
        if record.kind == kind and span.start <= record.requested_at - run.started < span.end
    ]
