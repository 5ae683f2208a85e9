"""A firewall that does not like one identifier closes no gate; a refused account closes it, for everybody and soon."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.errors import GateClosed, RetryLater
from lookup.fetch.fetcher import Fetched
from lookup.fetch.neutral_calls import INTERVAL, NEUTRAL_ID, SharedCalls
from lookup.fetch.vendor_access import CallRecord
from lookup.gate.limiter import WorkspaceGates
from lookup.ledger.parts import DeliveredPart
from lookup.ledger.table import LedgerTable
from lookup.model import Identifier, Lane, LookupRequest
from tests.lookup.bulk.test_processor import part
from tests.lookup.services import FakeClock, FakeGate, FetchServices, customer, outcomes_of, retry_at
from tests.lookup.stage import Stage

LATENCY = 0.2  # seconds that a call takes
ODD = "' OR 1=1--<script>"
FIREWALL = Fault(status=403, body="html", identifiers=(ODD,))
TWENTY = [customer(f"user-{number}") for number in range(20)]


class RealGate(FetchServices):
    """Services whose gate is the real one."""

    def __init__(self, stage: Stage, clock: FakeClock | None = None) -> None:
        super().__init__(stage, clock)
        facts = self.settings
        gates = WorkspaceGates(self.dynamodb, facts.ledger_table_name, facts.workspaces, self.clock, self.clock.sleep)
        self.own_gate = gates.of("default")
        self.calls = SharedCalls(self.table, "default")
        self.vendor = replace(self.vendor, gate=self.own_gate, neutral_calls=self.calls, on_call=self._pass_time)

    def _pass_time(self, _: CallRecord) -> None:
        self.clock.now += LATENCY

    def closed_reason(self) -> str | None:
        return self.own_gate.state().closed_reason


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> RealGate:
    simulator.configure(not_found_share=0.0)
    clock = FakeClock()

    def in_our_time(response_dict: dict[str, Any], **_: object) -> None:
        response_dict["headers"]["date"] = formatdate(clock.now, usegmt=True)  # the gate looks at it

    stage.dynamodb.meta.events.register("before-parse.dynamodb", in_our_time)
    return RealGate(stage, clock)


def run(
    services: FetchServices, names: list[Identifier], *, lane: Lane = Lane.ON_DEMAND, patience: float = 60.0
) -> Fetched:
    terms = LookupRequest("default", lookup_id="lookup-1", lane=lane)
    return services.fetch.fetch(dict.fromkeys(names, services.clock()), terms, until=services.clock() + patience)


def by_name(fetched: Fetched) -> dict[str, str]:
    return {one.identifier: outcome.reason or outcome.status.value for one, outcome in fetched.outcomes.items()}


def neutral_calls(simulator: Simulator) -> int:
    return sum((call.identifiers or ((), ()))[0][1:] == (NEUTRAL_ID,) for call in simulator.arrivals())


@pytest.mark.parametrize(
    ("status", "place"),
    [(403, 0), (403, 2), *((status, 1) for status in (403, 401, 409, 400, 415, 404, 406, 418, 302, 451))],
)
def test_one_odd_identifier_of_three(services: RealGate, simulator: Simulator, status: int, place: int) -> None:
    """Whatever the firewall's status, that one fails, the others are found, and the gate stays open."""
    simulator.set_faults(replace(FIREWALL, status=status))
    names = ["C-9001", "C-9003"]
    names.insert(place, ODD)
    fetched = run(services, [customer(name) for name in names])
    assert by_name(fetched) == {"C-9001": "found", ODD: "refused_by_vendor", "C-9003": "found"}
    assert (fetched.cause, services.closed_reason()) == (None, None)
    assert neutral_calls(simulator) == (2 if place == 2 else 1)  # no neutral call follows the last payload
    assert simulator.counters().calls <= 7


def test_few_calls_for_one_of_twenty(services: RealGate, simulator: Simulator) -> None:
    """Finding one odd identifier among twenty takes about two calls for each halving, each granted."""
    simulator.set_faults(FIREWALL)
    names = [*TWENTY[:13], customer(ODD), *TWENTY[13:19]]
    assert by_name(run(services, names))[ODD] == "refused_by_vendor"
    assert simulator.counters().calls <= 12
    assert sum(services.own_gate.state().granted.values()) == simulator.counters().users <= 60
    assert services.closed_reason() is None


def test_documented_refusals_close_at_once(services: RealGate, simulator: Simulator) -> None:
    """MoEngage's documented account errors need no neutral call, whichever identifiers were requested."""
    simulator.set_faults(replace(FIREWALL, body="json"))
    fetched = run(services, [customer(ODD)])
    assert isinstance(fetched.cause, GateClosed)
    assert (services.closed_reason(), neutral_calls(simulator), simulator.counters().calls) == ("refused", 0, 1)


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "refused"), (404, "refused"), (302, "refused"), (401, "credentials")]
)
def test_a_refused_account_closes_the_gate(services: RealGate, simulator: Simulator, status: int, reason: str) -> None:
    """When the neutral call is refused too it is the account: the gate closes, and nobody fails or is doubted."""
    simulator.set_faults(Fault(status=status, body="html"))
    fetched = run(services, TWENTY)
    assert isinstance(fetched.cause, GateClosed)
    assert (fetched.outcomes, fetched.doubted, services.closed_reason()) == ({}, frozenset(), reason)
    assert simulator.counters().calls == 2


