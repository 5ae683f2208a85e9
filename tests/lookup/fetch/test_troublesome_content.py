"""A 5xx, silence or a dropped connection that one identifier causes harms nobody else; an outage closes the gate."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Fault, Simulator
from lookup.errors import GateClosed, VendorUnavailable
from lookup.fetch.neutral_calls import INTERVAL
from lookup.fetch.vendor_access import CallRecord
from lookup.ledger.parts import ATTEMPT_LIMIT, Counted, DeliveredPart
from lookup.model import Identifier, Lane, LookupRequest, Outcome
from tests.lookup.bulk.test_processor import part
from tests.lookup.fetch.test_refused_content import LATENCY, RealGate, by_name, neutral_calls, run, services
from tests.lookup.services import FetchServices, customer, outcomes_of, retry_at
from tests.lookup.stage import Stage

__all__ = ["services"]  # a fixture

ODD = "odd-1"
TWENTY = [customer(f"user-{number}") for number in range(20)]
SPENT = 12.0  # seconds that a call takes which is not answered
TROUBLES = {
    "500": Fault(status=500),
    "502": Fault(status=502, body="html"),
    "503": Fault(status=503, body="problem"),
    "503 until": Fault(status=503, headers={"Retry-After": "300"}),
    "504": Fault(status=504, body="empty"),
    "408": Fault(status=408),
    "520": Fault(status=520, body="html", counted=False),
    "dropped": Fault(drop=True),
    "dropped early": Fault(drop=True, counted=False),
    "cut off": Fault(status=500, body="cut_off"),
}


class Slow(RealGate):
    """Services where a call without a response takes as long as the client's timeout."""

    def _pass_time(self, heard: CallRecord) -> None:
        self.clock.now += LATENCY if heard.error is None else SPENT


def on_one(fault: Fault, *names: str) -> Fault:
    return replace(fault, identifiers=names or (ODD,))


def left(services: RealGate, simulator: Simulator) -> int:
    """Count users that were granted and that MoEngage did not count."""
    return sum(services.own_gate.state().granted.values()) - simulator.counters().users


@pytest.mark.parametrize("kind", TROUBLES)
@pytest.mark.parametrize("place", [0, 13])
def test_one_of_twenty(services: RealGate, simulator: Simulator, kind: str, place: int) -> None:
    """It fails alone, its neighbours are found, for few calls that are all granted, and the gate stays open."""
    simulator.set_faults(on_one(TROUBLES[kind]))
    names = [*TWENTY[:place], customer(ODD), *TWENTY[place:19]]
    fetched = run(services, names, lane=Lane.BULK)
    assert by_name(fetched) == {one.identifier: "unanswerable" if one.identifier == ODD else "found" for one in names}
    assert (fetched.cause, services.closed_reason()) == (None, None)
    assert simulator.counters().calls <= 18
    granted = sum(services.own_gate.state().granted.values())
    assert simulator.counters().users <= granted <= 120
    assert granted == sum(len(call.identifiers or ()) for call in simulator.arrivals())


def test_silence_of_one(stage: Stage, simulator: Simulator, services: RealGate) -> None:
    """One for whom MoEngage stays silent is found and fails by deliveries of 50 s each; its 99 neighbours are found."""
    slow = Slow(stage, services.clock)
    simulator.set_faults(on_one(Fault(drop=True)))
    names = [*(f"user-{number}" for number in range(40)), ODD, *(f"user-{number}" for number in range(40, 99))]
    outcomes = delivered(slow, DeliveredPart(part(slow, "000001", names)), deliveries=ATTEMPT_LIMIT)
    assert {name_of(one): one.reason for one in outcomes if one.reason} == {ODD: "unanswerable"}
    assert (len(outcomes), slow.closed_reason()) == (100, None)


def name_of(outcome: Outcome) -> str:
    """Return whom an outcome is about."""
    assert isinstance(outcome.subject, Identifier)
    return outcome.subject.identifier


def delivered(services: RealGate, work: DeliveredPart, *, deliveries: int) -> list[Outcome]:
    """Serve a part until it is complete, so many times at most."""
    for _ in range(deliveries):
        (completion,) = services.parts.process([work], until=services.clock() + 50)
        work = replace(work, redelivered=True)
        if isinstance(completion, Counted):
            return list(completion.outcomes)
        services.clock.now = max(completion.retry_at, services.clock.now)
    raise AssertionError("the part is not complete")


def test_one_alone(services: RealGate, simulator: Simulator) -> None:
    """With nobody beside it, it fails after three calls with growing pauses, and one for nobody between."""
    simulator.set_faults(on_one(Fault(status=500)))
    started = services.clock()
    fetched = run(services, [customer(ODD)])
    assert (by_name(fetched), services.closed_reason()) == ({ODD: "unanswerable"}, None)
    assert (simulator.counters().calls, neutral_calls(simulator)) == (4, 1)
    assert services.clock() - started >= 1.5


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_an_accident(services: RealGate, simulator: Simulator, calls: int) -> None:
    """Up to four failing calls, whatever they hold, fail no identifier and close the gate only briefly."""
    simulator.set_faults(Fault(status=500, calls=calls))
    fetched = run(services, TWENTY, lane=Lane.BULK, patience=300)
    if fetched.cause is not None:
        assert (fetched.outcomes, calls) == ({}, 4)
        fetched = run(services, TWENTY, lane=Lane.BULK)
    assert set(by_name(fetched).values()) == {"found"}


