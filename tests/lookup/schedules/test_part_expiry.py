"""Parts are deleted some days after their lookup's end, when it is collected, and nothing else is."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from lookup.errors import AwsUnavailable
from lookup.ledger.collecting.collections import MARGIN, PARTS_EXPIRY
from lookup.ledger.model import PARTS_SECONDS
from lookup.model import Status
from lookup.schedules.part_expiry import PartExpiry
from tests.lookup.collection.world import World, outcome
from tests.lookup.stage import Stage

DUE = PARTS_SECONDS + MARGIN


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def expiring(world: World, **bounds: int) -> PartExpiry:
    bucket, clock = world.stage.settings.bucket_name, world.clock
    return PartExpiry(
        world.stage.s3, bucket, collections=world.collections, ledger=world.lookups, clock=clock, every=0, **bounds
    )


@pytest.fixture
def expiry(world: World) -> PartExpiry:
    return expiring(world)


def ended(world: World, lookup_id: str, parts: int = 2, status: Status = Status.FAILED) -> None:
    spec = world.begin(lookup_id)
    for number in range(1, parts + 1):
        world.arrive(spec, number, [outcome(f"C-{number}", status, at=world.clock())])
    world.end(spec)


def due(world: World) -> int:
    return len(world.table.query(PARTS_EXPIRY))


def test_parts_go_after_their_time(world: World, expiry: PartExpiry) -> None:
    """Seven days after a lookup's end, and not before, its parts are deleted; its files and other parts stay."""
    ended(world, "l-1")
    world.collect("l-1")
    world.clock.now += DUE - 1
    ended(world, "l-2")
    world.collect("l-2")
    assert (expiry.run(), len(world.stage.keys("parts/"))) == (0, 4)
    files = world.visible()
    world.clock.now += 1
    assert expiry.run() == 2
    assert [key.rpartition("/")[2][:3] for key in world.stage.keys("parts/")] == ["l-2", "l-2"]
    assert (world.visible(), due(world), expiry.run()) == (files, 1, 0)
    assert len(world.records(lookup_id="l-1")) == 2


def test_what_is_not_collected_stays(world: World, expiry: PartExpiry) -> None:
    """The parts of a lookup whose results are not published are kept for an operator, as long as results are."""
    ended(world, "l-1")
    world.clock.now += 2 * DUE
    assert (expiry.run(), len(world.stage.keys("parts/"))) == (0, 2)


def test_a_retry_keeps_the_parts(world: World, expiry: PartExpiry) -> None:
    """A lookup that was retried in time keeps its parts until seven days after its new end; none is retried later."""
    ended(world, "l-1")
    world.collect("l-1")
    spec = world.ended("l-1").spec
    world.clock.now += PARTS_SECONDS - 2
    tried_in = world.retry(spec)
    world.clock.now += MARGIN + 10
    assert (expiry.run(), len(world.stage.keys("parts/")), due(world)) == (0, 2, 0)
    for number in (1, 2):
        world.arrive(spec, number, [outcome(f"C-{number}", Status.FAILED, at=world.clock())], tried_in=tried_in)
    world.end(spec)
    world.collect("l-1")
    assert len(world.records(lookup_id="l-1")) == 2
    world.clock.now += PARTS_SECONDS
    assert not world.states.retry_failed(spec, world.ended("l-1").cursor)
    world.clock.now += MARGIN
    assert (expiry.run(), world.stage.keys("parts/")) == (2, [])


def test_so_much_at_a_time(world: World) -> None:
    """A tick deletes a bounded number of parts, in bounded requests; the next one goes on behind them."""
    expiry = expiring(world, per_tick=3, per_request=2)
    for name in ("l-1", "l-2"):
        ended(world, name, parts=4)
        world.collect(name)
        world.clock.now += 1
    world.clock.now += DUE
    left = []
    while expiry.run():
        left.append(len(world.stage.keys("parts/")))
    assert left == [5, 2, 0]
    assert due(world) == 0


def test_an_error_of_s3_is_no_end(world: World, expiry: PartExpiry) -> None:
    """When S3 fails nothing is forgotten: the next tick deletes what is left."""
    ended(world, "l-1")
    world.collect("l-1")
    world.clock.now += DUE

    def fail(**_: object) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "DeleteObjects")

    events = world.stage.s3.meta.events
    events.register("before-call.s3.DeleteObjects", fail, unique_id="fail")
    with pytest.raises(ClientError):
        expiry.run()
    events.unregister("before-call.s3.DeleteObjects", unique_id="fail")
    assert due(world) == 1
    assert (expiry.run(), world.stage.keys("parts/")) == (2, [])


def test_errors_of_single_objects_are_errors(world: World, expiry: PartExpiry) -> None:
    """An answer that names objects which were not deleted ends the tick's deletion, and they stay due."""
    ended(world, "l-1")
    world.collect("l-1")
    world.clock.now += DUE

    def refuse(parsed: dict[str, object], **_: object) -> None:
        parsed["Errors"] = [{"Key": "parts/one", "Code": "InternalError"}]

    world.stage.s3.meta.events.register("after-call.s3.DeleteObjects", refuse, unique_id="refuse")
    with pytest.raises(AwsUnavailable, match="S3 did not delete 1 objects: InternalError"):
        expiry.run()
    world.stage.s3.meta.events.unregister("after-call.s3.DeleteObjects", unique_id="refuse")
    assert due(world) == 1


def test_most_ticks_ask_for_nothing(world: World) -> None:
    """An instance looks for what is due once in ten minutes; in between it sends no request."""
    asked: list[str] = []
    world.stage.dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    clock, bucket = world.clock, world.stage.settings.bucket_name
    expiry = PartExpiry(world.stage.s3, bucket, collections=world.collections, ledger=world.lookups, clock=clock)
    for _ in range(10):
        expiry.run()
        world.clock.now += 60
    assert asked == ["Query"]
    expiry.run()
    assert asked == ["Query"] * 2
