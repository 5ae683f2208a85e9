"""Stacks that a test creates itself, for commands that look for a deployed one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.lookup.stage import Stage
from tests.waiting import GIVE_UP

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


def create(client: CloudFormationClient, template: Mapping[str, Any], name: str = "moengage-lookup-dev") -> None:
    """Create a stack, and wait until it is there."""
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": round(GIVE_UP)}
    )


def operate(stage: Stage, outputs: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Log an operator in to a stage's account, where the stack `dev` has these outputs beside the ledger's name."""
    credentials = stage.session.get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(frozen.access_key))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(frozen.secret_key))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("STAGE", "dev")
    named = {"LedgerTableName": stage.settings.ledger_table_name, **queue_outputs(stage), **outputs}
    template = {
        "Resources": {"One": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {key: {"Value": value} for key, value in named.items()},
    }
    create(stage.session.client("cloudformation", region_name="eu-central-1"), template)


def queue_outputs(stage: Stage) -> dict[str, str]:
    """Return the outputs that every stage has of its queues."""
    settings = stage.settings
    return {
        "IntakeQueueUrl": settings.intake_queue_url,
        "IntakeDeadLetterQueueUrl": settings.intake_dead_letter_queue_url,
        "PartsQueueUrl": settings.parts_queue_url,
        "PartsDeadLetterQueueUrl": settings.parts_dead_letter_queue_url,
        "ConversionQueueUrl": settings.conversion_queue_url,
        "ConversionDeadLetterQueueUrl": settings.conversion_dead_letter_queue_url or "",
    }
