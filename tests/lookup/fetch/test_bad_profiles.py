"""One unreadable profile fails alone, for few calls; an error of MoEngage's fails no identifier."""

from __future__ import annotations

import math
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Fault, Simulator
from lookup.errors import VendorUnavailable
from lookup.fetch.fetcher import Fetched
from lookup.model import Identifier, LookupRequest
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

THREE = [customer(f"C-900{number}") for number in (1, 2, 3)]
TWENTY = [customer(f"user-{number}") for number in range(20)]
SPOILT = [("not_a_number", 1), ("absurd_number", 1), ("no_attributes", 2), ("cut_profile", 5)]


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> FetchServices:
    simulator.configure(not_found_share=0.0)
    return FetchServices(stage)


def run(services: FetchServices, names: list[Identifier]) -> Fetched:
    terms = LookupRequest("default", lookup_id="lookup-1")
    return services.fetch.fetch(dict.fromkeys(names, services.clock()), terms, until=services.clock() + 60)


def outcomes(fetched: Fetched) -> list[str]:
    return [one.reason or one.status.value for one in fetched.outcomes.values()]


def by_name(fetched: Fetched) -> dict[str, str]:
    return {one.identifier: outcome.reason or outcome.status.value for one, outcome in fetched.outcomes.items()}


@pytest.mark.parametrize(("kind", "calls"), SPOILT)
def test_one_bad_profile_of_three(services: FetchServices, simulator: Simulator, kind: str, calls: int) -> None:
    """Its neighbours are found and it fails with a reason, after few calls that each had a grant."""
    simulator.set_faults(Fault(distortions=(kind,), identifiers=("C-9002",)))  # type: ignore[arg-type]  # a distortion
    fetched = run(services, THREE)
    assert by_name(fetched) == {"C-9001": "found", "C-9002": "unreadable", "C-9003": "found"}
    counters = simulator.counters()
    assert (fetched.cause, counters.calls, len(services.gate.granted)) == (None, calls, calls)
    assert counters.users == sum(services.gate.granted)
    assert set(services.gate.reports) == {None}


@pytest.mark.parametrize("bad", [0, 7, 10, 19])
@pytest.mark.parametrize("kind", ["cut_profile", "no_attributes"])
def test_one_bad_profile_of_twenty(services: FetchServices, simulator: Simulator, bad: int, kind: str) -> None:
    """Wherever it is in its payload, finding it takes about two calls for each halving, and three times the users."""
    simulator.set_faults(Fault(distortions=(kind,), identifiers=(f"user-{bad}",)))  # type: ignore[arg-type]  # a distortion
    fetched = run(services, TWENTY)
    assert by_name(fetched) == {f"user-{n}": "unreadable" if n == bad else "found" for n in range(20)}
    counters = simulator.counters()
    assert counters.calls <= 2 * math.ceil(math.log2(20)) + 2
    assert counters.users <= 60


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.sets(st.integers(0, 39)), grant=st.integers(1, 20))
def test_any_number_of_bad_profiles(stage: Stage, simulator: Simulator, bad: set[int], grant: int) -> None:
    """However many are bad, just they fail, within three calls and three times the users of each."""
    simulator.reset(not_found_share=0.0)
    services = FetchServices(stage)
    services.gate.largest_grant = grant
    names = [f"{uuid4().hex}-{number}" for number in range(40)]  # the store remembers those of other examples
    if bad:
        simulator.set_faults(Fault(distortions=("cut_profile",), identifiers=tuple(names[number] for number in bad)))
    fetched = run(services, [customer(name) for name in names])
    assert fetched.cause is None
    assert by_name(fetched) == {name: "unreadable" if n in bad else "found" for n, name in enumerate(names)}
    counters = simulator.counters()
    assert counters.users <= 3 * 40 + 10
    assert counters.calls <= 3 * 40
    assert counters.users == sum(services.gate.granted)


def test_all_bad(services: FetchServices, simulator: Simulator) -> None:
    """A hundred bad ones cost less than two calls and users each."""
    simulator.set_faults(Fault(status=403, body="html", identifiers=tuple(f"bad-{n}" for n in range(100))))
    fetched = run(services, [customer(f"bad-{number}") for number in range(100)])
    assert set(outcomes(fetched)) == {"refused_by_vendor"}
    assert (len(fetched.outcomes), fetched.cause) == (100, None)
    assert simulator.counters().users < 200
    assert simulator.counters().calls < 150


