"""What the gate has to reach, and whether it did."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.gate.measure import Figures

QUOTA_USED, QUOTA_USED_WITH_ON_DEMAND = 0.96, 0.94
WAIT_P99, ROUND_TRIPS = 50.0, 2  # milliseconds of quota time, or so many gate round trips, whichever is more
BURST_SECONDS = 30.0  # quota seconds
REQUESTS_PER_PAYLOAD = 2.0  # with two workers
JOB_SLACK = 1.05  # of what pace and quota make it: workers lose time between payloads


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that is measured of this project's gate, run by run. Job times are quota seconds."""

    side_by_side: Figures
    two_workers: Figures
    bursts: Figures
    job: Figures
    job_seconds: float
    minimum_seconds: float

    @property
    def refusals(self) -> int:
        """The vendor's 429 in all runs, from their first second to their last."""
        runs = (self.side_by_side, self.two_workers, self.bursts, self.job)
        return sum(each.refusals + each.refusals_outside for each in runs)


@dataclass(frozen=True, slots=True)
class Target:
    """One figure to reach, as it is written down."""

    what: str
    wanted: str
    measured: str
    reached: bool


def targets(gate: Gate) -> list[Target]:
    """Hold the gate to what it has to reach."""
    return [*_quota(gate), *_waits(gate.side_by_side), *_burst(gate.bursts), _requests(gate.two_workers), _job(gate)]


def _quota(gate: Gate) -> list[Target]:
    used = gate.side_by_side.quota_used or 0.0
    beside = gate.side_by_side.quota_used_with_on_demand or 0.0
    return [
        Target("quota used, bulk alone", "≥ 96 %", f"{used:.1%}", used >= QUOTA_USED),
        Target("quota used, with on-demand", "≥ 94 %", f"{beside:.1%}", beside >= QUOTA_USED_WITH_ON_DEMAND),
        Target("vendor refusals in all its runs", "0", str(gate.refusals), gate.refusals == 0),
    ]


def _waits(of: Figures) -> list[Target]:
    if of.waits is None:
        return []
    allowed, p99 = max(WAIT_P99, ROUND_TRIPS * of.waits.round_trip), of.waits.quota.p99
    return [Target("on-demand wait for quota, p99", f"≤ {allowed:.0f} ms", f"{p99:.0f} ms", p99 <= allowed)]


def _burst(of: Figures) -> list[Target]:
    if of.burst is None:
        return []
    longest = of.burst.whole.max / 1000
    served = longest <= BURST_SECONDS and not of.burst.unfinished
    return [Target("a burst of 200 is served within", "30 s", f"{longest:.1f} s", served)]


def _requests(of: Figures) -> Target:
    requests = of.dynamodb_requests_per_payload
    what = "gate requests per bulk payload, 2 workers"
    return Target(what, "≤ 2.0", f"{requests:.2f}", requests <= REQUESTS_PER_PAYLOAD)


def _job(gate: Gate) -> Target:
    longest = gate.minimum_seconds * JOB_SLACK
    took = f"{gate.job_seconds:.1f} s"
    return Target("a lone job of 1,000 users", f"≤ {longest:.1f} s", took, gate.job_seconds <= longest)