@pytest.mark.parametrize("fault", [Fault(status=500), TROUBLES["503 until"], Fault(drop=True)])
@pytest.mark.parametrize("patience", [0.1, 0.4, 20.0])
def test_callers_in_a_row(services: RealGate, simulator: Simulator, fault: Fault, patience: float) -> None:
    """However short their deadlines, callers who request such identifiers do not close the gate for others."""
    simulator.set_faults(on_one(fault, *(f"odd-{number}" for number in range(12))))
    for number in range(12):
        run(services, [customer(f"odd-{number}")], patience=patience)
        assert services.closed_reason() is None
    assert by_name(run(services, TWENTY[:1])) == {"user-0": "found"}


def test_many_processes(services: RealGate, simulator: Simulator) -> None:
    """From many processes such identifiers cost one neutral call in two seconds, and nobody waits for the gate."""
    simulator.set_faults(on_one(TROUBLES["503 until"], *(f"odd-{number}" for number in range(20))))
    processes = [services, *(RealGate(services.stage, services.clock) for _ in range(3))]
    started = services.clock()
    for number in range(20):
        assert by_name(run(processes[number % 4], [customer(f"odd-{number}")])) == {f"odd-{number}": "unanswerable"}
        assert services.closed_reason() is None
    assert neutral_calls(simulator) <= (services.clock() - started) / INTERVAL + 1
    assert simulator.counters().users == 60 + neutral_calls(simulator)


@pytest.mark.parametrize(("kind", "calls"), [("500", 4), ("503", 4), ("dropped", 4), ("503 until", 2)])
def test_an_outage(services: RealGate, simulator: Simulator, kind: str, calls: int) -> None:
    """When nobody is answered the gate closes after one neutral call more than before; nobody fails or is doubted."""
    simulator.set_faults(TROUBLES[kind])
    fetched = run(services, TWENTY, patience=30)
    assert (fetched.outcomes, fetched.doubted, services.closed_reason()) == ({}, frozenset(), "trouble")
    assert simulator.counters().calls <= calls + 1  # where the gate opens again within the time, its probe
    assert neutral_calls(simulator) >= 1
    closed = services.own_gate.state().closed_until or 0.0
    assert closed - services.clock() > (250 if kind == "503 until" else 0)


def test_an_outage_that_leaves_no_time(services: RealGate, simulator: Simulator) -> None:
    """Callers whose time ends with their only call learn of an outage too: the fourth closes the gate."""
    simulator.set_faults(Fault(drop=True))
    for _ in range(3):
        assert isinstance(run(services, TWENTY[:1], patience=0.1).cause, VendorUnavailable)
        assert services.closed_reason() is None
    fetched = run(services, TWENTY[:1], patience=0.5)
    assert (services.closed_reason(), neutral_calls(simulator), simulator.counters().calls) == ("trouble", 1, 4)
    assert isinstance(fetched.cause, VendorUnavailable)


def test_an_outage_in_the_middle_of_the_search(services: RealGate, simulator: Simulator) -> None:
    """MoEngage that goes while one is searched for fails nobody; it is known after three calls and a neutral one."""
    simulator.set_faults(on_one(Fault(status=500)))
    calls: list[int] = []

    def goes_away(_: object) -> None:
        calls.append(1)
        if len(calls) == 6:
            simulator.set_faults(Fault(status=500))

    wanted = dict.fromkeys([customer(ODD), *TWENTY[:19]], services.clock())
    terms = LookupRequest("default", lookup_id="lookup-1")
    fetched = services.fetch.fetch(wanted, terms, until=services.clock() + 60, before_sending=goes_away)
    assert fetched.cause is not None
    assert all(outcome.reason is None for outcome in fetched.outcomes.values())
    assert services.closed_reason() == "trouble"
    assert len(calls) <= 6 + 3


def test_a_probe_requests_no_customer(services: RealGate, simulator: Simulator) -> None:
    """A gate that vendor errors closed is probed with one neutral user, so any first caller reopens it."""
    simulator.set_faults(Fault(status=500))
    run(services, TWENTY, patience=3.6)
    assert services.closed_reason() == "trouble"
    before = simulator.counters().users
    services.clock.now = (services.own_gate.state().closed_until or 0.0) + 0.1
    fetched = run(services, TWENTY, patience=0.5)
    assert isinstance(fetched.cause, VendorUnavailable)
    assert simulator.counters().users == before + 1
    simulator.set_faults(on_one(Fault(status=500)))
    services.clock.now = (services.own_gate.state().closed_until or 0.0) + 0.1
    assert by_name(run(services, [customer(ODD)])) == {ODD: "unanswerable"}
    assert services.closed_reason() is None


