"""Stacks that a test creates itself, for commands that look for a deployed one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.waiting import GIVE_UP

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


def create(client: CloudFormationClient, template: Mapping[str, Any], name: str = "moengage-lookup-dev") -> None:
    """Create a stack, and wait until it is there."""
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": round(GIVE_UP)}
    )
