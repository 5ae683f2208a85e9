"""The worker of the webhook queue: what is sent, what is tried again and when, what is given up, and why."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook

from lookup.errors import TooManyRequests
from lookup.ledger.webhooks import LEASE_SECONDS, DeliveryState
from lookup.partners import Partner
from lookup.webhook_settings import EventType
from lookup.webhooks.retries import FEW_TRIES, LONGEST_ATTEMPTS
from tests.lookup.webhooks.receivers import Authority, Receiver
from tests.lookup.webhooks.world import KEY, World, a_test, completed

DAY = 24 * 3600
NEW_KEY = f"whsec_{base64.b64encode(b'n' * 32).decode()}"


def answering(receiver: Receiver, *statuses: int, **headers: str) -> None:
    """Answer with these statuses, one after the other; the last again and again."""
    left = list(statuses)
    receiver.answer = lambda _: (left.pop(0) if len(left) > 1 else left[0], dict(headers))


def test_an_event_is_delivered(world: World, listening: Receiver) -> None:
    """The receiver gets the event, signed, and the ledger has what it answered."""
    assert world.is_done(world.arrive())
    (got,) = listening.received
    assert Webhook(KEY).verify(got.body, got.headers)["type"] == "lookup.completed"
    (record,) = world.deliveries()
    assert (record.event, record.state, record.attempts) == ("lookup.completed", DeliveryState.DELIVERED, 1)
    assert (record.last_status, record.last_error, record.next_attempt_at) == (204, None, None)
    assert record.webhook_id == got.headers["webhook-id"]


def test_the_same_event_twice(world: World, listening: Receiver) -> None:
    """What was delivered is not sent again when EventBridge, or SQS, delivers its message once more."""
    first = world.arrive()
    assert world.is_done(first)
    assert world.is_done(world.arrive())
    assert world.is_done(first)
    assert len(listening.received) == 1


def test_two_keys_while_one_is_replaced(world: World, listening: Receiver) -> None:
    """While the secret holds two keys a receiver with either of them accepts; a new secret is read within a minute."""
    assert world.is_done(world.arrive(1))
    world.subscribe(secret={"current": NEW_KEY, "previous": KEY})
    assert world.is_done(world.arrive(2), after=61)
    _, got = listening.received
    for key in (KEY, NEW_KEY):
        Webhook(key).verify(got.body, got.headers | {"webhook-timestamp": got.headers["webhook-timestamp"]})


def test_what_fails_is_tried_again(world: World, listening: Receiver) -> None:
    """A receiver that fails gets the same webhook again after a pause, with the time of the attempt in its headers."""
    answering(listening, 500, 204)
    delivery = world.arrive()
    assert not world.is_done(delivery)
    (record,) = world.deliveries()
    assert (record.state, record.last_status, record.attempts) == (DeliveryState.PENDING, 500, 1)
    assert record.next_attempt_at == pytest.approx(world.clock() + 5, abs=1)
    assert world.again(delivery)
    first, second = listening.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 5
    assert [one.state for one in world.deliveries()] == [DeliveryState.DELIVERED]


@pytest.mark.parametrize("status", [302, 400, 404])
def test_what_is_refused_is_a_dead_letter_soon(world: World, listening: Receiver, status: int) -> None:
    """After a few tries it is dead-lettered with its status; the receiver is called for other events all the while."""
    answering(listening, status)
    delivery = world.arrive(1)
    results = [world.is_done(delivery)] + [world.again(delivery) for _ in range(FEW_TRIES - 1)]
    assert results == [False, False, False, True]
    assert world.dead_letters() == [f"HTTP {status} in 4 tries"]
    assert [(one.state, one.attempts) for one in world.deliveries()] == [(DeliveryState.FAILED, 4)]
    answering(listening, 204)
    assert world.is_done(world.arrive(2))


def test_three_days_of_failures(world: World, listening: Receiver) -> None:
    """What never succeeds is a dead letter after three days, by its last status; and it can be sent again."""
    answering(listening, 503)
    delivery = world.arrive()
    done, rounds = world.is_done(delivery), 1
    while not done:
        done, rounds = world.again(delivery), rounds + 1
        assert rounds < 100
    assert max(world.hidden) < 12 * 3600
    assert world.clock() - world.began <= LONGEST_ATTEMPTS + DAY
    (reason,) = world.dead_letters()
    assert reason.startswith("HTTP 503 in ")
    answering(listening, 204)
    redriven = world.arrive()
    assert world.is_done(replace(redriven, sent_at=world.clock()), after=4000)
    assert [one.state for one in world.deliveries()] == [DeliveryState.DELIVERED]


def test_gone_disables_at_once(world: World, listening: Receiver) -> None:
    """After a 410 nothing is sent: that event is a dead letter, later ones are skipped, until a test succeeds."""
    answering(listening, 410)
    assert world.is_done(world.arrive(1))
    assert world.dead_letters() == ["HTTP 410: the receiver wants no webhooks any more"]
    assert world.is_done(world.arrive(2))
    assert world.dead_letters() == []
    assert [one.state.value for one in world.deliveries()] == ["skipped", "failed"]
    assert len(listening.received) == 1
    answering(listening, 204)
    assert world.is_done(world.arrive_as(a_test(3, at=world.began)))
    assert world.is_done(world.arrive(4))
    assert len(listening.received) == 3


def test_another_address_is_another_receiver(world: World, listening: Receiver, authority: Authority) -> None:
    """A receiver that was disabled is called again once the operator has set another address, or enabled it."""
    answering(listening, 410)
    assert world.is_done(world.arrive(1))
    old = world.grants["acme"].webhook
    assert old is not None
    answering(listening, 204)
    world.grants["acme"] = Partner("acme", webhook=replace(old, url=f"{old.url}/new"))
    assert world.receiver().disabled_at is None
    assert world.is_done(world.arrive(2))
    assert world.is_done(world.arrive(3))
    assert [got.path for got in listening.received] == ["/acme", "/acme/new", "/acme/new"]


def test_an_operator_enables_a_receiver(world: World, listening: Receiver) -> None:
    """What an operator enables is called at once."""
    answering(listening, 410, 204)
    assert world.is_done(world.arrive(1))
    world.webhooks.enable("acme")
    assert world.is_done(world.arrive(2))
    assert len(listening.received) == 2


@pytest.mark.parametrize("status", [429, 503, 400])
def test_retry_after_is_for_all_of_a_receiver(world: World, listening: Receiver, status: int) -> None:
    """A receiver that asks for time is not called until then, for any event."""
    answering(listening, status, 204, **{"Retry-After": "600"})
    first = world.arrive(1)
    assert not world.is_done(first)
    assert world.hidden[-1] >= 600
    second = world.arrive(2)
    assert not world.is_done(second, after=300)
    assert 300 <= world.hidden[-1] <= 310
    assert len(listening.received) == 1
    assert world.again(second)
    assert world.again(first, after=0)


def test_a_receiver_that_is_down_rests(world: World, listening: Receiver) -> None:
    """After three failures in a row its messages are hidden without a call; the first success ends the rest."""
    answering(listening, 500)
    for number in range(1, 4):
        assert not world.is_done(world.arrive(number))
    for number in range(4, 8):
        assert not world.is_done(world.arrive(number))
        assert 30 <= world.hidden[-1] <= 36
    assert len(listening.received) == 3
    answering(listening, 204)
    assert world.is_done(world.arrive(8), after=40)
    assert world.is_done(world.arrive(9))
    assert world.receiver().failures == 0


def test_what_rests_for_three_days_is_given_up(world: World, listening: Receiver) -> None:
    """A message that came while its receiver rested is not kept for ever."""
    answering(listening, 500)
    for number in range(1, 4):
        world.is_done(world.arrive(number))
    late = replace(world.arrive(4), sent_at=world.clock() - LONGEST_ATTEMPTS - 1)
    assert world.is_done(late)
    assert world.dead_letters() == ["the receiver gave no usable answer for three days"]


def test_two_calls_of_a_receiver_at_once(world: World, listening: Receiver) -> None:
    """While two calls of one receiver are under way a third waits; one that failed, or is slow, is called singly."""
    slots = [world.webhooks.acquire_slot("acme", world.receiver()) for _ in range(3)]
    assert slots[2] is None
    delivery = world.arrive()
    assert not world.is_done(delivery)
    assert world.hidden[-1] <= 3
    assert listening.received == []
    assert slots[0] is not None
    world.webhooks.record_call(slots[0], replace(world.receiver(), is_slow=True))
    assert world.receiver().calls_at_once == 1
    assert world.again(delivery, after=LEASE_SECONDS + 1)  # whoever died in a call frees its slot by time


def test_a_place_that_was_lost_changes_nothing(world: World) -> None:
    """Who was so long about a call that its slot was taken over does not free the other's, nor count its own."""
    mine = world.webhooks.acquire_slot("acme", replace(world.receiver(), failures=1))
    assert mine is not None
    world.clock.now += LEASE_SECONDS + 1
    other = world.webhooks.acquire_slot("acme", replace(world.receiver(), failures=1))
    assert other is not None
    world.webhooks.record_call(mine, replace(world.receiver(), failures=7))
    assert world.receiver().failures == 0
    assert world.webhooks.acquire_slot("acme", replace(world.receiver(), failures=1)) is None


