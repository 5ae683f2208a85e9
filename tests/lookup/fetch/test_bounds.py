"""The use case within bounds: the workspace's fields, and whatever the gate gives."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Fault, Simulator
from lookup.errors import AwsUnavailable, GateClosed, NotExported, RetryLater, VendorUnavailable
from lookup.model import LookupRequest, Source, Status
from tests.aws_answers import meets, refused
from tests.lookup.fetch.test_fetcher import NAMES, run
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage


def test_fields_not_exported_are_refused(stage: Stage, simulator: Simulator) -> None:
    """A field outside the workspace's list is refused; without fields the workspace's list is requested."""
    workspace = replace(stage.settings.workspaces["default"], fields=("u_fn",))
    services = FetchServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))
    with pytest.raises(NotExported, match="fields: holds a field that is not exported from this workspace"):
        run(services, NAMES, terms=LookupRequest("default", fields=("u_em",), lookup_id="lookup-1"))
    outcome = run(services, NAMES[:1]).outcomes[NAMES[0]]
    assert outcome.profile is None or set(outcome.profile.attributes or ()) <= {"u_fn"}
    assert simulator.counters().calls == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(room=st.integers(0, 60), grant=st.integers(1, 20), wanted=st.integers(0, 50))
def test_everything_is_answered_or_left(stage: Stage, simulator: Simulator, room: int, grant: int, wanted: int) -> None:
    """Whatever the gate grants, each identifier ends once or is left, and none is requested without a grant."""
    simulator.reset(not_found_share=0.3)
    services = FetchServices(stage)
    names = [customer(f"{uuid4().hex}-{number}") for number in range(wanted)]
    services.gate.room, services.gate.largest_grant = room, grant
    services.gate.refusal = RetryLater(services.clock() + 30)
    fetched = run(services, names)
    assert set(fetched.outcomes) <= set(names)
    assert (fetched.cause is None) == (len(fetched.outcomes) == wanted)
    assert len(fetched.outcomes) == sum(services.gate.granted) == simulator.counters().users
    assert all(one.status in {Status.FOUND, Status.NOT_FOUND} for one in fetched.outcomes.values())


def test_a_workspace_may_keep_no_profiles(stage: Stage, simulator: Simulator) -> None:
    """Without stored profiles everything is found, nothing is written to the table, and a repeat costs quota."""
    simulator.configure(not_found_share=0.0)
    workspace = replace(stage.settings.workspaces["default"], keep_profiles=False)
    services = FetchServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))
    for _ in range(2):
        fetched = run(services, NAMES[:20], max_age=3600)
        assert {(one.status, one.source) for one in fetched.outcomes.values()} == {(Status.FOUND, Source.MOENGAGE)}
    assert simulator.counters().users == 40
    assert stage.dynamodb.scan(TableName=stage.settings.profiles_table_name)["Items"] == []


def test_a_secret_that_cannot_be_read_now_closes_no_gate(stage: Stage, simulator: Simulator) -> None:
    """After a 401 with Secrets Manager throttled nobody knows whether a person must act: the work waits for AWS."""
    services = FetchServices(stage)
    run(services, NAMES[:1])
    simulator.rotate_key("unknown-to-us")
    throttled = refused(400, "ThrottlingException")
    meets(stage.secretsmanager, "secrets-manager.GetSecretValue", [throttled])
    fetched = run(services, NAMES[1:3])
    assert isinstance(fetched.cause, AwsUnavailable)
    assert (fetched.outcomes, services.gate.reports, services.gate.released) == ({}, [None], 1)


@pytest.mark.parametrize("answers", [0, 1])
def test_time_lost_to_vendor_errors_is_reported_as_such(stage: Stage, simulator: Simulator, answers: int) -> None:
    """When time runs out after a vendor error the cause is that error; after a response, the quota again."""
    services = FetchServices(stage)
    simulator.set_faults(Fault(status=503, calls=1))
    services.gate.largest_grant = 1
    services.gate.room, services.gate.refusal = 1 + answers, RetryLater(services.clock() + 30)
    fetched = run(services, NAMES[:2])
    assert len(fetched.outcomes) == answers
    assert isinstance(fetched.cause, RetryLater if answers else VendorUnavailable)


def test_a_gate_closed_by_vendor_errors_is_reported_as_closed(stage: Stage, simulator: Simulator) -> None:
    """A closed gate met after a vendor error is reported with the time until which it is closed."""
    services = FetchServices(stage)
    simulator.set_faults(Fault(status=503, calls=1))
    services.gate.room, services.gate.refusal = 2, GateClosed(services.clock() + 30, "trouble")
    assert run(services, NAMES[:2]).cause is services.gate.refusal
