"""Attempts are counted between a grant and its call: in time for it, and only for calls without a response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.simulator.process import Fault, Simulator
from lookup.fetch.vendor_access import CallRecord
from lookup.ledger.parts import ATTEMPT_LIMIT, DeliveredPart
from lookup.model import Counts, LookupRequest, Status
from tests.aws_answers import meets, refused
from tests.lookup.bulk.test_processor import part, services
from tests.lookup.services import FetchServices, done, outcomes_of

__all__ = ["services"]
TRIP = 0.05  # seconds that DynamoDB takes for a request


def again(services: FetchServices, number: int) -> list[DeliveredPart]:
    return [
        DeliveredPart(part(services, f"message-{one:03}", [f"user-{one}"]), redelivered=True) for one in range(number)
    ]


def slow(services: FetchServices, operation: str, seconds: Iterator[float]) -> None:
    """Advance the clock while requests of an operation are under way."""

    def pass_time(**_: Any) -> None:
        services.clock.now += next(seconds, 0.0)

    services.stage.dynamodb.meta.events.register(f"before-call.dynamodb.{operation}", pass_time)


def test_a_hundred_redelivered_parts_waste_no_grant(services: FetchServices, simulator: Simulator) -> None:
    """All of their attempts are one request, so the first grant is still good when they are counted."""
    works, counted = again(services, 100), list[int]()

    def look(_: CallRecord) -> None:
        counted.append(sum(services.part_ledger.status_of(work.part).attempts for work in works))

    services.vendor = replace(services.vendor, on_call=look)
    slow(services, "TransactWriteItems", iter([TRIP] * 1000))
    services.parts.process(works, until=services.clock() + 60)
    assert (services.gate.granted, services.gate.released) == ([20] * 5, 0)
    assert (simulator.counters().calls, counted) == (5, [100] * 5)
    assert [services.part_ledger.status_of(work.part).attempts for work in works] == [0] * 100


def test_a_grant_that_counting_outlasts_is_released(services: FetchServices, simulator: Simulator) -> None:
    """When the ledger is slow the grant is released and logged, another one is requested, and nothing counts twice."""
    unused: list[int] = []
    services.vendor = replace(services.vendor, on_unused_grant=unused.append)
    (work,) = again(services, 1)
    slow(services, "TransactWriteItems", iter([2.0]))
    (completion,) = services.parts.process([work], until=services.clock() + 60)
    assert [one.status for one in outcomes_of(completion)] == [Status.FOUND]
    assert (unused, services.gate.granted, services.gate.released, simulator.counters().calls) == ([1], [1, 1], 1, 1)
    assert services.part_ledger.status_of(work.part).attempts == 0


def test_a_grant_whose_attempts_cannot_be_counted_is_released(services: FetchServices, simulator: Simulator) -> None:
    """If the ledger records no attempt nothing is sent, and the grant, which may be the probe, is released, logged."""
    unused: list[int] = []
    services.vendor = replace(services.vendor, on_unused_grant=unused.append)
    (work,) = again(services, 1)
    meets(services.stage.dynamodb, "dynamodb.TransactWriteItems", [refused(400, "ValidationException")])
    with pytest.raises(ClientError, match="Validation"):
        services.parts.process([work], until=services.clock() + 60)
    assert (unused, services.gate.released, simulator.counters().calls) == ([1], 1, 0)


@pytest.mark.parametrize("redelivered", [False, True])
def test_vendor_error_is_no_attempt_of_parts_without_a_call(
    services: FetchServices,
    simulator: Simulator,
    redelivered: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    """Of parts processed together, a vendor error is an attempt of those that had a user in a call, and of no other."""
    simulator.set_faults(Fault(status=503))
    parts = [part(services, f"message-{one}", [f"user-{one}-{number}" for number in range(12)]) for one in range(4)]
    services.parts.process([DeliveredPart(one, redelivered=redelivered) for one in parts], until=services.clock() + 60)
    assert [services.part_ledger.status_of(one).attempts for one in parts] == [1, 1, 0, 0]


def test_what_aws_does_not_take_is_no_attempt(services: FetchServices, simulator: Simulator) -> None:
    """However often DynamoDB throttles the answers of MoEngage, the part stays to be done."""
    (work,) = again(services, 1)
    throttled = [refused(400, "ProvisionedThroughputExceededException")] * (ATTEMPT_LIMIT + 1)
    meets(services.stage.dynamodb, "dynamodb.PutItem", throttled)
    for _ in range(ATTEMPT_LIMIT + 1):
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            services.parts.process([work], until=services.clock() + 60)
    (completion,) = services.parts.process([work], until=services.clock() + 60)
    assert [one.status for one in outcomes_of(completion)] == [Status.FOUND]


def test_what_breaks_us_is_an_attempt(services: FetchServices, simulator: Simulator) -> None:
    """An answer that cannot be stored for any other reason counts: such a part must end."""
    (work,) = again(services, 1)
    meets(services.stage.dynamodb, "dynamodb.PutItem", [refused(400, "ValidationException")])
    with pytest.raises(ClientError, match="Validation"):
        services.parts.process([work], until=services.clock() + 60)
    assert services.part_ledger.status_of(work.part).attempts == 1


def test_own_error_is_no_attempt_of_parts_without_a_call(services: FetchServices, simulator: Simulator) -> None:
    """Of parts processed together, a defect of ours is an attempt of those that had a user in a call, of no other."""

    def break_off(_: CallRecord) -> None:
        raise ValueError

    services.vendor = replace(services.vendor, on_call=break_off)
    works = again(services, 30)
    with pytest.raises(ValueError):  # noqa: PT011 - ours, without a text
        services.parts.process(works, until=services.clock() + 60)
    assert [services.part_ledger.status_of(work.part).attempts for work in works] == [1] * 20 + [0] * 10


def test_what_the_last_attempt_stored_in_full_is_not_dead_lettered(
    services: FetchServices, simulator: Simulator
) -> None:
    """A worker killed after storing the last attempt's responses leaves a complete part: nothing of it failed."""
    answered, half = (
        DeliveredPart(part(services, name, [f"{name}-1", f"{name}-2"]), redelivered=True) for name in ("a", "b")
    )
    wanted = dict.fromkeys([*answered.part.identifiers, half.part.identifiers[0]], services.clock())
    services.fetch.fetch(wanted, LookupRequest("default", lookup_id="refresh-1"), until=services.clock() + 60)
    for _ in range(ATTEMPT_LIMIT):
        services.part_ledger.add_attempts([answered.part, half.part], 1)
    ends = done(services.parts.process([answered, half], until=services.clock() + 60))
    assert [(one.reason, Counts.of(one.outcomes).failed) for one in ends] == [(None, 0), ("no_answer", 1)]
    assert services.part_ledger.status_of(answered.part).dead_letter_reason is None