def test_a_410_is_not_undone_by_a_call_beside_it(world: World) -> None:
    """A success of a call that began before the 410 leaves the receiver disabled."""
    seen = world.receiver()
    gone, other = (world.webhooks.acquire_slot("acme", seen) for _ in range(2))
    assert gone is not None
    assert other is not None
    world.webhooks.record_call(gone, seen, disabled=True)
    world.webhooks.record_call(other, seen)
    assert world.receiver().disabled_at is not None


def test_a_failed_test_is_over(world: World, listening: Receiver) -> None:
    """A test that fails is neither tried again nor a dead letter: whoever sent it sees the answer in the list."""
    answering(listening, 500)
    assert world.is_done(world.arrive_as(a_test(1, at=world.began)))
    assert world.dead_letters() == []
    (record,) = world.deliveries()
    assert (record.event, record.state, record.last_status) == ("webhook.test", DeliveryState.FAILED, 500)


def test_what_nobody_wants_is_dropped(world: World, listening: Receiver) -> None:
    """Events of a partner without a webhook, and those that it did not choose, are dropped."""
    world.subscribe("chooser", events=[EventType.RESULTS_READY])
    world.grants["none"] = Partner("none")
    for partner in ("chooser", "none", "unknown"):
        assert world.is_done(world.arrive(1, partner))
    assert listening.received == []
    assert world.dead_letters() == []


