"""Dead letters of the answers queue: records of answers at once, sent again until they are in the results, once."""

from __future__ import annotations

import json

import pytest

from infra.commands import redrive
from lookup.results.answers import RECORDS_BYTES, Answer
from lookup.results.files import packed
from tests.infra.stacks import operate
from tests.lookup.bulk.test_answers import missing
from tests.lookup.collection.hour_world import HourWorld, answer_id
from tests.lookup.conftest import stage
from tests.lookup.stage import Stage

__all__ = ["stage"]


@pytest.fixture
def world(stage: Stage) -> HourWorld:
    return HourWorld(stage)


@pytest.fixture
def dead(world: HourWorld, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of the dead-letter queue of answers, of a stage that an operator is logged in to."""
    url = world.sqs.create_queue(QueueName="answers-dead")["QueueUrl"]
    outputs = {"AnswersQueueUrl": world.stage.settings.answers_queue_url or "", "AnswersDeadLetterQueueUrl": url}
    operate(world.stage, outputs, monkeypatch)
    return url


def answers_waiting(world: HourWorld) -> list[str]:
    return [one["Body"] for one in world.stage.messages(world.stage.settings.answers_queue_url or "")]


def test_a_dry_run_says_that_answers_cost_nothing(
    world: HourWorld, dead: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers are counted beside the other queues, without a cost; nothing is moved."""
    world.sqs.send_message(QueueUrl=dead, MessageBody=world.message(1, missing(1)))
    monkeypatch.setenv("DRY_RUN", "1")
    assert redrive.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "intake: 0 dead letters: none",
        "parts: 0 dead letters: none",
        "answers: 1 dead letters: 1 sent again",
        "conversion: 0 dead letters: none",
        "dry run: nothing was changed",
    ]
    assert answers_waiting(world) == []
    assert len(world.stage.messages(dead)) == 1


def test_answers_are_in_the_results_once_after_a_redrive(world: HourWorld, dead: str) -> None:
    """A letter goes back as it was and is archived under its hour; one that was archived before is not there twice."""
    bodies = [world.message(number, missing(number)) for number in (1, 2)]
    world.deliver(bodies[:1])
    world.collect()
    for body in bodies:
        world.sqs.send_message(QueueUrl=dead, MessageBody=body)
    assert redrive.main() == 0
    assert world.stage.messages(dead) == []
    again = answers_waiting(world)
    assert sorted(again) == sorted(bodies)
    assert world.deliver(again) == []
    world.collect()
    assert [one["identifier"] for one in world.records()] == ["A-1", "A-2"]


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (b"no gzip", "records: must be gzip"),
        (packed(b"{}\n")[:-9], "records: must be whole, and 1,048,576 bytes unpacked at most"),
        (packed(b"0" * (RECORDS_BYTES + 1)), "records: must be whole, and 1,048,576 bytes unpacked at most"),
    ],
)
def test_records_that_nobody_can_unpack_are_left(
    world: HourWorld, dead: str, capsys: pytest.CaptureFixture[str], records: bytes, reason: str
) -> None:
    """What would only come back as a dead letter stays, with its reason."""
    world.sqs.send_message(QueueUrl=dead, MessageBody=Answer("default", answer_id(1), 0.0, records).to_message())
    assert redrive.main() == 0
    assert f"answers: 1 dead letters: 1 left\n  1 left: {reason}\n" in capsys.readouterr().out
    assert answers_waiting(world) == []
    assert len(world.stage.messages(dead)) == 1


def test_what_is_no_answer_is_left(world: HourWorld, dead: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A message of another form is left, and its text is not printed."""
    world.sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"workspace": "secret-name"}))
    assert redrive.main() == 0
    printed = capsys.readouterr().out
    assert "  1 left: body: must be an answer's workspace, lookup_id, at and records\n" in printed
    assert "secret-name" not in printed
