"""For any parts, rounds, redeliveries and interruptions the files are what the ledger names, in order, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lookup.collection.collection_result import Done, Held
from lookup.collection.collector import SetLimits
from lookup.collection.files import Format
from lookup.ledger.collecting.collections import CollectionState
from lookup.model import Outcome, Status
from tests.lookup.collection.world import World, outcome
from tests.lookup.stage import Stage

PARTS = st.lists(st.lists(st.sampled_from(Status), min_size=1, max_size=4), max_size=5)
ROUNDS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(Status)), max_size=4)


class Killed(Exception):
    """The function ends here, as if it were killed."""


class Killing:
    """Kills the function at its n-th AWS call, before or after AWS has applied it."""

    def __init__(self, stage: Stage) -> None:
        self.calls_left: int | None = None
        self.is_late = False
        for client in (stage.s3, stage.dynamodb):
            client.meta.events.register("before-send", self._before)
            client.meta.events.register("after-call", self._after)

    def _before(self, **_: Any) -> None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0 and not self.is_late:
                self.calls_left = None
                raise Killed

    def _after(self, parsed: dict[str, Any], **_: Any) -> None:
        if self.calls_left is not None and self.calls_left < 0:
            self.calls_left = None
            if "Body" in parsed:  # a dead process keeps no connection open
                parsed["Body"].close()
            raise Killed


@pytest.fixture
def numbers() -> Iterator[int]:
    """Return every example a lookup of its own."""
    return iter(range(1_000_000))


@pytest.fixture
def killing(stage: Stage) -> Killing:
    return Killing(stage)


@settings(max_examples=15, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(
    parts=PARTS,
    again=st.lists(st.integers(0, 4), max_size=3),
    retried=ROUNDS,
    records=st.integers(1, 6),
    seconds=st.sampled_from([1.0, 900.0]),
    kills=st.lists(st.tuples(st.integers(0, 25), st.booleans()), max_size=3),
)
def test_the_files_equal_the_ledger(
    stage: Stage,
    numbers: Iterator[int],
    killing: Killing,
    tmp_path: Path,
    parts: list[list[Status]],
    again: list[int],
    retried: list[tuple[int, Status]],
    records: int,
    seconds: float,
    kills: list[tuple[int, bool]],
) -> None:
    """Whatever is redelivered, retried and killed: the published files hold each identifier once, as it is counted."""
    lookup_id, world = f"l-{next(numbers)}", World(stage, limits=SetLimits(records=records))
    spec, now = world.begin(lookup_id), world.clock()
    expected: dict[int, list[str]] = {}
    for number, statuses in enumerate(parts):
        world.arrive(spec, number, [outcome(f"{number}-{at}", one, at=now) for at, one in enumerate(statuses)])
        expected[number] = [one.value for one in statuses]
    for number in again:  # delivered again, to somebody for whom it ended otherwise
        if number < len(parts):
            world.arrive(spec, number, all_of(Status.FAILED, number, parts, now))
    world.end(spec)
    _collect_until_done(world, lookup_id, seconds, killing, kills)
    for number, status in retried[:1]:
        if number < len(parts) and Status.FAILED in parts[number]:
            tried_in = world.retry(spec)
            world.arrive(spec, number, all_of(status, number, parts, now), tried_in=tried_in)
            expected[number] = [status.value] * len(parts[number])
            world.end(spec)
            _collect_until_done(world, lookup_id, seconds, killing, kills)
    one = world.collected(lookup_id)
    assert one.state is CollectionState.READY
    held = [(int(one["part"]), one["identifier"], one["outcome"]) for one in world.records(lookup_id=lookup_id)]
    assert held == [
        (number, f"{number}-{at}", status)
        for number, statuses in sorted(expected.items())
        for at, status in enumerate(statuses)
    ]
    tally = world.lookups.tally(lookup_id)
    assert tally is None or world.manifest(lookup_id)["counts"]["failed"] == tally.counts.failed
    keys = {file["key"] for file in world.manifest(lookup_id)["files"]}
    visible = {key for key in world.visible() if f"/{lookup_id}-" in key and "/manifest/" not in key}
    assert visible == keys
    assert _rows_of_parquet(world, lookup_id, tmp_path) == held


def all_of(status: Status, number: int, parts: list[list[Status]], now: float) -> list[Outcome]:
    return [outcome(f"{number}-{at}", status, at=now) for at in range(len(parts[number]))]


def _collect_until_done(
    world: World, lookup_id: str, seconds: float, killing: Killing, kills: list[tuple[int, bool]]
) -> None:
    planned = list(kills)
    while True:
        killing.calls_left, killing.is_late = planned.pop() if planned else (None, False)
        try:
            came = world.collect(lookup_id, seconds=seconds)
        except Killed:
            came = Held(0)
        killing.calls_left = None
        world.clock.now += seconds + 1
        if isinstance(came, Done) and not planned:
            return


def _rows_of_parquet(world: World, lookup_id: str, folder: Path) -> list[tuple[int, str, str]]:
    rows = list[tuple[int, str, str]]()
    for number, body in enumerate(world.files(Format.PARQUET, lookup_id=lookup_id)):
        path = folder / f"{number}.parquet"
        path.write_bytes(body)
        read = duckdb.read_parquet(str(path)).project("part, identifier, outcome").fetchall()
        rows += [(int(part), identifier, status) for part, identifier, status in read]
    return rows