def test_a_message_that_is_none(world: World) -> None:
    """What is no event is a dead letter with the rule that it breaks."""
    assert world.is_done(world.arrive_as("{}"))
    assert world.dead_letters() == ["body: must be an event of this service that webhooks are for"]


def test_a_secret_without_keys_waits(world: World, listening: Receiver) -> None:
    """Without keys nothing is sent; the message waits for an operator, up to three days."""
    world.subscribe(secret={"key": "none"})
    delivery = world.arrive()
    assert not world.is_done(delivery)
    assert listening.received == []
    assert world.again(replace(delivery, sent_at=world.clock() - LONGEST_ATTEMPTS), after=1)
    assert world.dead_letters() == ["webhook secret of partner acme: must be a JSON object with current"]
    world.subscribe()
    assert world.is_done(world.arrive(2))


def test_no_address_and_no_word_of_a_receiver_in_the_ledger(world: World, listening: Receiver) -> None:
    """The ledger holds neither the URL, whose query may be a secret, nor what a receiver says."""
    listening.body = b"a receiver's own words"
    answering(listening, 500, **{"X-Word": "a receiver's own words"})
    world.is_done(world.arrive())
    items = world.dynamodb.scan(TableName=world.settings.ledger_table_name)["Items"]
    written = json.dumps(items)
    assert "deliveries#acme" in written
    assert "hooks.example.com" not in written
    assert "words" not in written


def test_deliveries_by_page(world: World) -> None:
    """Pages are newest first, without what is older than seven days, and each other's marks."""
    for number in range(5):
        assert world.is_done(world.arrive(number))
    old = json.loads(completed(9, at=world.began))
    old["detail"]["finished_at"] = "2020-01-01T00:00:00.000000Z"
    assert world.is_done(world.arrive_as(json.dumps(old)))
    first, mark = world.webhooks.page("acme", after="", limit=3)
    assert mark is not None
    rest, end = world.webhooks.page("acme", after=mark, limit=3)
    times = [one.occurred_at for one in (*first, *rest)]
    assert (len(first), len(rest), end) == (3, 2, None)
    assert times == sorted(times, reverse=True)


def test_tests_are_bounded(world: World) -> None:
    """A partner tests once in half a minute."""
    world.webhooks.admit_test("acme")
    world.webhooks.admit_test("other")
    with pytest.raises(TooManyRequests) as refused:
        world.webhooks.admit_test("acme")
    assert refused.value.retry_at == world.clock() + 30
    world.clock.now += 30
    world.webhooks.admit_test("acme")
