"""`make redrive` of webhooks: what a receiver did not take is sent again, once, and only where it is called."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from infra.commands.webhook_letters import WebhookCases
from infra.stage_settings.partners import Partner, Webhook
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.transitions import Transitions
from lookup.ledger.webhooks import DeliveryRecord, DeliveryState
from lookup.redrive.cases import Action
from lookup.redrive.letters import Letter, letters
from lookup.redrive.queue_redrive import QueueRedrive
from lookup.webhooks.message import parse_message
from tests.lookup.stage import deployed
from tests.lookup.webhooks.receivers import sender_to
from tests.lookup.webhooks.world import World, a_test, completed

URL = "https://hooks.example.com/acme"
PARTNERS = {
    "acme": Partner(webhook=Webhook(url=URL)),
    "chooser": Partner(webhook=Webhook(url=URL, events=("results.ready",))),
    "quiet": Partner(),
}


@pytest.fixture
def world(aws: boto3.Session) -> Any:
    """A stage whose webhooks nobody sends."""
    import ssl  # noqa: PLC0415 - of a sender that is not used

    with deployed(aws, None) as stage:
        yield World(stage, sender_to(1, ssl.create_default_context()))


def cases_of(world: World) -> WebhookCases:
    return WebhookCases(world.webhooks, PARTNERS)


def test_what_is_sent_again_and_what_is_not(world: World) -> None:
    """A webhook is sent again once; not what was delivered since, what nobody wants any more, or what is none."""
    first, other, done = (completed(number, at=world.began) for number in (1, 2, 3))
    message = parse_message(done)
    record = DeliveryRecord(message.occurred_at, message.webhook_id, "lookup.completed", DeliveryState.DELIVERED)
    world.webhooks.record("acme", record)
    cases = cases_of(world)
    bodies = [first, first, other, done, "{}", a_test(1, at=world.began)]
    bodies += [completed(4, partner, at=world.began) for partner in ("chooser", "quiet", "unknown")]
    actions = [cases.case(Letter(body, "handle")).action for body in bodies]
    again, drop, leave = Action.SEND, Action.DROP, Action.LEAVE
    assert actions == [again, drop, again, drop, leave, drop, drop, drop, drop]


def test_a_disabled_receiver_comes_first(world: World) -> None:
    """While a receiver is disabled its letters are left, with what to do; then they are sent to the queue again."""
    seen = world.webhooks.receiver("acme", URL)
    slot = world.webhooks.acquire_slot("acme", seen)
    assert slot is not None
    world.webhooks.record_call(slot, seen, disabled=True)
    dead = world.settings.webhook_dead_letter_queue_url or ""
    body = completed(1, at=world.began)
    world.sqs.send_message(QueueUrl=dead, MessageBody=body)
    (letter,) = letters(world.sqs, dead)
    left = cases_of(world).case(letter)
    assert (left.action, "ACTION=enable" in left.reason) == (Action.LEAVE, True)
    world.webhooks.enable("acme")
    states = Transitions(world.table, LookupLedger(world.table))
    redrive = QueueRedrive(world.sqs, states, world.queue_url, dead)
    redrive.carry_out(cases_of(world).case(letter))
    (sent,) = world.stage.messages(world.queue_url)
    assert json.loads(sent["Body"]) == json.loads(body)
    assert world.stage.messages(dead) == []
