"""Answers at once on their way from the queue to S3: together, each once, and none is lost that cannot be written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.errors import InvalidInput
from lookup.ledger.collecting.hour_marks import HOUR
from lookup.model import Outcome, Status
from lookup.results.answers import MESSAGE_BYTES, PART, RECORDS_BYTES, Answer
from lookup.results.files import Record, packed
from tests.aws_answers import refused
from tests.lookup.collection.hour_world import HourWorld, answer_id
from tests.lookup.collection.world import found
from tests.lookup.services import customer
from tests.lookup.stage import Stage


def missing(number: int) -> list[Outcome]:
    return [Outcome(customer(f"A-{number}"), Status.NOT_FOUND)]


def identifiers(world: HourWorld, key: str) -> list[str]:
    return [json.loads(line)["identifier"] for line in gzip.decompress(world.body(key)).splitlines()]


def test_a_batch_is_one_object_of_each_hour(stage: Stage) -> None:
    """Answers of two hours are two objects; one that comes twice in the batch is in its object once."""
    world = HourWorld(stage)
    at = float(world.hour.start)
    messages = [world.message(n, missing(n), at=at + n * HOUR // 2) for n in range(3)]
    assert world.deliver([*messages, messages[0]]) == []
    assert [identifiers(world, key) for key in stage.keys("parts/")] == [["A-0", "A-1"], ["A-2"]]


def test_the_same_batch_finds_its_object(stage: Stage) -> None:
    """A batch that is delivered again, in another order, writes the object that there is."""
    world = HourWorld(stage)
    messages = [world.message(n, missing(n)) for n in range(3)]
    world.deliver(messages)
    keys = stage.keys("parts/")
    world.deliver(messages[::-1])
    assert stage.keys("parts/") == keys


def test_what_cannot_be_read_comes_back_alone(stage: Stage) -> None:
    """Junk, a bomb and a torn message are returned; their neighbours are written."""
    world = HourWorld(stage)
    bomb = Answer("default", answer_id(1), 0.0, packed(b"0" * (RECORDS_BYTES + 1))).to_message()
    torn = Answer("default", answer_id(2), 0.0, packed(b"{}\n")[:-9]).to_message()
    good = world.message(3, missing(3))
    assert world.deliver(["junk", "{}", bomb, torn, good]) == ["m-0", "m-1", "m-2", "m-3"]
    (key,) = stage.keys("parts/")
    assert identifiers(world, key) == ["A-3"]


def test_without_time_or_s3_everything_comes_back(stage: Stage) -> None:
    """What is not written is not done: when the time is over, and when S3 does not take an object."""
    world = HourWorld(stage)
    messages = [world.message(n, missing(n)) for n in range(2)]
    assert world.deliver(messages, seconds=0.0) == ["m-0", "m-1"]

    def refuse(**_: Any) -> Any:
        return refused(503, "SlowDown")

    stage.s3.meta.events.register("before-call.s3.PutObject", refuse)
    assert world.deliver(messages) == ["m-0", "m-1"]
    stage.s3.meta.events.unregister("before-call.s3.PutObject", refuse)
    assert stage.keys("parts/") == []
    assert world.deliver(messages) == []
    assert len(stage.keys("parts/")) == 1


@pytest.mark.parametrize(("size", "is_message"), [(100, True), (180_000, True), (300_000, False), (1_100_000, False)])
def test_large_answers_are_objects(stage: Stage, size: int, *, is_message: bool) -> None:
    """What fits into 256 KB goes to the queue however it is written; what does not is an object with a key."""
    world = HourWorld(stage)
    text = _unpackable(size)
    record = Record(PART, found("A", {"text": text}, at=world.clock()))
    key = world.answers.keep("default", answer_id(1), world.clock(), [record])
    sent = stage.messages(stage.settings.answers_queue_url or "")
    assert (key is None, len(sent) == 1) == (is_message, is_message)
    assert all(len(message["Body"].encode()) <= MESSAGE_BYTES for message in sent)
    assert stage.keys("parts/") == ([] if key is None else [key])
    world.deliver([message["Body"] for message in sent])
    world.collect()
    (collected,) = world.records()
    assert collected["user_attributes"]["text"] == text


def _unpackable(size: int) -> str:
    """Return so many characters that no compression makes much shorter."""
    state, letters = 1, list[str]()
    for _ in range(size):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        letters.append(chr(33 + (state >> 40) % 93))
    return "".join(letters)


@given(
    text=st.lists(st.text(), max_size=4),
    workspace=st.text(st.characters(codec="ascii"), max_size=9),
    at=st.floats(0, 4e9),
)
def test_messages_are_read_as_they_were_written(text: Sequence[str], workspace: str, at: float) -> None:
    """Whatever an answer holds, its message holds characters that SQS takes, and is read as the same answer."""
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in text)
    answer = Answer(workspace, answer_id(1), at, packed(lines))
    message = answer.to_message()
    assert Answer.of_message(message) == answer
    assert message.isascii()


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"workspace": "w", "lookup_id": "l", "at": 1e300, "records": ""}', "{"]
)
def test_what_is_no_answer_is_refused(body: str) -> None:
    """The error names the rule, and nothing of what was sent."""
    with pytest.raises(InvalidInput, match="must be an answer's workspace, lookup_id, at and records"):
        Answer.of_message(body)
