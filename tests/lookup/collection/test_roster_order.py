"""The way of a roster from its lines to the collected files: in its order, each identifier once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Simulator
from lookup.bulk import part_message
from lookup.errors import InvalidInput
from lookup.model import InvalidIdentifier, Part, RosterRange
from tests.lookup.collection.world import World
from tests.lookup.services import customer
from tests.lookup.stage import Stage

BLANK, JUNK = "", "null"  # a blank line is no entry; the other is a value that MoEngage blocks
LINES = st.lists(st.sampled_from(["user", "user", BLANK, JUNK]), min_size=1, max_size=260)


@pytest.fixture
def numbers() -> Iterator[int]:
    """Return every example a lookup of its own."""
    return iter(range(1_000_000))


@settings(max_examples=8, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(kinds=LINES)
def test_files_are_in_the_order_of_the_roster(
    stage: Stage, simulator: Simulator, numbers: Iterator[int], kinds: list[str]
) -> None:
    """Usable and unusable lines come in the order in which the roster has them, each once, whatever the parts are."""
    lookup_id, world = f"l-{next(numbers)}", World(stage)
    lines = [f"user-{number}" if kind == "user" else kind for number, kind in enumerate(kinds)]
    roster = world.roster("\n".join(["customer_id", *lines, ""]).encode(), f"rosters/{lookup_id}.csv")
    world.submit(lookup_id, roster)
    while world.ended(lookup_id).finished_at is None:
        world.feeder.feed("default")
        world.work()
    world.collect(lookup_id)
    expected = [(line, None if line != JUNK else place) for place, line in enumerate(lines, 2) if line != BLANK]
    held = [(record["identifier"], record["line"]) for record in world.records(lookup_id=lookup_id)]
    assert held == expected


def test_a_part_of_an_earlier_release_keeps_its_order() -> None:
    """A message without places is read: its unusable lines come last, as it was then."""
    invalid = (InvalidIdentifier("null", "is blocked", line=2),)
    part = Part(
        "l-1", "00000001", "default", (customer("C-1"),), 1.0, 2.0, invalid=invalid, origin=RosterRange(0, 9, 1)
    )
    assert part_message.parse_part(part_message.serialize_part(part)).places == ()


@pytest.mark.parametrize("places", ["[2]", "[-1]", "[0,1]", '["0"]', "7"])
def test_places_that_make_no_sense(places: str) -> None:
    """Places that are not those of the unusable lines are refused with the message."""
    invalid = (InvalidIdentifier("null", "is blocked", line=2),)
    part = Part(
        "l-1",
        "00000001",
        "default",
        (customer("C-1"),),
        1.0,
        2.0,
        invalid=invalid,
        origin=RosterRange(0, 9, 1),
        places=(0,),
    )
    body = part_message.serialize_part(part)
    assert part_message.parse_part(body) == part
    with pytest.raises(InvalidInput):
        part_message.parse_part(body.replace('"places":[0]', f'"places":{places}'))
