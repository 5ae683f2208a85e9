"""`Profiles Changed`: published for every result object that holds changed profiles, and for no other."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra.local.simulator.process import Simulator
from lookup.bulk.processor import PartProcessor
from lookup.bulk.recording import CompletionRecorder
from lookup.errors import AwsUnavailable
from lookup.ledger.model import ChangedProfiles
from lookup.ledger.parts import DeliveredPart
from lookup.model import Part
from lookup.results.events import EventPublisher
from tests.lookup.bulk.feeder.interruptions import Crash, Interruptions
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

NAMES = ("a1", "b2", "c3")


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> FetchServices:
    simulator.configure(not_found_share=0.0)
    return FetchServices(stage)


def serve(services: FetchServices, lookup_id: str, *, redelivered: bool = False) -> str:
    """Look the three users up; give the key of what was archived."""
    part = Part(lookup_id, "000001", "default", tuple(map(customer, NAMES)), services.clock(), services.clock())
    services.parts.process([DeliveredPart(part, redelivered=redelivered)], until=1e12)
    return next(key for key in services.stage.keys("parts/") if lookup_id in key)


def test_new_and_changed_profiles_are_published(services: FetchServices, simulator: Simulator) -> None:
    """New profiles are published, then only those that differ, then nothing."""
    first = serve(services, "refresh-1")
    services.clock.now += 10
    simulator.set_user("b2", {"customer_id": "b2", "name": "Zoë"})
    simulator.set_user("c3", None)
    second = serve(services, "refresh-2")
    services.clock.now += 10
    serve(services, "refresh-3")
    assert services.events.changed == [
        ChangedProfiles("refresh-1", "default", first, profiles=3, changed=3),
        ChangedProfiles("refresh-2", "default", second, profiles=3, changed=2),
    ]


def test_a_crash_before_the_count_publishes_again(services: FetchServices) -> None:
    """After a crash between publishing and counting, the next delivery publishes the same event again."""

    def die() -> None:
        raise Crash

    between = Interruptions()
    between.watch(services.stage.dynamodb, services.stage.sqs)
    between.arm(2, after=False, action=die)  # the first write notes the hour, before the object is written
    with pytest.raises(Crash):
        serve(services, "refresh-1")
    serve(services, "refresh-1", redelivered=True)
    serve(services, "refresh-1", redelivered=True)
    assert len(services.events.changed) == 2
    assert services.events.changed[0] == services.events.changed[1]


def test_an_event_that_is_not_taken_keeps_the_part_from_counting(services: FetchServices, simulator: Simulator) -> None:
    """What could not be published is not counted: the message is redelivered, costs no quota, and is published then."""

    def refuse(_: ChangedProfiles) -> None:
        raise AwsUnavailable("EventBridge refused an event: InternalFailure")

    part = Part("refresh-1", "000001", "default", tuple(map(customer, NAMES)), services.clock(), services.clock())
    recorder = CompletionRecorder(
        archive=services.archive, parts=services.part_ledger, hours=services.hour_marks, publish_changed=refuse
    )
    unheard = PartProcessor(
        fetch=services.fetch,
        recorder=recorder,
        parts=services.part_ledger,
        intake=services.intake,
        clock=services.clock,
    )
    with pytest.raises(AwsUnavailable, match="refused an event"):
        unheard.process([DeliveredPart(part)], until=1e12)
    assert services.part_ledger.status_of(part).is_counted is False
    services.parts.process([DeliveredPart(part, redelivered=True)], until=1e12)
    assert (services.part_ledger.status_of(part).is_counted, len(services.events.changed)) == (True, 1)
    assert simulator.counters().calls == 1


def test_what_the_event_says(stage: Stage) -> None:
    """The event has counts and a key, no identifier and no attribute."""
    sent: list[dict[str, str]] = []
    client = stage.session.client("events", region_name="eu-central-1")
    client.meta.events.register(
        "provide-client-params.events.PutEvents", lambda params, **_: sent.extend(params["Entries"])
    )
    EventPublisher(client, "default").publish_changed(
        ChangedProfiles("refresh-1", "default", "results/one", profiles=3, changed=2)
    )
    client.close()
    (event,) = sent
    assert (event["Source"], event["DetailType"]) == ("moengage-lookup", "Profiles Changed")
    assert json.loads(event["Detail"]) == {
        "lookup_id": "refresh-1",
        "workspace": "default",
        "key": "results/one",
        "profiles": 3,
        "changed": 2,
    }


def test_nothing_found_is_nothing_changed() -> None:
    """A part without profiles changes nothing."""
    part = Part("refresh-1", "000001", "default", (customer("a1"),), 0.0, 0.0)
    assert ChangedProfiles.of(replace(part), "results/one", []).changed == 0
