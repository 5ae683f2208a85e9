"""Parts: packed together, each settled on its own, counted attempts, archived before complete."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.bulk.queues import MAX_DELAY
from lookup.errors import RetryLater
from lookup.fetch.vendor_access import VendorAccess
from lookup.gate.limiter import Grant
from lookup.ledger.parts import ATTEMPT_LIMIT, DeliveredPart
from lookup.model import Counts, InvalidIdentifier, Lane, Part, Status
from tests.aws_answers import meets, refused
from tests.lookup.services import FakeGate, FetchServices, customer, done, outcomes_of, retried, retry_at
from tests.lookup.stage import SECRET, SECRET_ID, Stage


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> FetchServices:
    simulator.configure(not_found_share=0.0)
    return FetchServices(stage)


def part(services: FetchServices, number: str, names: Iterable[str], **facts: Any) -> Part:
    return Part(
        "refresh-1", number, "default", tuple(map(customer, names)), services.clock(), services.clock(), **facts
    )


def records(services: FetchServices, prefix: str = "parts/") -> list[dict[str, Any]]:
    bucket = services.stage.settings.bucket_name
    bodies = [
        services.stage.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in services.stage.keys(prefix)
    ]
    return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]


def test_messages_of_one_identifier_share_payloads(services: FetchServices, simulator: Simulator) -> None:
    """A hundred messages of one identifier each go out as five full payloads in the bulk lane."""
    works = [DeliveredPart(part(services, f"message-{number:03}", [f"user-{number}"])) for number in range(100)]
    completions = done(services.parts.process(works, until=services.clock() + 60))
    assert [len(completion.outcomes) for completion in completions] == [1] * 100
    assert (services.gate.granted, services.gate.lanes) == ([20] * 5, {Lane.BULK})
    assert simulator.counters().calls == 5
    assert len(services.stage.keys("parts/")) == 1


def test_every_identifier_and_junk_line_is_archived(services: FetchServices) -> None:
    """The part's object holds one record per identifier and junk line, duplicates included."""
    junk = InvalidIdentifier("unknown", "blocked", line=7)
    (completion,) = done(
        services.parts.process(
            [DeliveredPart(part(services, "000001", ["a1", "b2", "a1"], invalid=(junk,)))], until=1e12
        )
    )
    assert Counts.of(completion.outcomes) == Counts(requested=4, found=3, invalid=1)
    assert [(one["identifier"], one["outcome"], one["line"]) for one in records(services)] == [
        ("a1", "found", None),
        ("b2", "found", None),
        ("a1", "found", None),
        ("unknown", "invalid", 7),
    ]


def test_a_second_delivery_overwrites_and_makes_no_call(services: FetchServices, simulator: Simulator) -> None:
    """A part delivered twice calls MoEngage once and leaves one object with the same records but their source."""
    work = DeliveredPart(part(services, "000001", ["a1", "b2"]))
    services.parts.process([work], until=1e12)
    first = records(services)
    services.clock.now += 3600
    services.parts.process([replace(work, redelivered=True)], until=1e12)
    assert simulator.counters().calls == 1
    assert [replaced | {"source": "moengage"} for replaced in records(services)] == first


def test_a_part_cut_off_by_the_quota_is_returned(services: FetchServices, simulator: Simulator) -> None:
    """Responses stay stored: the second delivery requests only the rest, and no attempt is counted."""
    services.gate.room, services.gate.refusal = 20, RetryLater(services.clock() + 42)
    work = DeliveredPart(part(services, "000001", [f"user-{number}" for number in range(50)]))
    assert retry_at(services.parts.process([work], until=1e12)[0]) == services.clock() + 42
    assert services.stage.keys("parts/") == []
    services.gate.refusal = None
    (completion,) = done(services.parts.process([replace(work, redelivered=True)], until=1e12))
    assert Counts.of(completion.outcomes).found == 50
    assert simulator.counters().users == 50
    assert services.part_ledger.status_of(work.part).attempts == 0


def test_one_closed_part_does_not_hold_back_another(services: FetchServices) -> None:
    """Of parts processed together, those fully answered complete and the others are returned to the queue."""
    services.gate.room, services.gate.refusal = 20, RetryLater(services.clock() + 42)
    works = [DeliveredPart(part(services, f"00000{n}", [f"user-{n}-{m}" for m in range(20)])) for n in (1, 2)]
    completions = services.parts.process(works, until=1e12)
    assert [retry_at(completion) for completion in completions] == [None, services.clock() + 42]
    assert {one["part"] for one in records(services)} == {"000001"}


def test_a_busy_workspace_leaves_another_its_time(stage: Stage, simulator: Simulator) -> None:
    """Of parts of two workspaces processed together, one that gets no quota waits for half of the time."""
    simulator.configure(not_found_share=0.0)
    workspaces = {**stage.settings.workspaces, "busy": stage.settings.workspaces["default"]}
    services = TwoWorkspaces(replace(stage, settings=replace(stage.settings, workspaces=workspaces)))
    works = [DeliveredPart(replace(part(services, "1", ["a1"]), workspace=name)) for name in ("default", "busy")]
    started = services.clock()
    busy, default = services.parts.process(works, until=started + 50)
    assert (busy.part.workspace, retry_at(busy)) == ("busy", started + 25)
    assert [one.status for one in outcomes_of(default)] == [Status.FOUND]


class TwoWorkspaces(FetchServices):
    """Services whose workspace `busy` has no quota left."""

    def _vendor(self, workspace: str) -> VendorAccess:
        return replace(self.vendor, gate=FullGate(self.clock)) if workspace == "busy" else self.vendor


