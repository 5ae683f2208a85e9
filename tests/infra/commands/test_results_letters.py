"""Dead letters of the results queue: sent again until what they ask for is made."""

from __future__ import annotations

import json

import pytest

from infra.commands import redrive
from lookup.bulk.part_message import serialize_part
from lookup.collection.files import Format
from lookup.ledger.model import PARTS_SECONDS
from lookup.model import Part, RosterRange, Status
from lookup.redrive.cases import Action, PartCases
from lookup.redrive.letters import Letter
from lookup.redrive.results_cases import ResultsCases
from tests.infra.stacks import operate
from tests.lookup.collection.exporting import Exporting
from tests.lookup.collection.world import World, outcome
from tests.lookup.conftest import stage
from tests.lookup.stage import Stage

__all__ = ["stage"]
LOOKUP, EXPORT = {"lookup_id": "l-1"}, {"lookup_id": "l-1", "export": "csv"}


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def ended(world: World, status: Status = Status.FOUND) -> None:
    spec = world.begin()
    world.arrive(spec, 1, [outcome("C-1", status, at=world.clock())])
    world.end(spec)


def action(world: World, body: object) -> Action:
    letter = Letter(body if isinstance(body, str) else json.dumps(body), "handle")
    return ResultsCases(world.lookups, world.collections).case(letter).action


def test_a_collection_is_sent_until_it_is_done(world: World) -> None:
    """A lookup that has ended and is not collected is sent again; one that is collected, runs or is gone is dropped."""
    assert action(world, LOOKUP) is Action.DROP
    ended(world, Status.FAILED)
    assert action(world, LOOKUP) is Action.SEND
    world.collect()
    assert action(world, LOOKUP) is Action.DROP
    world.retry(world.ended("l-1").spec)
    assert action(world, LOOKUP) is Action.DROP


def test_an_export_is_sent_until_it_is_made(world: World) -> None:
    """An export that is under way is sent again; one that is made, or of files that a retry replaced, is dropped."""
    exporting = Exporting(world)
    ended(world, Status.FAILED)
    world.collect()
    assert action(world, EXPORT) is Action.DROP
    exporting.ask()
    assert action(world, EXPORT) is Action.SEND
    exporting.make()
    assert action(world, EXPORT) is Action.DROP
    exporting.ask(written_as=Format.CSV_BOM)
    spec = world.ended("l-1").spec
    world.retry(spec)
    world.end(spec)
    assert action(world, {"lookup_id": "l-1", "export": "csv_bom"}) is Action.DROP


@pytest.mark.parametrize("body", ["{", "[]", '{"lookup_id": 1}', '{"lookup_id": "l-1", "export": "xlsx"}'])
def test_what_nobody_can_read_is_left(world: World, body: str) -> None:
    """A message that breaks a rule stays where it is; one that asks for an hour is sent again."""
    assert action(world, body) is Action.LEAVE
    assert action(world, {"workspace": "default", "hour": "2026-11-29T03"}) is Action.SEND


def test_a_part_whose_lookup_cannot_be_retried_is_left(world: World) -> None:
    """Failures of a lookup whose parts are deleted are not retried by an operator either."""
    ended(world, Status.FAILED)
    part = Part("l-1", "00000001", "default", (), 1.0, 1.0, origin=RosterRange(0, 1, 1))
    letter = Letter(serialize_part(part), "handle")
    cases = PartCases(world.lookups, world.part_ledger, world.clock)
    assert cases.case(letter).action is Action.RETRY
    world.clock.now += PARTS_SECONDS
    assert cases.case(letter).reason == "the lookup's parts are deleted: look up anew what failed"


def test_redrive_covers_the_results_queue(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make redrive` sends what is not collected back to the results queue, and prints it beside the other queues."""
    settings = world.stage.settings
    url, dead = settings.results_queue_url or "", settings.results_dead_letter_queue_url or ""
    operate(world.stage, {"ResultsQueueUrl": url, "ResultsDeadLetterQueueUrl": dead}, monkeypatch)
    ended(world)
    world.stage.sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(LOOKUP))
    assert redrive.main() == 0
    assert "results: 1 dead letters: 1 sent again" in capsys.readouterr().out
    assert [json.loads(one["Body"]) for one in world.stage.messages(url)] == [LOOKUP]
    assert world.stage.messages(dead) == []
