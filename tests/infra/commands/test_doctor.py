"""`make doctor`: every state of a workspace is reported in one sentence with what to do, for a few users of quota."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from infra.commands import doctor
from infra.commands.doctor import advice
from infra.local.ports import free_port
from infra.local.simulator.process import WORKSPACE_ID, Fault, Simulator
from lookup.errors import VendorAccessDenied, VendorUnavailable
from lookup.gate.limiter import WorkspaceGates, gate_client
from lookup.model import Lane
from tests.lookup.conftest import stage
from tests.lookup.stage import SECRET, SECRET_ID, Stage
from tests.waiting import GIVE_UP

__all__ = ["stage"]


@pytest.fixture
def logged_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    credentials = stage.session.get_credentials()
    assert credentials is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(credentials.access_key))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(credentials.secret_key))
    return stage


def findings(stage: Stage, **changed: Any) -> list[tuple[bool, str]]:
    settings = replace(stage.settings, **changed)
    return [(one.is_passed, one.text) for one in doctor.examined(stage.session, settings, "default")]


def only_fault(stage: Stage, **changed: Any) -> str:
    (text,) = [text for is_passed, text in findings(stage, **changed) if not is_passed]
    return text


def test_all_is_passed(logged_in: Stage, simulator: Simulator) -> None:
    """Secret, address, shape, quota headers and the name of MoEngage's ids are reported, for two users of quota."""
    simulator.configure(not_found_share=1.0)
    found = findings(logged_in)
    assert [is_passed for is_passed, _ in found] == [True] * 5
    texts = " ".join(text for _, text in found)
    assert "the body's shape is the wrapper `data`" in texts
    assert "does not know the customer nobody has" in texts
    assert "quota.limit = 1000 users in 60 s" in texts
    assert "own ids are called id" in texts
    assert simulator.counters().users == 2


def test_the_identifier_may_be_named(logged_in: Stage, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """IDENTIFIER is looked up, and never shown."""
    simulator.configure(not_found_share=0.0)
    monkeypatch.setenv("IDENTIFIER", "C-1")
    texts = " ".join(text for _, text in findings(logged_in))
    assert "knows the customer that was named" in texts
    assert "C-1" not in texts


def test_the_shape_at_the_root_is_reported(logged_in: Stage, simulator: Simulator) -> None:
    """The other shape of the body is no fault: the service finds it by itself."""
    simulator.configure(workspaces={WORKSPACE_ID: {"body_shape": "root"}})
    assert (True, f"{simulator.endpoint_url} answers and takes the credentials; the body's shape is the root") in (
        findings(logged_in)
    )


def test_the_other_name_of_moengage_s_ids_is_reported(logged_in: Stage, simulator: Simulator) -> None:
    """A workspace that takes `moengage_id` only is to be configured so; finding out costs three users of quota."""
    simulator.configure(workspaces={WORKSPACE_ID: {"id_name": "moengage_id"}})
    assert "set moengage_id_name='moengage_id'" in only_fault(logged_in)
    assert simulator.counters().calls <= 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=401), "the address of the MoEngage dashboard names it"),
        (Fault(status=403), "switch it off or set fixed_egress"),
        (Fault(status=404), "data_center is wrong"),
        (Fault(status=409), "of different workspaces"),
        (Fault(status=418), "HTTP 418"),
        (Fault(status=429), "find out who else asks"),
        (Fault(status=503), "MoEngage is in trouble"),
        (Fault(body="html"), "something else answers at this address"),
        (Fault(body="fail"), "HTTP 200 without a success"),
        (Fault(drop=True), "the connection ended early"),
    ],
)
def test_each_vendor_error_is_reported_with_advice(
    logged_in: Stage, simulator: Simulator, fault: Fault, said: str
) -> None:
    """Each refusal has its sentence; the doctor's own call closes no gate."""
    simulator.set_faults(fault)
    assert said in only_fault(logged_in)
    simulator.set_faults()
    assert all(is_passed for is_passed, _ in findings(logged_in))


def test_a_wrong_key_is_a_401(logged_in: Stage, simulator: Simulator) -> None:
    """The secret's key is not the workspace's: the sentence of 401, and no secret in it."""
    logged_in.secretsmanager.put_secret_value(
        SecretId=SECRET_ID, SecretString=json.dumps(SECRET | {"data_api_key": "canary-key"})
    )
    text = only_fault(logged_in)
    assert "HTTP 401" in text
    assert "canary-key" not in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no JSON", "the secret: is not JSON"),
        (json.dumps(SECRET | {"data_center": "07"}), "data_center must be one of"),
        (json.dumps({"workspace_id": "w"}), "data_api_key must be a text"),
        (b"binary", "is binary, not text"),
    ],
)
def test_a_malformed_secret_names_its_key(
    logged_in: Stage, simulator: Simulator, value: str | bytes, said: str
) -> None:
    """What is wrong with the secret is reported, with how to put it, and MoEngage is not called."""
    kept: Any = {"SecretString" if isinstance(value, str) else "SecretBinary": value}
    logged_in.secretsmanager.put_secret_value(SecretId=SECRET_ID, **kept)
    text = only_fault(logged_in)
    assert said in text
    assert "put-secret-value" in text
    assert simulator.counters().calls == 0


def test_a_missing_secret_is_reported(logged_in: Stage) -> None:
    """A secret without a value, or none at all, is reported with how to put it."""
    logged_in.secretsmanager.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)
    assert "has no value: put it with" in only_fault(logged_in)


def test_nothing_listens(logged_in: Stage) -> None:
    """A refused connection and an unknown name have sentences of their own."""
    assert "nobody listens" in only_fault(logged_in, moengage_endpoint_url=f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (urllib3.exceptions.NameResolutionError, "look at DNS"),
        (urllib3.exceptions.SSLError, "certificate"),
        (urllib3.exceptions.ConnectTimeoutError, "a firewall"),
        (urllib3.exceptions.ReadTimeoutError, "no answer within 10 s"),
        (ssl.SSLError, "MoEngage is in trouble"),
    ],
)
def test_network_errors_are_reported(error: type[Exception], said: str) -> None:
    """Each error of urllib3 has advice by its name."""
    assert said in advice(VendorUnavailable(error.__name__ if "urllib3" in error.__module__ else "another"))
    assert "ask MoEngage with the request id" in advice(VendorAccessDenied("refused", status=418, request_id="r-1"))


def test_a_closed_gate_is_reported_and_nothing_is_requested(logged_in: Stage, simulator: Simulator) -> None:
    """The doctor calls through the gate: while it is closed it reports that and how to open it."""
    settings = logged_in.settings
    gates = WorkspaceGates(
        gate_client(logged_in.session), settings.ledger_table_name, settings.workspaces, time.time, time.sleep
    )
    gate = gates.of("default")
    gate.report(
        gate.admit(1, lane=Lane.ON_DEMAND, wait_until=time.time() + GIVE_UP), VendorAccessDenied("refused", status=403)
    )
    assert "the gate is closed (refused)" in only_fault(logged_in)
    assert simulator.counters().calls == 0


def test_a_stage_that_is_not_deployed_is_reported(
    logged_in: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a stack the command fails and says which one is missing; an unknown stage is named."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("STAGE", "prod")
    assert doctor.main() == 1
    assert "moengage-lookup-prod" in capsys.readouterr().err
    monkeypatch.setenv("STAGE", "elsewhere")
    assert doctor.main() == 1
    assert "'elsewhere'" in capsys.readouterr().err
