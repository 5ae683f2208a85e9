"""`make webhook`: an operator sees a webhook, replaces its key without a gap, and calls a receiver again."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import boto3
import pytest

from infra.commands import webhook
from infra.stage_settings.partners import Partner, Webhook
from infra.stages import stage_named
from lookup.errors import Misconfigured
from lookup.ledger.table import LedgerTable
from lookup.ledger.webhooks import WebhookLedger
from lookup.webhooks.signature import parse_keys
from tests.infra.commands.test_gate import TEMPLATE
from tests.infra.stacks import create
from tests.infra.template import Template

URL = "https://hooks.example.com/moengage"
STAGE = replace(stage_named("dev", {}), partners={"acme": Partner(webhook=Webhook(url=URL)), "quiet": Partner()})


@pytest.fixture
def session(aws: boto3.Session, full: Template, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Deploy a stack with a ledger and with the secret of a webhook, as the stage's template has it."""
    _, properties = full.named("AWS::SecretsManager::Secret", "WebhookSecretsSecretDemo")
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Secret"] = {"Type": "AWS::SecretsManager::Secret", "Properties": properties}
    template["Outputs"]["WebhookSecretAcmeId"] = {"Value": {"Ref": "Secret"}}
    create(aws.client("cloudformation"), template)
    monkeypatch.setenv("PARTNER", "acme")
    return aws


def shown(session: boto3.Session, capsys: pytest.CaptureFixture[str]) -> str:
    assert webhook.show_or_change(session, STAGE)
    return capsys.readouterr().out.removeprefix("acme: ").strip()


def secret_of(session: boto3.Session) -> str:
    (listed,) = session.client("secretsmanager").list_secrets()["SecretList"]
    return session.client("secretsmanager").get_secret_value(SecretId=listed["ARN"])["SecretString"]


def test_keys_are_replaced_without_a_gap(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The generated key signs alone, then beside a new one, then the new one alone; no key is shown."""
    first = parse_keys(secret_of(session), setting="secret")
    assert len(first) == 1
    assert shown(session, capsys) == "called; signed with 1 key"
    monkeypatch.setenv("ACTION", "rotate")
    said = shown(session, capsys)
    both = parse_keys(secret_of(session), setting="secret")
    assert (said, both[1:]) == ("called; signed with 2 keys", first)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", json.loads(secret_of(session))["current"])
    with pytest.raises(Misconfigured, match="two keys already"):
        webhook.show_or_change(session, STAGE)
    monkeypatch.setenv("ACTION", "finish")
    assert shown(session, capsys) == "called; signed with 1 key"
    assert parse_keys(secret_of(session), setting="secret") == both[:1]


def test_a_receiver_that_answered_410_is_called_again(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disabled receiver is shown as such, and called again with ACTION=enable; one that is paused is shown, too."""
    table = LedgerTable(session.client("dynamodb"), "ledger", clock=time.time, sleep=time.sleep)
    ledger = WebhookLedger(table)
    seen = ledger.receiver("acme", URL)
    slot = ledger.acquire_slot("acme", seen)
    assert slot is not None
    ledger.record_call(slot, replace(seen, failures=3, paused_until=time.time() + 3600), disabled=True)
    assert shown(session, capsys).startswith("DISABLED since 20")
    monkeypatch.setenv("ACTION", "enable")
    assert shown(session, capsys) == "called; signed with 1 key"
    slot = ledger.acquire_slot("acme", seen)
    assert slot is not None
    ledger.record_call(slot, replace(seen, failures=3, paused_until=time.time() + 3600))
    monkeypatch.setenv("ACTION", "")
    assert re.fullmatch(r"paused until 20.* after 3 failures; signed with 1 key", shown(session, capsys))


@pytest.mark.parametrize(
    ("partner", "action", "rule"),
    [("quiet", "", "has no webhook; these have: acme"), ("", "", "has no webhook"), ("acme", "drop", "is not one of")],
)
def test_what_cannot_be_done(
    partner: str, action: str, rule: str, aws: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partner without a webhook, and an unknown action, are refused by the variable's name."""
    monkeypatch.setenv("PARTNER", partner)
    monkeypatch.setenv("ACTION", action)
    with pytest.raises(Misconfigured, match=rule):
        webhook.show_or_change(aws, STAGE)
