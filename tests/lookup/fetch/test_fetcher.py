"""Fetching over the real simulator and stores: stored profiles are free, calls are full, errors are handled."""

from __future__ import annotations

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.errors import RetryLater, UnknownWorkspace, VendorAccessDenied, VendorUnavailable
from lookup.fetch.fetcher import Fetched
from lookup.fetch.neutral_calls import NEUTRAL_ID
from lookup.model import Identifier, IdentifierType, LookupRequest, Source
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

TERMS = LookupRequest("default", lookup_id="lookup-1")
NAMES = [customer(f"user-{number}") for number in range(50)]


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> FetchServices:
    simulator.configure(not_found_share=0.0)
    return FetchServices(stage)


def run(
    services: FetchServices, names: list[Identifier], *, max_age: float = 0.0, terms: LookupRequest = TERMS
) -> Fetched:
    now = services.clock()
    return services.fetch.fetch(dict.fromkeys(names, now - max_age), terms, until=now + 60)


def statuses(fetched: Fetched) -> dict[str, int]:
    counts: dict[str, int] = {}
    for outcome in fetched.outcomes.values():
        key = outcome.reason or outcome.status.value
        counts[key] = counts.get(key, 0) + 1
    return counts


def test_fifty_users_cost_three_calls(services: FetchServices, simulator: Simulator) -> None:
    """Identifiers are packed into payloads of at most 20, and each payload has a grant of its own."""
    assert statuses(run(services, NAMES)) == {"found": 50}
    assert services.gate.granted == [20, 20, 10]
    assert simulator.counters().users == 50


def test_a_smaller_grant_is_filled(services: FetchServices, simulator: Simulator) -> None:
    """When the gate grants fewer than requested, the payload holds just those."""
    services.gate.largest_grant = 13
    assert statuses(run(services, NAMES)) == {"found": 50}
    assert services.gate.granted == [13, 13, 13, 11]
    assert simulator.counters().calls == 4


def test_a_fresh_profile_costs_nothing(services: FetchServices) -> None:
    """A stored profile within its maximum age is answered from the store; an older one is fetched again."""
    run(services, NAMES[:5])
    services.clock.now += 100
    assert {one.source for one in run(services, NAMES[:5], max_age=100).outcomes.values()} == {Source.STORED}
    assert {one.source for one in run(services, NAMES[:5], max_age=99).outcomes.values()} == {Source.MOENGAGE}


def test_fewer_fields_do_not_answer_more(services: FetchServices) -> None:
    """A stored profile answers only the fields that were fetched, and returns only those requested."""
    some = LookupRequest("default", fields=("u_fn", "u_ln"), lookup_id="lookup-1")
    one = LookupRequest("default", fields=("u_fn",), lookup_id="lookup-2")
    outcome = run(services, NAMES[:1], terms=some).outcomes[NAMES[0]]
    assert outcome.profile is not None
    assert set(outcome.profile.attributes or ()) <= {"u_fn", "u_ln"}
    stored = run(services, NAMES[:1], max_age=60, terms=one).outcomes[NAMES[0]]
    assert stored.source is Source.STORED
    assert stored.profile is not None
    assert set(stored.profile.attributes or ()) <= {"u_fn"}
    assert run(services, NAMES[:1], max_age=60).outcomes[NAMES[0]].source is Source.MOENGAGE


def test_a_missing_user_is_stored_and_found_later(services: FetchServices, simulator: Simulator) -> None:
    """A user that MoEngage does not know is an outcome of its own, kept like a profile."""
    simulator.set_user("user-0", None)
    assert statuses(run(services, NAMES[:2])) == {"not_found": 1, "found": 1}
    assert run(services, NAMES[:1], max_age=60).outcomes[NAMES[0]].source is Source.STORED
    simulator.set_user("user-0", {"customer_id": "user-0", "name": "Zoë"})
    services.clock.now += 1
    assert statuses(run(services, NAMES[:1])) == {"found": 1}


def test_one_user_by_two_names(services: FetchServices, simulator: Simulator) -> None:
    """Two identifiers of one user both find that user."""
    simulator.set_user("user-0", {"customer_id": "user-0", "id": "62e7a1b2c3d4e5f601234567"})
    both = [NAMES[0], Identifier(IdentifierType.ID, "62e7a1b2c3d4e5f601234567")]
    simulator.set_user(
        "62e7a1b2c3d4e5f601234567", {"customer_id": "user-0", "id": "62e7a1b2c3d4e5f601234567"}, identifier_type="id"
    )
    assert statuses(run(services, both)) == {"found": 2}


def test_unaccounted_is_retried_once_alone_then_failed(services: FetchServices, simulator: Simulator) -> None:
    """An identifier in neither list is retried once alone, and is failed, never not found, if it stays so."""
    simulator.set_faults(Fault(distortions=("unaccounted",), identifiers=("user-3",)))
    assert statuses(run(services, NAMES[:10])) == {"found": 9, "unaccounted": 1}
    assert services.gate.granted == [10, 1]


def test_too_large_payloads_are_split(services: FetchServices, simulator: Simulator) -> None:
    """A payload refused as too large is split in halves, until it is accepted."""
    simulator.set_faults(Fault(status=413, calls=2))
    assert statuses(run(services, NAMES[:20])) == {"found": 20}
    assert services.gate.granted == [20, 10, 5, 5, 5, 5]


