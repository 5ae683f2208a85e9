"""What a receiver may make others wait for: messages in flight, pauses that it asked for, and no message for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lookup.ledger.webhooks import DeliveryState
from lookup.webhooks.queue import MOST_OF_BUSY, MOST_OF_PAUSED
from lookup.webhooks.retries import LONGEST_ATTEMPTS, LONGEST_RETRY_AFTER
from tests.lookup.webhooks.receivers import Receiver
from tests.lookup.webhooks.world import World


def in_flight(world: World, number: int) -> None:
    """Let SQS count so many messages that are hidden."""

    def counted(parsed: dict[str, object], **_: object) -> None:
        parsed["Attributes"] = {"ApproximateNumberOfMessagesNotVisible": str(number)}

    world.sqs.meta.events.register("after-call.sqs.GetQueueAttributes", counted)
    world.clock.now += 60  # the count before is no longer used


def paused(world: World, listening: Receiver) -> None:
    """Let the receiver fail until it is paused."""
    listening.answer = lambda _: (500, {})
    for number in range(1, 6):
        world.is_done(world.arrive(number), after=3600)


def test_a_dead_receiver_takes_half_of_what_sqs_lets_be_hidden(world: World, listening: Receiver) -> None:
    """From 60,000 messages in flight on those of a paused receiver are dead letters: at 120,000 SQS serves nobody."""
    paused(world, listening)
    in_flight(world, MOST_OF_PAUSED - 1)
    world.clock.now -= 60
    assert not world.is_done(world.arrive(6), after=31)
    in_flight(world, MOST_OF_PAUSED)
    world.clock.now -= 60
    assert world.is_done(world.arrive(7), after=31)
    assert world.dead_letters() == [f"the receiver gave no usable answer, and {MOST_OF_PAUSED} messages wait already"]
    assert world.deliveries()[0].state is DeliveryState.FAILED


def test_others_are_called_while_a_dead_receiver_has_its_half(world: World, listening: Receiver) -> None:
    """A receiver that is there is called, and waits for its own calls, however many messages of another are hidden."""
    in_flight(world, MOST_OF_PAUSED + 10_000)
    assert world.is_done(world.arrive(1))
    slots = [world.webhooks.acquire_slot("acme", world.receiver()) for _ in range(2)]
    assert None not in slots
    assert not world.is_done(world.arrive(2))
    in_flight(world, MOST_OF_BUSY)
    slots = [world.webhooks.acquire_slot("acme", world.receiver()) for _ in range(2)]
    assert world.is_done(world.arrive(3))
    assert world.dead_letters() == [
        f"other calls of the receiver were under way, and {MOST_OF_BUSY} messages wait already"
    ]


def test_what_waits_for_its_own_receivers_calls_is_given_up_too(world: World) -> None:
    """A message that found no slot for three days is a dead letter with its reason, and no message for ever."""
    assert all(world.webhooks.acquire_slot("acme", world.receiver()) for _ in range(2))
    late = replace(world.arrive(), sent_at=world.clock() - LONGEST_ATTEMPTS - 1)
    assert world.is_done(late)
    assert world.dead_letters() == ["other calls of the receiver were under way for three days"]


def test_what_our_own_errors_keep_back_is_given_up_too(world: World) -> None:
    """While the ledger cannot be read a message waits; after three days it is a dead letter that names the error."""

    def refuse(**_: object) -> None:
        raise world.dynamodb.exceptions.ResourceNotFoundException(
            {"Error": {"Code": "ResourceNotFoundException", "Message": "no table"}}, "BatchGetItem"
        )

    message = world.arrive()
    world.dynamodb.meta.events.register("before-call.dynamodb.BatchGetItem", refuse)
    assert not world.is_done(message)
    assert world.is_done(message, after=LONGEST_ATTEMPTS + 1)
    assert world.dead_letters() == ["ResourceNotFoundException"]


@pytest.mark.parametrize("asked", [str(3 * 24 * 3600), "90000"])
def test_a_long_retry_after_is_six_hours(world: World, listening: Receiver, asked: str) -> None:
    """A receiver that asks for days is left alone for six hours, and not called at once as if it asked for nothing."""
    listening.answer = lambda _: (503, {"Retry-After": asked})
    assert not world.is_done(world.arrive())
    assert LONGEST_RETRY_AFTER <= world.hidden[-1] <= LONGEST_RETRY_AFTER + 1
    assert world.receiver().paused_until == pytest.approx(world.clock() + LONGEST_RETRY_AFTER)


def test_a_call_beside_it_does_not_end_a_pause(world: World) -> None:
    """A success, or a failure, of a call that began before the pause leaves the time that the receiver asked for."""
    seen = world.receiver()
    first, second = world.webhooks.acquire_slot("acme", seen), world.webhooks.acquire_slot("acme", seen)
    assert first is not None
    assert second is not None
    until = world.clock() + 600
    world.webhooks.record_call(first, replace(seen, failures=1, paused_until=until))
    world.webhooks.record_call(second, replace(seen, paused_until=world.clock()))
    assert world.receiver().paused_until == until
    assert world.receiver().failures == 0
