"""Shares that cannot be gamed: whatever a partner does, the other one with work waiting is given its weighted share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from lookup.ledger.shares import UNIT, Share, cost, first_turn, size_of, turns
from lookup.model import PART_LIMIT

DEPTH = 5 * PART_LIMIT
SIZES = st.sampled_from([1, 10, 99, PART_LIMIT])
ACTS = st.one_of(
    st.tuples(st.just("submit"), SIZES),
    st.tuples(st.just("first"), SIZES),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("retry"), st.integers(1, 5)),
    st.tuples(st.just("cancel"), st.just(0)),
    st.tuples(st.just("junk"), SIZES),
    st.tuples(st.just("blank"), st.sampled_from([4096, 1024 * 1024])),
    st.tuples(st.just("serve"), st.integers(1, 3)),
)


@dataclass(frozen=True)
class Job:
    """A part to feed: its entries, and for how many it is charged; one of blank bytes has none."""

    entries: int
    charged: int


@dataclass
class Workspace:
    """A workspace's queue and shares, as the feeder changes them: what is fed is charged, what is served makes room."""

    shares: dict[str, Share]
    jobs: dict[str, list[Job]] = field(default_factory=dict)
    held: dict[str, list[Job]] = field(default_factory=dict)
    sent: dict[str, list[Job]] = field(default_factory=dict)  # of lookups that were not cancelled: to be retried
    queue: list[tuple[str, int]] = field(default_factory=list)
    fed: list[tuple[str, int]] = field(default_factory=list)
    honest_waits: list[bool] = field(default_factory=list)

    def add(self, partner: str, entries: int, length: int = 0) -> None:
        self.jobs.setdefault(partner, []).append(Job(entries, size_of(entries, length)))
        self._count(partner)

    def cancel(self, partner: str) -> None:
        """End all lookups: what is on the queue is processed, nothing is refunded."""
        for jobs in (self.jobs, self.held, self.sent):
            jobs.pop(partner, None)
        self._count(partner)

    def retry(self, partner: str, parts: int) -> None:
        """Feed again what was fed last."""
        self.jobs.setdefault(partner, []).extend(self.sent.get(partner, [])[-parts:])
        self._count(partner)

    def pause(self, partner: str) -> None:
        self.held.setdefault(partner, []).extend(self.jobs.pop(partner, []))
        self._count(partner)

    def resume(self, partner: str) -> None:
        self.jobs.setdefault(partner, []).extend(self.held.pop(partner, []))
        self._count(partner)

    def _count(self, partner: str) -> None:
        self.shares[partner] = replace(self.shares[partner], ready=len(self.jobs.get(partner, [])))

    @property
    def room(self) -> int:
        return DEPTH - sum(size for _, size in self.queue)

    def feed(self) -> None:
        while self.room > 0 and (waiting := turns(list(self.shares.values()))):
            turn = waiting[0]
            self._fed(turn.share.partner, turn.tag, turn.virtual, self.jobs[turn.share.partner].pop(0))

    def first(self, partner: str) -> bool:
        weight, size = self.shares[partner].weight, self.jobs[partner][-1].charged
        part = cost(PART_LIMIT, weight)
        turn = first_turn(list(self.shares.values()), partner, cost(size, weight), part, is_full=self.room <= 0)
        if turn is not None:
            self._fed(partner, turn.tag, turn.virtual, self.jobs[partner].pop())
        return turn is not None

    def _fed(self, partner: str, tag: int, virtual: int, job: Job) -> None:
        """Charge a full part as the claim does, and as the commit does what the part has less or more."""
        share = self.shares[partner]
        charged = cost(PART_LIMIT, share.weight)
        settled = cost(job.charged, share.weight) - charged
        self.shares[partner] = replace(share, tag=tag + charged + settled, virtual=virtual)
        self.queue.append((partner, job.entries))
        self.fed.append((partner, job.entries))
        self.sent.setdefault(partner, []).append(job)
        self.honest_waits.append(bool(self.jobs.get("honest")))
        self._count(partner)

    def serve(self, parts: int) -> None:
        for _ in range(parts):
            if self.queue:
                self.queue.pop(0)
            self.feed()


