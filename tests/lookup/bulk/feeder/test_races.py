"""Race windows, one by one: what happens between two requests of a feeder, a worker or an event publisher."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lookup.ledger.model import LookupRecord, LookupState
from lookup.model import Counts
from tests.lookup.bulk.feeder.interruptions import Crash
from tests.lookup.bulk.feeder.world import LONG, World
from tests.lookup.services import counted
from tests.lookup.stage import Stage

NAME = "lookup-0"


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def seen(world: World) -> LookupRecord:
    progress = world.lookups.get(NAME)
    assert progress is not None
    return progress


def between(world: World, turn: Callable[[], object], at: int, action: Callable[[], object], *, after: bool) -> None:
    """Run an action before or after the n-th write or send of a turn."""
    met: list[bool] = []

    def act() -> None:
        met.append(True)
        action()

    world.between.arm(at, after=after, action=act)
    world.carry_out(turn)
    assert met == [True]


def die() -> None:
    raise Crash


def cancel(world: World) -> None:
    assert world.states.cancel(world.specs[0])
    world.ending.finish_if_done(NAME)


def feed(world: World) -> int:
    return world.feeder.feed("default")


def fail_all(world: World, lines: list[str]) -> None:
    """Bring a lookup to its end, with every part holding a failure."""
    world.order(lines, "a", 1)
    feed(world)
    world.take()
    while world.delivered:
        world.serve(world.delivered.pop(0), 1)
    assert seen(world).state is LookupState.COMPLETED


def end(world: World) -> None:
    world.drain()
    world.check_the_end()


def test_a_lookup_that_ends_before_it_is_claimed(world: World) -> None:
    """A feeder that chose a lookup which is cancelled and ended meanwhile feeds nothing of it."""
    world.order(["user-1"] * 5, "a", 1)
    between(world, lambda: feed(world), 1, lambda: cancel(world), after=False)
    assert (seen(world).cursor.parts_fed, world.taken(), world.unfinished()) == (0, [], [])
    end(world)


def test_a_lookup_that_ends_before_it_is_exhausted(world: World) -> None:
    """A feeder that finds nothing left of a lookup which has ended leaves nothing behind it."""
    world.order(["user-1", "user-2", "", ""], "a", 1)

    def others() -> None:
        cancel(world)
        world.take()
        world.serve(world.delivered.pop(), 0)

    between(world, lambda: feed(world), 4, others, after=False)
    assert world.unfinished() == []
    end(world)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_feeder_that_dies(world: World, at: int, *, after: bool) -> None:
    """Wherever a feeder dies, another sends the same part after the claim's time, and it counts once."""
    world.order(["user-1"] * 5, "a", 1)
    between(world, lambda: feed(world), at, die, after=after)
    world.serve_next(0, 0)
    world.clock.now += LONG
    feed(world)
    end(world)
    assert seen(world).tally.counts == Counts(requested=5, found=5)


def test_two_feeders_at_once(world: World) -> None:
    """While a feeder holds its claim another feeds nothing of the lookup: a part goes on the queue once."""
    world.order(["user-1", "user-2"], "a", 1)
    between(world, lambda: feed(world), 1, lambda: feed(world), after=True)
    (part,) = world.taken()
    world.delivered.append(part)
    world.serve_next(0, 0)
    end(world)
    assert seen(world).tally.counts == Counts(requested=2, found=2)


def test_a_retry_whose_feeder_dies(world: World) -> None:
    """A part that was sent for a retry and came in before its commit is committed, not passed over."""
    fail_all(world, ["user-1"] * 6)
    assert world.retry(world.specs[0])
    between(world, lambda: feed(world), 2, die, after=True)
    world.take()
    world.serve(world.delivered.pop(), 0)
    world.clock.now += LONG
    feed(world)
    world.take()
    while world.delivered:
        world.serve(world.delivered.pop(), 0)
    end(world)
    assert [one.tally.counts.failed for one in world.events.completed] == [3, 0]


def test_a_late_publisher(world: World) -> None:
    """A completion published late, after others published it and a retry began, does not end the retry."""
    world.order(["user-1"], "a", 1)
    feed(world)

    def others() -> None:
        world.clock.now += LONG
        world.sweep.run("default")
        assert world.retry(world.specs[0])

    world.has_crashed = True  # published twice, because one of them was slow
    between(world, lambda: world.serve_next(0, 1), 3, others, after=False)
    assert world.unfinished() == [NAME]
    end(world)
    assert seen(world).tally.counts == Counts(requested=1, found=1)


def test_a_late_finisher(world: World) -> None:
    """Who saw a lookup complete, when others have ended it and a retry has begun, does not end it again."""
    world.order(["user-1"], "a", 1)
    feed(world)

    def others() -> None:
        assert world.ending.finish_if_done(NAME)
        world.clock.now += 1
        assert world.retry(world.specs[0])

    between(world, lambda: world.serve_next(0, 1), 2, others, after=False)
    assert (seen(world).state, len(world.events.completed)) == (LookupState.ACTIVE, 1)
    end(world)


def test_a_retry_before_the_completion_is_published(world: World) -> None:
    """A retry begins only after the previous completion was published, so that none stays unpublished."""
    world.order(["user-1"], "a", 1)
    feed(world)
    between(world, lambda: world.serve_next(0, 1), 2, die, after=True)
    assert seen(world).state is LookupState.COMPLETED
    assert (world.retry(world.specs[0]), world.events.completed) == (False, [])
    world.clock.now += LONG
    world.sweep.run("default")
    assert (world.retry(world.specs[0]), len(world.events.completed)) == (True, 1)
    end(world)


def test_a_lost_part_that_comes_in_after_all(world: World) -> None:
    """A part that comes in while it is sent again is out no more."""
    world.order(["user-1"] * 2 + ["user-2"], "a", 1)
    feed(world)
    world.take()
    world.clock.now += LONG
    between(world, lambda: world.sweep.run("default"), 1, lambda: world.serve(world.delivered.pop(0), 0), after=True)
    assert [one.number for one in world.feed.in_flight("default", NAME)] == ["00000002"]
    end(world)


def test_two_deliveries_in_one_batch(world: World) -> None:
    """Two deliveries of a part that are counted together count once."""
    world.order(["user-1"] * 2, "a", 1)
    feed(world)
    part = world.taken()[0]
    one = counted(part, Counts(requested=2, found=2))
    assert world.part_ledger.count_completed([one, one], "results/one") == [part]
    assert seen(world).tally.counts == Counts(requested=2, found=2)
    assert world.lookups.in_flight("default").entries == 0


def test_a_retry_has_its_own_attempts(world: World) -> None:
    """A part that failed without a response is requested again in a retry."""
    world.order(["user-1"], "a", 1)
    feed(world)
    world.take()
    world.part_ledger.add_attempts(world.delivered[:1], 5)
    world.serve(world.delivered.pop(), 1)
    assert world.retry(world.specs[0])
    feed(world)
    assert world.part_ledger.status_of(world.taken()[0]).attempts == 0
