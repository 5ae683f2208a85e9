"""What is played: a small lookup behind a huge one, and two partners who want everything at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from lookup.lookup_model import LookupState, Progress
from lookup.quota import Quota
from tests.benchmarks.feeder.office import Sample, opened

BIG = 60_000  # users: more than any scene can serve
SMALL = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """What became of one scene; `result` is its figure, `window` in seconds."""

    title: str
    names: Mapping[str, str]
    samples: Sequence[Sample]
    window: float
    result: float


def overtaking(factor: float, quota: Quota) -> Scene:
    """Submit ten users behind a huge roster that fills the queue; give the windows until they are done."""
    with opened(factor, quota) as office:
        office.submit("huge", BIG, partner="a")
        office.watch(["huge"], lambda seen: _served(seen, "huge") >= 500)
        asked = time.time()
        office.submit("small", SMALL, partner="b")
        office.watch(
            ["huge", "small"],
            lambda seen: seen["small"].state is LookupState.COMPLETED,
        )
        finished = office.ledger.progress("small")
        taken = (finished.finished_at if finished and finished.finished_at else time.time()) - asked
        names = {"huge": f"{BIG:,} users", "small": f"{SMALL} users, submitted behind them"}
        title = "A small lookup behind a huge one"
        return Scene(title, names, office.samples, office.window, taken / office.window)


def sharing(factor: float, quota: Quota, weight: int, users: int) -> Scene:
    """Let two partners compete until so many `users` are served; give the ratio of their shares."""
    with opened(factor, quota) as office:
        office.submit("first", BIG, partner="a", weight=weight, feed=False)
        office.submit("second", BIG, partner="b")
        office.watch(["first", "second"], lambda seen: sum(_served(seen, name) for name in seen) >= users)
        names = {"first": f"partner of weight {weight}", "second": "partner of weight 1"}
        title = f"Two partners, weights {weight}:1"
        return Scene(title, names, office.samples, office.window, ratio(office.samples))


def ratio(samples: Sequence[Sample]) -> float:
    """Give how much steeper the first curve is than the second.

    Fitted through all samples: parts come by the hundred, so that the last sample alone says little.
    """
    second = [one.served["second"] for one in samples]
    return linear_regression(second, [one.served["first"] for one in samples]).slope if max(second) else 0.0


def _served(seen: Mapping[str, Progress], name: str) -> int:
    return seen[name].tally.counts.requested
