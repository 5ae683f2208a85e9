"""The item in DynamoDB: the same rules over the fake table and over the embedded AWS, so that both are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from lookup.gate.attempt import MAX_LEAD
from lookup.gate.item import (
    GateClosing,
    PendingGrant,
    announce_request,
    baseline_name,
    close_request,
    create_request,
    grant_request,
    key,
    open_request,
    probe_request,
    read_snapshot,
)
from lookup.gate.limiter import gate_client
from lookup.gate.table import TIMEOUT, GateTable
from lookup.gate.window import MAX_AHEAD, Capacity, Snapshot
from lookup.model import Lane
from lookup.quota import Quota
from tests.lookup.gate.callers import Callers, Step
from tests.lookup.gate.fake_table import FakeTable
from tests.lookup.gate.ledger import LEDGER, create_ledger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

QUOTA = Quota(window=59.5)  # with slots of exactly a second
NOW = 1_800_000_000.0  # start of a slot and of ten
SLOT = int(NOW)
SKEW = Quota().clock_skew
Update = Callable[[dict[str, Any]], Snapshot | None]


@pytest.fixture(params=["fake table", "embedded AWS"])
def client(request: pytest.FixtureRequest) -> DynamoDBClient:
    if request.param == "fake table":
        return cast("DynamoDBClient", FakeTable(lambda: NOW))
    session: boto3.Session = request.getfixturevalue("aws")
    create_ledger(session)
    return gate_client(session)


@pytest.fixture
def update(client: DynamoDBClient) -> Update:
    """Return a function that applies a request to a new item: the item after it, or None when it was refused."""
    client.put_item(TableName=LEDGER, **create_request("default", NOW))
    returns: Any = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    def apply(request: dict[str, Any]) -> Snapshot | None:
        try:
            answer = client.update_item(TableName=LEDGER, Key=key("default"), **request, **returns)
        except ClientError as error:
            assert_refused(cast("Any", error.response))
            return None
        return read_snapshot(answer["Attributes"], QUOTA, NOW)

    return apply


def assert_refused(response: dict[str, Any]) -> None:
    assert response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert read_snapshot(response["Item"], QUOTA, NOW).epoch >= SLOT


def charge(copy: Snapshot, users: int, threshold: int, **more: Any) -> dict[str, Any]:
    return grant_request(
        copy, QUOTA, PendingGrant(Capacity(users, threshold), more.pop("lane", Lane.BULK), NOW, NOW, **more)
    )


def test_item_is_created_once(client: DynamoDBClient) -> None:
    """The first caller creates the item with 0; the second gets what is there."""
    tables = [GateTable(client, LEDGER, "default", QUOTA, partial(float, NOW + second)) for second in (0, 1)]
    assert tables[0].read() is None
    assert [table.create() for table in tables] == [Snapshot(epoch=SLOT)] * 2


def test_grant_marks_its_slot_once(update: Update) -> None:
    """A slot keeps the value of `granted` before its first grant; later grants only count."""
    copy = Snapshot(epoch=SLOT)
    assert update(charge(copy, 20, 980)) == Snapshot(granted=20, baselines={SLOT: 0}, epoch=SLOT)
    assert update(charge(copy, 5, 980)) == Snapshot(granted=25, baselines={SLOT: 0}, epoch=SLOT)


def test_on_demand_is_counted_apart(update: Update) -> None:
    """The on-demand lane has a counter of its own and a baseline for ten slots."""
    update(charge(Snapshot(epoch=SLOT), 20, 980))
    after = update(charge(Snapshot(epoch=SLOT), 3, 980, lane=Lane.ON_DEMAND))
    assert after == Snapshot(
        granted=23, baselines={SLOT: 0}, on_demand=3, on_demand_baselines={SLOT // 10: 0}, epoch=SLOT
    )


def test_a_waiting_caller_is_announced_once(update: Update) -> None:
    """One that waits counts as on-demand traffic without a grant, and copies from before it grant nothing more."""
    copy = Snapshot(epoch=SLOT)
    after = update(announce_request(copy, QUOTA, NOW))
    assert after == Snapshot(on_demand=1, on_demand_baselines={SLOT // 10: 0}, epoch=SLOT + 1)
    assert update(announce_request(copy, QUOTA, NOW)) is None
    assert update(charge(copy, 20, 980)) is None
    assert update(charge(after, 20, 980)) is not None


def test_threshold_is_the_last_word(update: Update) -> None:
    """A grant goes through at the threshold and not one user above it."""
    copy = Snapshot(epoch=SLOT)
    assert update(charge(copy, 20, 0)) is not None
    assert update(charge(copy, 1, 19)) is None
    assert update(charge(copy, 1, 20)) is not None


def test_old_marks_are_removed(update: Update) -> None:
    """Marks that no window needs leave the item with the next grant, those far ahead of the server's clock too."""
    for effective_at in (NOW - 70, NOW - 60, NOW + 3600):
        update(
            grant_request(
                Snapshot(epoch=SLOT), QUOTA, PendingGrant(Capacity(1, 980), Lane.ON_DEMAND, effective_at, effective_at)
            )
        )
    copy = update(charge(Snapshot(epoch=SLOT), 1, 980))
    assert copy is not None
    assert set(copy.baselines) == {SLOT - 60, SLOT}
    assert set(copy.removable) == {baseline_name(SLOT - 70)}
    assert set(copy.ahead) == {baseline_name(SLOT + 3600), "." + baseline_name(SLOT // 10 + 360)}
    after = update(charge(copy, 1, 980))
    assert after is not None
    assert (after.removable, after.ahead, set(after.baselines)) == ((), (), {SLOT - 60, SLOT})


def test_an_old_copy_drops_no_mark_that_was_ahead_of_it() -> None:
    """What lay far ahead of a copy's time may be a slot of now: only a fresh copy drops it."""
    copy = Snapshot(ahead=("ahead",), removable=("old",), server_time=NOW)
    for age, dropped in ((0, {"old", "ahead"}), (62, {"old"})):
        assert dropped_by(copy, QUOTA, NOW + age) & {"old", "ahead"} == dropped


@pytest.mark.parametrize("window", [60.0, 106.6, 3600.0])
def test_nobody_stamps_into_a_mark_that_is_dropped(window: float) -> None:
    """What a copy saw far ahead is dropped only while anybody else's grants take effect before it."""
    quota = Quota(window=window, clock_skew=0.5, guard=1.5, pace_window=window / 4)
    copy = Snapshot(ahead=("ahead",), server_time=NOW)
    drops = [age / 10 for age in range(70) if "ahead" in dropped_by(copy, quota, NOW + age / 10)]
    furthest = TIMEOUT + min(MAX_LEAD * window, MAX_AHEAD / 2) + 2 * quota.clock_skew
    assert 0.5 <= max(drops) <= MAX_AHEAD - furthest


def test_marks_without_end_are_dropped_in_turns() -> None:
    """However many baselines are out of date, after many callers with old copies, DynamoDB takes the expression."""
    callers = Callers(Quota(), [0.0] * 700)
    callers.play([Step(number % 700, gap=1.0, users=1) for number in range(1500)])
    assert len(callers.sent) == 1500
    callers.play([Step(0, gap=0.1, users=1)] * 30)
    assert len(callers.table.items["gate#default"]) <= 90


def dropped_by(copy: Snapshot, quota: Quota, effective_at: float) -> set[str]:
    request = grant_request(copy, quota, PendingGrant(Capacity(1, 980), Lane.BULK, effective_at, effective_at))
    return set(request["ExpressionAttributeNames"].values())


def test_closing_stops_grants_and_only_the_first_wins(update: Update) -> None:
    """A closing moves the epoch: later closings and grants that saw the old one are refused."""
    copy = Snapshot(epoch=SLOT)
    closed = update(close_request(SLOT, GateClosing(NOW + 30, "throttled", 1, lowered_to=900), since=NOW + 0.5))
    assert closed == Snapshot(
        epoch=SLOT + 1, closed_until=NOW + 30, closed_reason="throttled", closings=1, lowered_to=900,
        lowered_at=NOW + 30, changed_at=NOW,
    )  # fmt: skip
    assert update(close_request(SLOT, GateClosing(NOW + 90, "refused", 1))) is None
    assert update(charge(copy, 1, 980)) is None
    assert update(charge(closed, 1, 980)) is None


def test_probe_takes_a_lease(update: Update) -> None:
    """A probe's grant closes the gate to all others until its lease is over; opening forgets the reason."""
    closed = update(close_request(SLOT, GateClosing(NOW - 1, "trouble", 2)))
    assert closed is not None
    probing = update(charge(closed, 20, 980, lease_until=NOW + 30))
    assert probing is not None
    assert (probing.epoch, probing.closed_until, probing.granted) == (SLOT + 2, NOW + 30, 20)
    assert update(charge(closed, 20, 980, lease_until=NOW + 30)) is None
    assert update(probe_request(SLOT, NOW)) is None
    given_back = update(probe_request(SLOT + 2, NOW - 0.5))
    assert given_back == replace(probing, epoch=SLOT + 3, closed_until=NOW - 0.5, probing=False)
    opened = Snapshot(granted=20, baselines={SLOT: 0}, epoch=SLOT + 4, changed_at=NOW)
    assert update(open_request(SLOT + 3, NOW)) == opened


@pytest.mark.parametrize("flight", [0.0, 0.48], ids=["fast", "one caller is slow"])
def test_item_stays_under_one_write_unit(flight: float) -> None:
    """With every slot marked, every attribute present and the counters of decades, the item is under 1 KB."""
    # Also when one caller's requests are slow, so that its grants take effect as far ahead as anybody's.
    callers = Callers(Quota(), [-SKEW, SKEW], patience=1.5)
    callers.gates[0].state()
    item = callers.table.items["gate#default"]
    present = {"g": 98_765_432_109, "o": 87_654_321_098, "k": 999, "l": 999_999, "t": 1_800_000_000_123}
    present |= {"s": 1_800_000_000}
    item |= {name: {"N": str(value)} for name, value in present.items()} | {"w": {"S": "credentials"}}
    sizes = []
    for number in range(600):
        slow = flight if number % 4 == 0 else 0.0
        callers.play([Step(number % 2, gap=0.25, lane=list(Lane)[number // 2 % 2], users=1, flight=slow)])
        sizes.append(item_size(callers.table.items["gate#default"] | LONGEST))
    assert len(callers.sent) >= 598
    assert max(sizes) < 1024


LONGEST = {"pk": {"S": "gate#" + "w" * 32}, "u": {"N": "1800000000123"}}


def item_size(item: dict[str, dict[str, Any]]) -> int:
    """Add up an item as AWS does: names, strings, and numbers at one byte for two digits and one more."""
    texts = sum(len(name) + len(value.get("S", "")) for name, value in item.items())
    return texts + sum((len(value["N"]) + 1) // 2 + 1 for value in item.values() if "N" in value)