def test_quota_is_no_content(services: RealGate, simulator: Simulator) -> None:
    """A 429 closes the gate whatever was requested, and no neutral call is made."""
    simulator.set_faults(on_one(Fault(status=429)))
    fetched = run(services, [customer(ODD), *TWENTY[:3]])
    assert (fetched.outcomes, services.closed_reason(), neutral_calls(simulator)) == ({}, "throttled", 0)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.sets(st.integers(0, 39), max_size=10), status=st.sampled_from([500, 503, 0]))
def test_any_number(stage: Stage, simulator: Simulator, bad: set[int], status: int) -> None:
    """Wherever up to ten are bad, just they fail, for three users each more than for one search."""
    simulator.reset(not_found_share=0.0)
    services = FetchServices(stage)
    names = [customer(f"{uuid4().hex}-{number}") for number in range(40)]  # the store remembers those of other examples
    if bad:
        fault = Fault(status=status) if status else Fault(drop=True)
        simulator.set_faults(on_one(fault, *(names[number].identifier for number in bad)))
    fetched = services.fetch.fetch(
        dict.fromkeys(names, services.clock()),
        LookupRequest("default", lookup_id="lookup-1"),
        until=services.clock() + 600,
    )
    assert fetched.cause is None
    assert by_name(fetched) == {
        one.identifier: "unanswerable" if number in bad else "found" for number, one in enumerate(names)
    }
    asked = [len(call.identifiers or ()) for call in simulator.arrivals()]
    assert sum(asked) - neutral_calls(simulator) <= 4 * 40 + 60
    assert len(asked) - neutral_calls(simulator) <= 4 * 40


def test_only_misses_are_answered(services: RealGate, simulator: Simulator) -> None:
    """When MoEngage answers only for unknown users, work is returned after few calls, as in an outage, not failed."""
    names = [f"user-{number}" for number in range(100)]
    simulator.set_faults(on_one(Fault(status=500), *names))
    work = DeliveredPart(part(services, "000001", names))
    (completion,) = services.parts.process([work], until=services.clock() + 300)
    assert (retry_at(completion) is not None, outcomes_of(completion), services.closed_reason()) == (True, (), None)
    assert services.part_ledger.status_of(work.part).attempts == 1
    assert len(simulator.arrivals()) - neutral_calls(simulator) <= 3 + 5 + 31
    simulator.set_faults()
    (completion,) = services.parts.process([replace(work, redelivered=True)], until=services.clock() + 300)
    assert [one.reason for one in outcomes_of(completion)] == [None] * 100


@pytest.mark.parametrize("reason", ["unanswerable", "refused_by_vendor"])
def test_who_failed_is_remembered(stage: Stage, simulator: Simulator, reason: str) -> None:
    """An identifier that failed alone is not requested again when its part is redelivered."""
    simulator.configure(not_found_share=0.0)
    fault = Fault(status=500) if reason == "unanswerable" else Fault(status=403, body="html")
    simulator.set_faults(on_one(fault, "odd-1", "odd-2"))
    services = FetchServices(stage)
    names = [
        *(f"user-{number}" for number in range(19)),
        "odd-1",
        *(f"user-{number}" for number in range(19, 70)),
        "odd-2",
    ]
    work = DeliveredPart(part(services, "message-1", names))
    asked: list[int] = []
    outcomes: list[Outcome] = []
    while not outcomes:
        before = len(simulator.arrivals())
        services.gate.refusal, services.gate.room = (
            GateClosed(services.clock() + 30, "throttled"),
            sum(services.gate.granted) + 90,
        )
        (completion,) = services.parts.process([work], until=services.clock() + 50)
        outcomes, work = list(outcomes_of(completion)), replace(work, redelivered=True)
        asked += [number for call in simulator.arrivals()[before:] for number in call_of_odd(call.identifiers or ())]
    reasons = {name_of(one): one.reason for one in outcomes if one.reason}
    assert reasons == {"odd-1": reason, "odd-2": reason}
    assert asked.count(1) <= (3 if reason == "unanswerable" else 1)
    assert asked.count(2) <= (3 if reason == "unanswerable" else 1)


def call_of_odd(identifiers: object) -> list[int]:
    """Return the odd identifier that a call requested alone."""
    assert isinstance(identifiers, list | tuple)
    names = [text for _, text in identifiers]
    return [int(names[0][4:])] if len(names) == 1 and names[0].startswith("odd-") else []


def test_what_is_remembered_names_nobody(stage: Stage, simulator: Simulator) -> None:
    """The ledger keeps places in the part, no identifier."""
    simulator.set_faults(on_one(Fault(status=500)))
    services = FetchServices(stage)
    work = DeliveredPart(part(services, "message-1", ["user-1", ODD]))
    services.gate.refusal, services.gate.room = GateClosed(services.clock() + 30, "throttled"), 8
    services.parts.process([work], until=services.clock() + 50)
    standing = services.part_ledger.status_of(work.part)
    assert (standing.failed, set(standing.doubted)) == ({}, {1})
    items = stage.dynamodb.scan(TableName=stage.settings.ledger_table_name)["Items"]
    assert items
    assert ODD not in str(items)
