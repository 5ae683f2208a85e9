"""`make gate`: an operator sees a closed gate, and opens it."""

from __future__ import annotations

import time

import boto3
import pytest

from infra.commands import gate
from lookup.errors import VendorAccessDenied
from lookup.gate.limiter import WorkspaceGates, gate_client
from lookup.model import Lane
from lookup.settings import Workspace
from tests.infra.stacks import create
from tests.waiting import GIVE_UP

TEMPLATE = {
    "Resources": {
        "Ledger": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "ledger",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            },
        }
    },
    "Outputs": {"LedgerTableName": {"Value": {"Ref": "Ledger"}}},
}


@pytest.fixture
def session(aws: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Deploy a stack with a ledger, and log the operator in."""
    credentials = aws.get_credentials()
    assert credentials is not None
    assert credentials.access_key is not None
    assert credentials.secret_key is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", str(aws.region_name))
    monkeypatch.setenv("STAGE", "dev")
    create(aws.client("cloudformation"), TEMPLATE)
    return aws


def test_an_operator_sees_and_opens_a_closed_gate(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate that MoEngage's refusal closed is shown with its reason; OPEN=1 opens it."""
    workspaces = {"default": Workspace("unused")}
    closing = WorkspaceGates(gate_client(session), "ledger", workspaces, time.time, time.sleep).of("default")
    grant = closing.admit(20, lane=Lane.ON_DEMAND, wait_until=time.time() + GIVE_UP)
    closing.report(grant, VendorAccessDenied("refused", status=403))
    assert gate.main() == 0
    shown = capsys.readouterr().out
    assert shown.startswith("default: CLOSED until ")
    assert "(refused); users in the last 60 s: 20 on_demand, 0 bulk; limit 1000 of 1000" in shown
    monkeypatch.setenv("OPEN", "1")
    assert gate.main() == 0
    assert capsys.readouterr().out.splitlines()[0] == "default: opened"
    monkeypatch.delenv("OPEN")
    gate.main()
    assert capsys.readouterr().out.startswith("default: open; users in the last 60 s")


def test_one_workspace_is_named(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """WORKSPACE names one gate, an unknown one is reported by its name, and an empty one means all."""
    monkeypatch.setenv("WORKSPACE", "default")
    assert gate.main() == 0
    assert capsys.readouterr().out.startswith("default: open; ")
    monkeypatch.setenv("WORKSPACE", "elsewhere")
    assert gate.main() == 1
    assert "elsewhere" in capsys.readouterr().err
    monkeypatch.setenv("WORKSPACE", "")
    assert gate.main() == 0
    assert capsys.readouterr().out.startswith("default: open; ")


def test_a_stage_that_is_not_deployed_is_reported(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a stack the command fails and says which one is missing; an unknown stage is named."""
    monkeypatch.setenv("STAGE", "prod")
    assert gate.main() == 1
    assert "moengage-lookup-prod" in capsys.readouterr().err
    monkeypatch.setenv("STAGE", "elsewhere")
    assert gate.main() == 1
    assert "'elsewhere'" in capsys.readouterr().err
