"""What is played: a small lookup behind a huge one, and two partners who want everything at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from lookup.ledger.model import LookupRecord, LookupState
from lookup.quota import Quota
from tests.benchmarks.feeder.stage import LOOK, WORKERS, FeederStage, Sample, opened
from tests.waiting import GIVE_UP

BIG = 60_000  # users: more than any scenario can serve
SMALL = 10
FLOOD = 50  # users of each lookup of a flood
MESSAGE = 10  # users of each message


@dataclass(frozen=True, slots=True)
class Scenario:
    """The result of one scenario; `result` is its figure, `window` in seconds."""

    title: str
    names: Mapping[str, str]
    samples: Sequence[Sample]
    window: float
    result: float


def overtaking(factor: float, quota: Quota) -> Scenario:
    """Submit ten users behind a huge roster that fills the queue; return the windows until they are done."""
    with opened(factor, quota) as bench:
        bench.submit("huge", BIG, partner="a")
        bench.watch(["huge"], lambda seen: _served(seen, "huge") >= 500)
        requested = time.time()
        bench.submit("small", SMALL, partner="b")
        bench.watch(
            ["huge", "small"],
            lambda seen: seen["small"].state is LookupState.COMPLETED,
        )
        finished = bench.ledger.get("small")
        taken = (finished.finished_at if finished and finished.finished_at else time.time()) - requested
        names = {"huge": f"{BIG:,} users", "small": f"{SMALL} users, submitted behind them"}
        title = "A small lookup behind a huge one"
        return Scenario(title, names, bench.samples, bench.window, taken / bench.window)


def sharing(factor: float, quota: Quota, weight: int, users: int) -> Scenario:
    """Run two partners' lookups until so many `users` are served; return the ratio of their shares."""
    with opened(factor, quota) as bench:
        bench.submit("first", BIG, partner="a", weight=weight, feed=False)
        bench.submit("second", BIG, partner="b")
        bench.watch(["first", "second"], lambda seen: sum(_served(seen, name) for name in seen) >= users)
        names = {"first": f"partner of weight {weight}", "second": "partner of weight 1"}
        title = f"Two partners, weights {weight}:1"
        return Scenario(title, names, bench.samples, bench.window, ratio(bench.samples))


def attacked(factor: float, quota: Quota, users: int) -> Scenario:
    """Flood the service with one partner's small lookups, fed at once; return what the other is served beside it."""
    with opened(factor, quota) as bench:
        bench.submit("second", BIG, partner="b")
        flood: list[str] = []
        deadline = time.time() + GIVE_UP
        while time.time() < deadline:
            _flood(bench, flood)
            seen = bench.ledger.get_many([*flood, "second"])
            of_flood = sum(one.tally.counts.requested for one in seen[:-1])
            served = {"first": of_flood, "second": seen[-1].tally.counts.requested}
            bench.samples.append(Sample(time.time() - (bench.started or 0.0), served))
            if sum(served.values()) >= users:
                break
            time.sleep(LOOK)
        names = {"first": f"{len(flood)} lookups of {FLOOD} users", "second": f"{BIG:,} users of another partner"}
        title = "A flood of small lookups beside a roster"
        steepness = ratio(bench.samples)
        return Scenario(title, names, bench.samples, bench.window, 1 / steepness if steepness else float(users))


def beside_messages(factor: float, quota: Quota, users: int) -> Scenario:
    """Run the intake queue, of weight 1, beside a roster of weight 1; return the ratio of their shares."""
    with opened(factor, quota, intake_workers=WORKERS) as bench:
        bench.send(2 * users // MESSAGE, MESSAGE)
        bench.submit("second", BIG, partner="b")
        deadline = time.time() + GIVE_UP
        while time.time() < deadline:
            (roster,) = bench.ledger.get_many(["second"])
            served = {"first": bench.from_intake(), "second": roster.tally.counts.requested}
            bench.samples.append(Sample(time.time() - (bench.started or 0.0), served))
            if sum(served.values()) >= users:
                break
            time.sleep(LOOK)
        names = {"first": f"messages of {MESSAGE} users", "second": f"{BIG:,} users of a partner"}
        after = [one for one in bench.samples if sum(one.served.values()) >= users / 4]  # what was fed to begin with
        return Scenario("Messages beside a roster", names, bench.samples, bench.window, ratio(after))


def _flood(bench: FeederStage, flood: list[str]) -> None:
    """Submit and feed as a request does, twice as much as the service serves in the time."""
    quota = bench.stage.settings.workspace("default").quota
    for _ in range(max(1, round(2 * LOOK * quota.limit / quota.window / FLOOD))):
        flood.append(f"flood-{len(flood)}")
        bench.submit(flood[-1], FLOOD, partner="a", feed=False)
        bench.feeder.try_feed("default", flood[-1])


def ratio(samples: Sequence[Sample]) -> float:
    """Return how much steeper the first curve is than the second.

    Fitted through all samples: parts come by the hundred, so that the last sample alone says little. Too short a run
    for a fit is judged by its totals.
    """
    second = [one.served["second"] for one in samples]
    if len(set(second)) == 1:
        return samples[-1].served["first"] / second[-1] if second[-1] else 0.0
    return linear_regression(second, [one.served["first"] for one in samples]).slope


def _served(seen: Mapping[str, LookupRecord], name: str) -> int:
    return seen[name].tally.counts.requested
