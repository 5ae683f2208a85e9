"""For any lookup and any interruptions an export holds what the files hold, or nothing of it is visible."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lookup.collection.collection_result import CollectionResult, Done, Held
from lookup.collection.collector import SetLimits
from lookup.collection.files import Format
from lookup.ledger.collecting.exports import ExportState
from lookup.model import Status
from tests.lookup.collection.exporting import Exporting
from tests.lookup.collection.test_any_lookup import PARTS, Killed, Killing
from tests.lookup.collection.world import World, outcome
from tests.lookup.stage import Stage


@pytest.fixture
def numbers() -> Iterator[int]:
    """Return every example a lookup of its own."""
    return iter(range(1_000_000))


@pytest.fixture
def killing(stage: Stage) -> Killing:
    return Killing(stage)


@settings(max_examples=10, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(
    parts=PARTS,
    records=st.integers(1, 6),
    seconds=st.sampled_from([1.0, 900.0]),
    kills=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=3),
    is_retried=st.booleans(),
)
def test_an_export_equals_the_files(
    stage: Stage,
    numbers: Iterator[int],
    killing: Killing,
    parts: list[list[Status]],
    records: int,
    seconds: float,
    kills: list[tuple[int, bool]],
    is_retried: bool,  # noqa: FBT001 - drawn
) -> None:
    """Killed at any call, before or after it took effect: the export is whole and once, or a retry left none of it."""
    lookup_id, world = f"x-{next(numbers)}", World(stage, limits=SetLimits(records=records))
    exporting = Exporting(world)
    spec, now = world.begin(lookup_id), world.clock()
    for number, statuses in enumerate(parts):
        world.arrive(spec, number, [outcome(f"{number}-{at}", one, at=now) for at, one in enumerate(statuses)])
    world.end(spec)
    world.collect(lookup_id)
    exporting.ask(lookup_id)
    can_be_retried = is_retried and any(Status.FAILED in statuses for statuses in parts)
    planned = list(kills)
    while planned:
        _attempt(exporting, lookup_id, seconds, killing, planned.pop())
    if can_be_retried:
        world.retry(spec)
    while not isinstance(_attempt(exporting, lookup_id, seconds, killing, None), Done):
        pass
    visible = {key for key in world.visible() if f"/{lookup_id}-" in key and "/csv" in key}
    if can_be_retried and exporting.export(lookup_id).state is not ExportState.READY:
        assert visible <= {str(file["key"]) for one in world.collections.sets(lookup_id) for file in one.files}
        return
    assert exporting.export(lookup_id).state is ExportState.READY
    held = [(row["identifier"], row["outcome"]) for row in exporting.rows(lookup_id=lookup_id)]
    expected = [(one["identifier"], one["outcome"]) for one in world.records(lookup_id=lookup_id)]
    assert held == expected
    assert visible == {one.key for one in exporting.listed(lookup_id) if one.format is Format.CSV}


def _attempt(
    exporting: Exporting, lookup_id: str, seconds: float, killing: Killing, kill: tuple[int, bool] | None
) -> CollectionResult:
    killing.calls_left, killing.is_late = kill or (None, False)
    try:
        return exporting.make(lookup_id, seconds=seconds)
    except Killed:
        return Held(0)
    finally:
        killing.calls_left = None
        exporting.world.clock.now += seconds + 1