def test_too_large_alone_is_failed(services: FetchServices, simulator: Simulator) -> None:
    """A single identifier that is too large to request is failed, and the others are fetched."""
    simulator.set_faults(Fault(status=413, calls=2))
    assert statuses(run(services, NAMES[:3])) == {"too_large": 1, "found": 2}


def test_vendor_errors_are_retried_with_growing_pauses(services: FetchServices, simulator: Simulator) -> None:
    """Two vendor errors are retried with growing pauses, each retry with a grant of its own."""
    simulator.set_faults(Fault(status=503, calls=2))
    assert statuses(run(services, NAMES[:3])) == {"found": 3}
    assert services.gate.granted == [3, 3, 3]
    assert len(services.clock.slept) == 2
    assert 0.5 <= services.clock.slept[0] <= 1.0 <= services.clock.slept[1] <= 2.0
    assert services.gate.reports == ["vendor_trouble", "vendor_trouble", None]


def test_lasting_vendor_errors_return_the_rest(services: FetchServices, simulator: Simulator) -> None:
    """Responses before a lasting error are kept; the rest has no outcome, and the cause is reported."""
    simulator.set_faults(Fault(status=503, identifiers=("user-20", NEUTRAL_ID)))
    fetched = run(services, NAMES[:40])
    assert statuses(fetched) == {"found": 20}
    assert isinstance(fetched.cause, VendorUnavailable)


def test_rejected_is_never_retried(services: FetchServices, simulator: Simulator) -> None:
    """A request that the vendor cannot parse is failed at once; other payloads are still sent."""
    simulator.set_faults(Fault(status=415, calls=1))
    assert statuses(run(services, NAMES[:25])) == {"rejected": 20, "found": 5}


def test_a_grant_that_comes_after_the_callers_time(services: FetchServices, simulator: Simulator) -> None:
    """A caller that gets its grant after its deadline releases the grant, returns the work and makes no call."""
    services.gate.takes = 1000.0
    fetched = run(services, NAMES[:3])
    assert isinstance(fetched.cause, RetryLater)
    assert (fetched.outcomes, fetched.cause.reason) == ({}, "out_of_time")
    assert (services.gate.released, simulator.counters().calls) == (1, 0)


def test_a_grant_whose_call_would_leave_too_late(services: FetchServices, simulator: Simulator) -> None:
    """Work between grant and call may outlast the grant: it is released unused, and another is requested."""
    delays = [1.0, 0.1]

    def note_attempts(_: object) -> None:
        services.clock.now += delays.pop(0)

    wanted, until = dict.fromkeys(NAMES[:3], services.clock()), services.clock() + 60
    fetched = services.fetch.fetch(wanted, TERMS, until=until, before_sending=note_attempts)
    assert statuses(fetched) == {"found": 3}
    assert (services.gate.granted, services.gate.released, simulator.counters().users) == ([3, 3], 1, 3)


def test_a_rotated_key_is_read_again(services: FetchServices, simulator: Simulator) -> None:
    """After 401 the secret is read again, and a new key goes on within the same run."""
    run(services, NAMES[:1])
    simulator.rotate_key("rotated-key")
    secret = '{"workspace_id": "SIMULATED_WORKSPACE", "data_api_key": "rotated-key", "data_center": "01"}'
    services.stage.secretsmanager.put_secret_value(
        SecretId=services.stage.settings.workspaces["default"].secret_id, SecretString=secret
    )
    services.clock.now += 1
    assert statuses(run(services, NAMES[:3])) == {"found": 3}
    assert (services.gate.reports, services.gate.released) == ([None, None], 1)


def test_the_same_key_after_401_is_reported(services: FetchServices, simulator: Simulator) -> None:
    """When the secret still holds the refused key, the gate is notified and closes."""
    simulator.rotate_key("unknown-to-us")
    services.gate.refusal = RetryLater(services.clock() + 300, "credentials")
    services.gate.room = 1
    fetched = run(services, NAMES[:3])
    assert (fetched.outcomes, services.gate.reports) == ({}, ["key_rejected"])


@pytest.mark.parametrize(("status", "calls"), [(403, 1), (409, 1), (404, 2), (451, 2), (302, 2)])
def test_refusals_close_the_gate(services: FetchServices, simulator: Simulator, status: int, calls: int) -> None:
    """A refusal that a person must mend is reported to the gate once, a neutral call later if it is undocumented."""
    simulator.set_faults(Fault(status=status))
    fetched = run(services, NAMES)
    assert isinstance(fetched.cause, VendorAccessDenied)
    assert (simulator.counters().calls, services.gate.reports) == (calls, ["refused"])


def test_unrequested_users_are_kept(services: FetchServices, simulator: Simulator) -> None:
    """A returned user that was not requested is kept beside the results and changes no outcome."""
    simulator.set_faults(Fault(distortions=("unasked",), calls=1))
    assert statuses(run(services, NAMES[:2])) == {"found": 2}
    assert len(services.stage.keys("unmatched/workspace=default/")) == 1


def test_unknown_workspaces_and_fields_cost_nothing(services: FetchServices, simulator: Simulator) -> None:
    """An unknown workspace is refused before anything is requested or charged."""
    with pytest.raises(UnknownWorkspace):
        run(services, NAMES, terms=LookupRequest("elsewhere", lookup_id="lookup-1"))
    assert (services.gate.granted, simulator.counters().calls) == ([], 0)