def test_a_bad_profile_requested_alone(services: FetchServices, simulator: Simulator) -> None:
    """Requested alone, it fails only after two requests and a response of MoEngage's for another user."""
    simulator.set_faults(Fault(distortions=("cut_profile",), identifiers=("C-9002",)))
    assert outcomes(run(services, [THREE[1]])) == ["unreadable"]
    asked = [[text for _, text in call.identifiers or ()] for call in simulator.arrivals()]
    assert asked == [["C-9002"], ["moengage-lookup-doctor"], ["C-9002"]]
    assert simulator.arrivals()[1].fields is None


@pytest.mark.parametrize("body", ["truncated", "html", "empty", "fail"])
@pytest.mark.parametrize("size", [1, 20])
def test_every_answer_broken(services: FetchServices, simulator: Simulator, body: str, size: int) -> None:
    """When no call succeeds it is an error of MoEngage's: no identifier fails, and the gate is notified."""
    simulator.set_faults(Fault(body=body))  # type: ignore[arg-type]  # a body
    fetched = run(services, TWENTY[:size])
    assert (fetched.outcomes, fetched.doubted) == ({}, frozenset())
    assert isinstance(fetched.cause, VendorUnavailable)
    assert "broken_body" in services.gate.reports or "not_a_success" in services.gate.reports
    assert simulator.counters().calls <= 6


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_answers_broken_for_a_while(services: FetchServices, simulator: Simulator, calls: int) -> None:
    """An accident of a call or three fails nobody."""
    simulator.set_faults(Fault(body="truncated", calls=calls))
    fetched = run(services, TWENTY)
    assert set(outcomes(fetched)) == {"found"}
    assert (len(fetched.outcomes), fetched.cause) == (20, None)


def test_received_profiles_are_not_requested_again(services: FetchServices, simulator: Simulator) -> None:
    """When the time ends in the middle of the search, the next run requests only the remaining identifiers."""
    simulator.set_faults(Fault(distortions=("cut_profile",), identifiers=("user-0",)))
    stop = iter(range(8))
    terms = LookupRequest("default", lookup_id="lookup-1")
    oldest = services.clock()

    def out_of_time(_: object) -> None:
        if next(stop) == 6:
            services.clock.now += 1000

    wanted = dict.fromkeys(TWENTY, oldest)
    first = services.fetch.fetch(wanted, terms, until=services.clock() + 60, before_sending=out_of_time)
    assert first.cause is not None
    assert 0 < len(first.outcomes) < 20
    assert not first.doubted & set(first.outcomes)
    before = simulator.counters().users
    second = services.fetch.fetch(wanted, terms, until=services.clock() + 60)
    assert len(second.outcomes) == 20
    asked = {text for call in simulator.arrivals()[-8:] for _, text in call.identifiers or ()}
    found_before = {one.identifier for one, outcome in first.outcomes.items() if outcome.status.value == "found"}
    assert found_before
    assert not found_before & asked
    assert simulator.counters().users - before <= 60


def test_a_number_of_many_digits_is_found_exactly(services: FetchServices, simulator: Simulator) -> None:
    """Four hundred digits are no reason to fail, and all of them are kept."""
    number = int("7" * 400)
    simulator.set_user("C-9002", {"customer_id": "C-9002", "long": number})
    profile = run(services, THREE).outcomes[THREE[1]].profile
    assert profile is not None
    assert (profile.attributes or {})["long"] == number


def test_a_whole_number_with_a_point_is_the_identifier(services: FetchServices, simulator: Simulator) -> None:
    """A request for 12345 finds the user whose customer id is returned as 12345.0."""
    simulator.set_faults(Fault(distortions=("float_id",), identifiers=("12345",)))
    assert by_name(run(services, [customer("12345"), customer("12346")])) == {"12345": "found", "12346": "found"}
    assert simulator.counters().calls == 1


@pytest.mark.parametrize("interim", [(103,), (100,), (102, 103), (100, 100)])
def test_an_answer_before_the_answer(services: FetchServices, simulator: Simulator, interim: tuple[int, ...]) -> None:
    """An interim answer changes nothing."""
    simulator.set_faults(Fault(interim=interim))
    assert outcomes(run(services, THREE)) == ["found"] * 3
    assert outcomes(run(services, TWENTY)) == ["found"] * 20


@pytest.mark.parametrize("drip", ["headers", "body"])
def test_a_trickling_response_is_a_vendor_error(services: FetchServices, simulator: Simulator, drip: str) -> None:
    """A call whose response trickles in ends at its deadline, counts as a vendor error, and the next one is made."""
    simulator.set_faults(Fault(drip=drip, drip_pause=0.1, calls=1))  # type: ignore[arg-type]  # a drip
    client = services.vendor.client
    client._max_seconds = 0.5  # noqa: SLF001 - a call may take 12 s, which no test shall
    assert outcomes(run(services, THREE)) == ["found"] * 3
    assert services.gate.reports == ["ReadTimeoutError", None]
