"""Transactions: conflicts are retried within bounds; failed conditions are reported; writes are all or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError

from lookup.aws.dynamodb import MAX_ATTEMPTS, ConditionsFailed, Transactions
from lookup.errors import AwsUnavailable
from lookup.ledger.items import serialize
from lookup.ledger.table import LedgerTable
from tests.aws_answers import dynamodb_error
from tests.lookup.bulk.feeder.interruptions import Interruptions
from tests.lookup.services import FakeClock
from tests.lookup.stage import Stage


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(stage: Stage, clock: FakeClock) -> LedgerTable:
    return LedgerTable(stage.dynamodb, stage.settings.ledger_table_name, clock=clock, sleep=clock.sleep)


@pytest.fixture
def between(stage: Stage) -> Interruptions:
    interruptions = Interruptions()
    interruptions.watch(stage.dynamodb, stage.sqs)
    return interruptions


def item(name: str, **facts: object) -> dict[str, object]:
    return serialize({"pk": name, "sk": "one", **facts})


def names(table: LedgerTable) -> list[str]:
    return sorted(read["pk"]["S"] for read in table.read([item("a"), item("b")]))


def test_conflicts_pass(table: LedgerTable, between: Interruptions, clock: FakeClock) -> None:
    """Three conflicts cost three short, growing waits; then it is written, once."""
    between.conflicts = 3
    table.write(table.put(item("a"), absent=True), table.put(item("b"), absent=True))
    assert names(table) == ["a", "b"]
    assert len(clock.slept) == 3
    assert all(0.01 * 2**turn <= slept <= 0.02 * 2**turn for turn, slept in enumerate(clock.slept))


def test_conflicts_that_do_not_pass(table: LedgerTable, between: Interruptions, clock: FakeClock) -> None:
    """After ten conflicts it is an error, not an endless wait."""
    between.conflicts = 1000
    with pytest.raises(AwsUnavailable, match="conflicts 10 times"):
        table.write(table.put(item("a")))
    assert between.conflicts == 1000 - MAX_ATTEMPTS
    assert sum(clock.slept) <= 0.02 * 2**MAX_ATTEMPTS


def test_conditions_that_fail(table: LedgerTable, clock: FakeClock) -> None:
    """Failed conditions are reported by position, nothing is written, and nothing is retried."""
    table.write(table.put(item("a")))
    with pytest.raises(ConditionsFailed) as failed:
        table.write(table.put(item("b")), table.put(item("a"), absent=True))
    assert failed.value.indexes == (1,)
    assert (names(table), clock.slept) == (["a"], [])


def test_checks(table: LedgerTable) -> None:
    """A check writes nothing, and keeps the rest from being written when it does not hold."""
    table.write(table.put(item("a", colour="red")))
    assert not table.try_write(table.put(item("b")), table.check(item("a"), "#colour = :it", {"it": "blue"}))
    assert names(table) == ["a"]
    assert table.try_write(table.put(item("b")), table.check(item("a"), "attribute_not_exists(#size)", {}))
    assert names(table) == ["a", "b"]


def test_what_is_wrong_is_not_tried_again(stage: Stage, clock: FakeClock) -> None:
    """A request that DynamoDB does not understand is raised as it is."""
    transactions = Transactions(stage.dynamodb, clock.sleep)
    with pytest.raises(ClientError):
        transactions.write([{"Put": {"TableName": "no-such-table", "Item": item("a")}}])
    assert clock.slept == []


def test_a_lost_answer_is_not_written_twice(table: LedgerTable, stage: Stage, clock: FakeClock) -> None:
    """A transaction whose response was lost is retried with the same client token, and counts once."""
    table.write(table.put(item("a", number=1)))
    answers: list[int] = []

    def lose(http_response: Any, parsed: dict[str, Any], **_: object) -> None:
        answers.append(1)
        if len(answers) == 1:
            http_response.status_code = 400
            parsed["Error"] = {"Code": "TransactionInProgressException", "Message": "still under way"}

    stage.dynamodb.meta.events.register("after-call.dynamodb.TransactWriteItems", lose)
    table.write(table.update(item("a"), "ADD #number :one", {"one": 1}))
    (read,) = table.read([item("a")])
    assert (read["number"], len(answers), len(clock.slept)) == ({"N": "2"}, 2, 1)


def test_an_update_waits_for_transactions(table: LedgerTable, stage: Stage, clock: FakeClock) -> None:
    """A lone update that meets a transaction over its item is tried again within bounds, and counts once."""
    meetings = [1, 1]

    def meet(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        return dynamodb_error(request.url, 400, "TransactionConflictException") if meetings and meetings.pop() else None

    stage.dynamodb.meta.events.register("before-send.dynamodb.UpdateItem", meet)  # type: ignore[arg-type]  # an answer is allowed
    assert table.update_item(item("a"), "ADD #users :users", {"users": 5}) == {"users": {"N": "5"}}
    assert len(clock.slept) == 2
    meetings += [1] * MAX_ATTEMPTS
    with pytest.raises(AwsUnavailable, match="transactions 10 times"):
        table.update_item(item("a"), "ADD #users :users", {"users": 5})
    assert [read["users"] for read in table.read([item("a")])] == [{"N": "5"}]