def test_a_block_that_begins_in_the_middle(services: RealGate, simulator: Simulator) -> None:
    """An account that is blocked while one is searched for fails nobody, and closes the gate within seconds."""
    simulator.set_faults(FIREWALL)
    run(services, [customer(ODD), *TWENTY[:4]])
    simulator.set_faults(Fault(status=403, body="html"))
    fetched = run(services, TWENTY[4:])
    assert (fetched.outcomes, services.closed_reason()) == ({}, "refused")
    assert isinstance(fetched.cause, GateClosed)
    assert simulator.counters().calls < 30


def test_an_odd_identifier_keeps_no_gate_closed(services: RealGate, simulator: Simulator) -> None:
    """When the probe of a closed gate holds an odd identifier, the gate still opens."""
    simulator.set_faults(Fault(status=403))
    run(services, TWENTY[:1])
    assert services.closed_reason() == "refused"
    services.clock.now += 15 * 60 + 1
    simulator.set_faults(FIREWALL)
    services.own_gate.probe_now("refused")
    fetched = run(services, [customer(ODD)])
    assert (by_name(fetched), services.closed_reason()) == ({ODD: "refused_by_vendor"}, None)


def test_the_gate_stays_closed_for_an_odd_probe_of_a_refused_account(services: RealGate, simulator: Simulator) -> None:
    """When the neutral call after an odd probe is refused, the gate closes again."""
    simulator.set_faults(Fault(status=403))
    run(services, TWENTY[:1])
    simulator.set_faults(Fault(status=403, body="html"))
    services.own_gate.probe_now("refused")
    assert isinstance(run(services, [customer(ODD)]).cause, GateClosed)
    assert services.closed_reason() == "refused"


def test_neutral_calls_are_shared(services: RealGate, simulator: Simulator) -> None:
    """Odd identifiers from many processes cost one neutral call in two seconds, and one user each."""
    simulator.set_faults(Fault(status=403, body="html", identifiers=tuple(f"odd-{number}" for number in range(40))))
    others = [RealGate(services.stage, services.clock) for _ in range(3)]
    started = services.clock()
    for number in range(40):
        fetched = run((services, *others)[number % 4], [customer(f"odd-{number}")])
        assert set(by_name(fetched).values()) == {"refused_by_vendor"}
    took = services.clock() - started
    assert neutral_calls(simulator) <= took / INTERVAL + 1
    assert simulator.counters().users == 40 + neutral_calls(simulator)
    assert services.closed_reason() is None


def test_a_caller_without_time_does_not_wait_for_it(services: RealGate, simulator: Simulator) -> None:
    """Who has less time than the next neutral call takes gets the work back, and nobody fails."""
    simulator.set_faults(FIREWALL)
    run(services, [customer(ODD)])
    fetched = run(services, [customer(ODD)], patience=0.4)
    assert fetched.outcomes == {}
    assert fetched.cause is not None
    assert (fetched.doubted, services.closed_reason()) == (frozenset([customer(ODD)]), None)


def test_it_counts_as_an_attempt(services: RealGate, simulator: Simulator) -> None:
    """A part whose content is doubted when its time ends has had an attempt, so it does not come back for ever."""
    simulator.set_faults(FIREWALL)
    run(services, [customer(ODD)])
    work = DeliveredPart(part(services, "message-1", [ODD]))
    (completion,) = services.parts.process([work], until=services.clock() + 0.4)
    assert retry_at(completion) is not None
    assert services.part_ledger.status_of(work.part).attempts == 1
    (completion,) = services.parts.process([replace(work, redelivered=True)], until=services.clock() + 60)
    assert [one.reason for one in outcomes_of(completion)] == ["refused_by_vendor"]


def test_a_quota_that_ends_in_the_middle_is_no_attempt(services: RealGate, simulator: Simulator) -> None:
    """While one is searched for the quota may end, as often as it likes: throttled is never failed."""
    gate = FakeGate(services.clock, room=21, refusal=RetryLater(services.clock() + 30))
    services.vendor = replace(services.vendor, gate=gate)
    simulator.set_faults(FIREWALL)
    names = [ODD, *(f"user-{number}" for number in range(40))]
    for _ in range(6):
        gate.granted.clear()
        work = DeliveredPart(part(services, "message-1", names), redelivered=True)
        (completion,) = services.parts.process([work], until=services.clock() + 60)
        assert retry_at(completion) is not None
        assert services.part_ledger.status_of(work.part).attempts == 0


def test_a_refused_account_is_no_attempt(services: RealGate, simulator: Simulator) -> None:
    """A part that waits for a refused account has had none, however often it comes back."""
    simulator.set_faults(Fault(status=403, body="html"))
    work = DeliveredPart(part(services, "message-1", ["user-1", "user-2"]), redelivered=True)
    for _ in range(3):
        services.parts.process([work], until=services.clock() + 60)
        services.own_gate.probe_now("refused")
        services.clock.now += INTERVAL
    assert services.part_ledger.status_of(work.part).attempts == 0


@pytest.mark.parametrize("ahead", [0.0, 3600.0])
def test_one_of_many_claims(stage: Stage, ahead: float) -> None:
    """Of all who claim the neutral call in two seconds one gets it; a claim of a clock that was wrong binds nobody."""
    clock = FakeClock()
    table = LedgerTable(stage.dynamodb, stage.settings.ledger_table_name, clock=clock, sleep=clock.sleep)
    calls = [SharedCalls(table, "default") for _ in range(4)]
    if ahead:
        assert calls[0].claim(clock.now + ahead)
    assert [one.claim(clock.now) for one in calls] == [True, False, False, False]
    assert not calls[0].claim(clock.now + INTERVAL - 0.1)
    assert calls[0].claim(clock.now + INTERVAL)
    assert calls[0].answered_at() == 0.0
    calls[0].record_success(clock.now + 0.25)
    assert calls[1].answered_at() == clock.now + 0.25
    assert SharedCalls(table, "other").answered_at() == 0.0
