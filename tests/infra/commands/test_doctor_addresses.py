"""`make doctor` calls from the operator's machine: it reports that, and what MoEngage's allow-list has to hold."""

from __future__ import annotations

import io
import json
import time
import zipfile

import pytest

from infra.commands import doctor
from infra.commands.doctor import NO_ID, WorkspaceCheck, origin
from infra.local.simulator.process import Fault, Simulator
from lookup.fetch.neutral_calls import NEUTRAL_ID
from lookup.gate.limiter import WorkspaceGates, gate_client
from lookup.model import Lane
from lookup.moengage.credential_store import parse_secret
from tests.infra.commands.test_doctor import findings, logged_in, only_fault
from tests.infra.stacks import create
from tests.lookup.conftest import stage
from tests.lookup.stage import SECRET, SECRET_ID, Stage
from tests.waiting import GIVE_UP

__all__ = ["logged_in", "stage"]
ADDRESS = "203.0.113.7"


def test_the_functions_fixed_address_is_reported() -> None:
    """A stage with an address of its own names it, whatever MoEngage says to this machine."""
    finding = origin(ADDRESS)
    assert finding.is_passed
    assert f"they call from {ADDRESS}, which a list of allowed addresses at MoEngage must hold" in finding.text


def test_changing_addresses_are_reported() -> None:
    """A stage without one says that no list of allowed addresses can hold where its functions call from."""
    assert "without fixed_egress no list of allowed addresses at MoEngage can hold theirs" in origin(None).text


def test_the_command_reads_the_address_from_the_stack(
    logged_in: Stage, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output `EgressAddress` of the deployed stack is shown first, and again beside a 403."""
    _deploy(logged_in)
    monkeypatch.setenv("STAGE", "dev")
    monkeypatch.setenv("AWS_DEFAULT_REGION", str(logged_in.session.region_name))
    simulator.set_faults(Fault(status=403))
    assert doctor.main() == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("dev: ok  asked from this machine")
    assert ADDRESS in first
    assert last.startswith("default: NOT ")
    assert f"must hold {ADDRESS}" in last
    simulator.set_faults()
    assert doctor.main() == 0


def _deploy(stage: Stage) -> None:
    """Make what the command reads of a stage: outputs, and the environment of a function."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("on_queue.py", "")
    stage.session.client("lambda").create_function(
        FunctionName="on-queue",
        Runtime="python3.13",
        Handler="on_queue.handler",
        Role="arn:aws:iam::123456789012:role/any",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": stage.settings.to_environment()},
    )
    outputs = {"OnQueueFunctionName": {"Value": "on-queue"}, "EgressAddress": {"Value": ADDRESS}}
    template = {"Resources": {"Any": {"Type": "AWS::SQS::Queue"}}, "Outputs": outputs}
    create(stage.session.client("cloudformation"), template)


def test_a_403_tells_what_the_list_must_hold(logged_in: Stage, simulator: Simulator) -> None:
    """With a fixed address a 403 names it, this machine's beside it, and the metric of the functions' refusals."""
    simulator.set_faults(Fault(status=403))
    (text,) = [
        one.text
        for one in doctor.examined(logged_in.session, logged_in.settings, "default", ADDRESS)
        if not one.is_passed
    ]
    assert f"must hold {ADDRESS}, where the functions call from, and for this command this machine's" in text
    assert "Metric VendorRefused tells whether the functions are refused" in text
    assert "set fixed_egress" not in text


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=400, identifiers=(NO_ID,)), "MoEngage takes neither id nor moengage_id: ask only for customer"),
        (Fault(status=503, identifiers=(NO_ID,)), "asked for one of MoEngage's own ids: HTTP 503"),
        (Fault(status=400, identifiers=(NEUTRAL_ID,)), "report this as a defect"),
    ],
)
def test_what_is_refused_of_one_kind_of_identifier_is_reported(
    logged_in: Stage, simulator: Simulator, fault: Fault, said: str
) -> None:
    """A fault of only MoEngage's own ids, or of customers in either shape of the body, has its sentence."""
    simulator.set_faults(fault)
    assert said in only_fault(logged_in)


def test_a_secret_that_may_not_be_read_is_reported(logged_in: Stage) -> None:
    """A secret that is marked for deletion is there, but not readable: AWS's code is shown."""
    logged_in.secretsmanager.delete_secret(SecretId=SECRET_ID, RecoveryWindowInDays=7)
    assert "cannot be read (InvalidRequestException)" in only_fault(logged_in)


def test_a_quota_without_room_is_reported(logged_in: Stage, simulator: Simulator) -> None:
    """While others use the whole quota, the doctor does not call and advises to try later."""
    settings = logged_in.settings
    gate = WorkspaceGates(
        gate_client(logged_in.session), settings.ledger_table_name, settings.workspaces, time.time, time.sleep
    ).of("default")
    for _ in range(50):
        gate.admit(20, lane=Lane.ON_DEMAND, wait_until=time.time() + GIVE_UP)
    credentials = parse_secret(json.dumps(SECRET), setting="the secret")
    workspace = settings.workspaces["default"]
    check = WorkspaceCheck(workspace, credentials, gate, settings.moengage_endpoint_url, time.time, grant_seconds=0.2)
    (finding,) = check.findings(NEUTRAL_ID)
    assert not finding.is_passed
    assert "the quota leaves no room within 0.2 s: try again when less is going on" in finding.text
    assert simulator.counters().calls == 0


def test_a_missed_customer_is_no_fault(logged_in: Stage, simulator: Simulator) -> None:
    """A customer whom MoEngage does not know is an answer: nothing is to be mended."""
    simulator.configure(not_found_share=1.0)
    assert all(is_passed for is_passed, _ in findings(logged_in))