class FullGate(FakeGate):
    """A gate that makes every caller wait until its deadline."""

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:  # noqa: ARG002 - never has room
        self.clock.now = max(self.clock.now, wait_until)
        raise RetryLater(self.clock.now)


def test_five_attempts_without_an_answer_fail(services: FetchServices, simulator: Simulator) -> None:
    """After five deliveries that met vendor errors the part is failed with a reason, counted, and dead-lettered."""
    simulator.set_faults(Fault(status=503))
    work = DeliveredPart(part(services, "000001", ["a1", "b2"]))
    waits = []
    for delivery in range(ATTEMPT_LIMIT):
        (failed,) = retried(services.parts.process([replace(work, redelivered=delivery > 0)], until=1e12))
        waits.append(failed.retry_at - services.clock())
    assert 5 <= waits[0] <= 10
    assert 80 <= waits[-1] <= 160
    calls = simulator.counters().calls
    (completion,) = done(services.parts.process([replace(work, redelivered=True)], until=1e12))
    assert (completion.reason, retry_at(completion)) == ("no_answer", None)
    assert [one.status for one in completion.outcomes] == [Status.FAILED, Status.FAILED]
    assert simulator.counters().calls == calls
    assert [(one["outcome"], one["reason"]) for one in records(services)] == [("failed", "no_answer")] * 2


def test_a_recorded_failure_is_dead_lettered_again(services: FetchServices, simulator: Simulator) -> None:
    """A worker may crash between recording a failed part and dead-lettering it: the next delivery dead-letters it."""
    simulator.set_faults(Fault(status=503))
    failing, fine = (
        DeliveredPart(part(services, "000001", ["a1"]), redelivered=True),
        DeliveredPart(part(services, "000002", ["b2"])),
    )
    for _ in range(ATTEMPT_LIMIT + 1):
        completion = services.parts.process([failing], until=1e12)[0]
    simulator.set_faults()
    services.parts.process([fine], until=1e12)
    again = done(services.parts.process([failing, replace(fine, redelivered=True)], until=1e12))
    assert [one.reason for one in done([completion])] == ["no_answer"]
    assert [(one.part.number, one.reason, one.outcomes) for one in again] == [
        ("000001", "no_answer", ()),
        ("000002", None, ()),
    ]


def test_a_secret_may_come_days_later(services: FetchServices, simulator: Simulator) -> None:
    """Without a secret a part waits longer the longer it has waited: a thousand deliveries last for 14 days."""
    secrets = services.stage.secretsmanager
    secrets.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)
    work, deliveries, fed_at = DeliveredPart(part(services, "000001", ["a1"])), 0, services.clock()
    while services.clock() < fed_at + 14 * 24 * 3600:
        (waiting,) = retried(services.parts.process([replace(work, redelivered=deliveries > 0)], until=1e12))
        services.clock.now = min(waiting.retry_at, services.clock() + MAX_DELAY)
        deliveries += 1
    assert 300 < deliveries < 900
    secrets.create_secret(Name=SECRET_ID, SecretString=json.dumps(SECRET))
    (completion,) = done(services.parts.process([replace(work, redelivered=True)], until=1e12))
    assert [one.status for one in completion.outcomes] == [Status.FOUND]
    assert simulator.counters().calls == 1


def test_a_secret_may_be_unreadable_for_long(services: FetchServices, simulator: Simulator) -> None:
    """A part that an AWS error delays waits some seconds, and longer the longer it has waited."""
    work, waits, fed_at = DeliveredPart(part(services, "000001", ["a1"])), list[float](), services.clock()
    meets(services.stage.secretsmanager, "secrets-manager.GetSecretValue", [refused(400, "ThrottlingException")] * 1000)
    while services.clock() < fed_at + 14 * 24 * 3600:
        (completion,) = retried(services.parts.process([work], until=1e12))
        waits.append(min(completion.retry_at - services.clock(), MAX_DELAY))
        services.clock.now += waits[-1]
    assert 5 <= waits[0] <= 10
    assert len(waits) < 900


def test_throttling_is_never_an_attempt(services: FetchServices, simulator: Simulator) -> None:
    """However often MoEngage responds 429, the part stays pending."""
    work = DeliveredPart(part(services, "000001", ["a1"]), redelivered=True)
    for _ in range(ATTEMPT_LIMIT + 2):
        services.gate.refusal, services.gate.room = RetryLater(services.clock() + 1), sum(services.gate.granted) + 1
        simulator.set_faults(Fault(status=429))
        assert retry_at(services.parts.process([work], until=1e12)[0]) is not None
    assert services.part_ledger.status_of(work.part).attempts == 0


def test_an_unknown_workspace_is_dead_lettered(services: FetchServices) -> None:
    """A part that can never be served has a reason and no retry."""
    (completion,) = done(
        services.parts.process([DeliveredPart(replace(part(services, "1", ["a1"]), workspace="elsewhere"))], until=1e12)
    )
    assert (completion.reason, retry_at(completion)) == ("workspace: is not configured", None)


def test_the_strictest_freshness_counts(services: FetchServices, simulator: Simulator) -> None:
    """Where two parts want one identifier, the one that wants it fresher decides."""
    services.parts.process([DeliveredPart(part(services, "000001", ["a1"]))], until=1e12)
    services.clock.now += 10
    relaxed, strict = part(services, "000002", ["a1"], max_age=60.0), part(services, "000003", ["a1"])
    services.parts.process([DeliveredPart(relaxed), DeliveredPart(strict)], until=1e12)
    assert simulator.counters().calls == 2
