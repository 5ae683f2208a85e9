"""Dead letters of the queue of erasures: the step that an erasure waits for is sent again, and nobody is printed."""

from __future__ import annotations

import pytest

from infra.commands import redrive
from lookup.erasure.queue import ErasureStep, parse_step
from lookup.ledger.erasures import ErasureState
from lookup.redrive.cases import Action
from lookup.redrive.erasure_cases import FEWER, ErasureCases
from lookup.redrive.letters import Letter
from tests.infra.stacks import operate
from tests.lookup.conftest import stage
from tests.lookup.erasure.world import ErasureWorld
from tests.lookup.services import customer
from tests.lookup.stage import Stage

__all__ = ["stage"]
ANNA = customer("Anna-17")


@pytest.fixture
def world(stage: Stage) -> ErasureWorld:
    return ErasureWorld(stage)


def test_a_dead_erasure_is_gone_on_with(
    world: ErasureWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step goes back to its queue, once however many letters there are of it, and the erasure comes to its end."""
    waiting, dead = (world.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("erasures", "erasures-dead"))
    operate(world.stage, {"ErasureQueueUrl": waiting, "ErasureDeadLetterQueueUrl": dead}, monkeypatch)
    world.store(ANNA.identifier, {"customer_id": ANNA.identifier})
    begun = world.erasing.begin(ANNA)
    step = world.erasing.steps.take()
    for _ in range(2):
        world.sqs.send_message(QueueUrl=dead, MessageBody=step.to_body())
    assert redrive.main() == 0
    printed = capsys.readouterr().out
    assert "erasure: 2 dead letters: 1 sent again, 1 settled since, dropped\n" in printed
    assert ANNA.identifier not in printed
    (sent,) = world.stage.messages(waiting)
    assert world.stage.messages(dead) == []
    world.erasing.steps.send(parse_step(sent["Body"]))
    world.erasing.finish()
    assert world.erasing.state(begun) is ErasureState.COMPLETED
    assert world.places_of(ANNA.identifier) == []


def test_what_becomes_of_a_step(world: ErasureWorld) -> None:
    """The step awaited is sent, and the one before it; older ones, and those of one that has ended, are dropped."""
    begun = world.erasing.begin(ANNA)

    def action(number: int, erasure_id: str = begun.erasure_id) -> Action:
        body = ErasureStep(erasure_id, number, (ANNA,)).to_body()
        return ErasureCases(world.erasing.erasures).case(Letter(body, "handle")).action

    assert action(0) is Action.SEND
    assert action(0, "erasure-of-nobody") is Action.DROP
    world.erasing.serve_one()
    assert [action(number) for number in range(3)] == [Action.SEND, Action.SEND, Action.DROP]
    world.erasing.finish()
    assert {action(number) for number in range(5)} == {Action.DROP}


def test_what_would_only_come_back_is_left(world: ErasureWorld) -> None:
    """What is no step, or names fewer people than its erasure, stays with its reason."""
    begun = world.erasing.begin(ANNA, customer("Bob"))
    for body, reason in (
        ('{"erasure_id": 7}', "body: must be an object with erasure_id, step and identifiers"),
        (ErasureStep(begun.erasure_id, 0, (ANNA,)).to_body(), FEWER),
    ):
        case = ErasureCases(world.erasing.erasures).case(Letter(body, "handle"))
        assert (case.action, case.reason) == (Action.LEAVE, reason)
