"""What is played: a small lookup behind a huge one, and two partners who want everything at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from lookup.ledger.model import LookupRecord, LookupState
from lookup.quota import Quota
from tests.benchmarks.feeder.stage import LOOK, WORKERS, FeederStage, Sample, bare, opened
from tests.benchmarks.feeder.virtual import Batch, VirtualStage
from tests.waiting import GIVE_UP

BIG = 60_000  # users: more than any scenario can serve
SMALL = 10
FLOOD = 50  # users of each lookup of a flood
MESSAGE = 10  # users of each message
BATCH = 10  # messages that a function gets at once


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


def sharing(quota: Quota, weight: int, users: int, seed: int = 1) -> Scenario:
    """Run two partners' lookups in virtual time until so many `users` are served; return the ratio of their shares."""
    with bare() as stage:
        bench = VirtualStage(stage, quota, seed)
        bench.submit("first", BIG, weight=weight)
        bench.submit("second", BIG, weight=1)
        bench.run([bench.work] * WORKERS, ["first", "second"], seconds=1.1 * users * quota.window / quota.limit)
    samples = [Sample(at, served) for at, served in bench.samples if sum(served.values()) <= users]
    names = {"first": f"partner of weight {weight}", "second": "partner of weight 1"}
    return Scenario(f"Two partners, weights {weight}:1", names, samples, quota.window, ratio(samples))


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


def beside_messages(quota: Quota, users: int, seed: int = 1) -> Scenario:
    """Run the intake queue beside a roster, both of weight 1, in virtual time; return the ratio of their shares."""
    with bare() as stage:
        bench = VirtualStage(stage, quota, seed)
        bench.submit("second", BIG, weight=1)
        bench.batches += [Batch(BATCH * MESSAGE) for _ in range(2 * users // (BATCH * MESSAGE))]
        workers = [bench.work] * WORKERS + [bench.work_intake] * WORKERS
        bench.run(workers, ["second"], seconds=1.1 * users * quota.window / quota.limit)
    samples = [Sample(at, {"first": 0} | dict(served)) for at, served in bench.samples if sum(served.values()) <= users]
    names = {"first": f"messages of {MESSAGE} users", "second": f"{BIG:,} users of a partner"}
    after = [one for one in samples if sum(one.served.values()) >= users / 4]  # what was fed to begin with
    return Scenario("Messages beside a roster", names, samples, quota.window, ratio(after or samples))


def _flood(bench: FeederStage, flood: list[str]) -> None:
    """Submit and feed as a request does, twice as much as the service serves in the time."""
    quota = bench.stage.settings.workspace("default").quota
    for _ in range(max(1, round(2 * LOOK * quota.limit / quota.window / FLOOD))):
        flood.append(f"flood-{len(flood)}")
        bench.submit(flood[-1], FLOOD, partner="a", feed=False)
        bench.feeder.try_feed("default", flood[-1])


def ratio(samples: Sequence[Sample]) -> float:
    """Return how much steeper the first curve is than the second, each over the time.

    Parts come by the hundred, so that the last sample alone says little; and a line fitted to one curve over the other
    is too flat, because both come in steps. Too short a run for a fit is judged by its totals.
    """
    times = [one.at for one in samples]
    first, second = ([one.served[name] for one in samples] for name in ("first", "second"))
    if len(set(second)) == 1:
        return first[-1] / second[-1] if second[-1] else 0.0
    return linear_regression(times, first).slope / linear_regression(times, second).slope


def _served(seen: Mapping[str, LookupRecord], name: str) -> int:
    return seen[name].tally.counts.requested