def _ahead(space: Workspace, entries: int, length: int = 0) -> None:
    space.add("other", entries, length)
    space.first("other")


DONE: dict[str, Callable[[Workspace, int], object]] = {
    "submit": lambda space, size: space.add("other", size),
    "first": _ahead,
    "junk": _ahead,  # unusable entries are entries
    "blank": lambda space, length: _ahead(space, 0, length),
    "pause": lambda space, _: space.pause("other"),
    "resume": lambda space, _: space.resume("other"),
    "retry": lambda space, parts: space.retry("other", parts),
    "cancel": lambda space, _: space.cancel("other"),
    "serve": lambda space, parts: space.serve(parts),
}


def attacked(weights: tuple[int, int], acts: list[tuple[str, int]]) -> Workspace:
    """Run one partner's actions while the other has more pending than can be served."""
    honest, other = weights
    space = Workspace({"honest": Share("honest", weight=honest), "other": Share("other", weight=other)})
    for _ in range(400):
        space.add("honest", PART_LIMIT)
    space.feed()
    for act, size in acts:
        DONE[act](space, size)
        assert space.room > -PART_LIMIT * len(space.shares) - PART_LIMIT
    return space


def over_its_share(space: Workspace) -> float:
    """Return how far, in some window of what was fed, the other was ahead of the honest one: in entries over weight."""
    worst, lead = 0.0, 0.0
    for (partner, size), waits in zip(space.fed, space.honest_waits, strict=True):
        gained = size / space.shares[partner].weight
        lead = max(0.0, lead + (gained if partner == "other" else -gained)) if waits else 0.0
        worst = max(worst, lead)
    return worst


WEIGHTS = st.tuples(st.sampled_from([1, 3, 1000]), st.sampled_from([1, 3, 1000]))


@given(WEIGHTS, st.lists(ACTS, max_size=150))
def test_no_strategy_takes_more_than_its_share(weights: tuple[int, int], acts: list[tuple[str, int]]) -> None:
    """In every window the other has its weighted share of what is fed, up to a part."""
    space = attacked(weights, acts)
    bound = PART_LIMIT / weights[0] + PART_LIMIT / weights[1]
    assert over_its_share(space) <= bound + 1e-6


def test_a_part_of_a_hundred_for_each_part_served() -> None:
    """At weights 1000:1 a new lookup for each part that is served gets one part in a thousand, not all of them."""
    acts = [("first", PART_LIMIT), ("serve", 1)] * 200
    space = attacked((1000, 1), acts)
    assert sum(partner == "other" for partner, _ in space.fed) <= 2


def test_idling_saves_nothing_up() -> None:
    """Who comes after a long time begins where the others are."""
    space = attacked((1, 1), [("serve", 3)] * 40)
    before = len(space.fed)
    for _ in range(20):
        space.add("other", PART_LIMIT)
    space.serve(20)
    shares = [partner for partner, _ in space.fed[before:]]
    assert abs(shares.count("other") - shares.count("honest")) <= 2


@given(st.integers(1, 1000), st.lists(st.integers(0, 300), max_size=50))
def test_costs_add_up(weight: int, sizes: list[int]) -> None:
    """Whatever is charged before and refunded after, a tag is off by less than a thousandth of an entry a time."""
    total = sum(cost(PART_LIMIT, weight) + cost(size, weight) - cost(PART_LIMIT, weight) for size in sizes)
    assert abs(total - sum(sizes) * UNIT / weight) <= len(sizes)


def test_bytes_count_as_entries() -> None:
    """A megabyte without an entry counts as 256, a part of the longest lines as its hundred."""
    assert size_of(0, 1024 * 1024) == 256
    assert size_of(PART_LIMIT, PART_LIMIT * 4096) == PART_LIMIT
