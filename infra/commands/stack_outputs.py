"""What the deployed stack of a stage gave its things for names."""

from __future__ import annotations

from collections.abc import Mapping

import boto3

from infra.stage_settings.stage import SERVICE


def outputs_of(session: boto3.Session, stage_name: str, *keys: str) -> Mapping[str, str]:
    """Read the named outputs of the deployed stack. Raises `OSError` when one is missing."""
    outputs = all_outputs(session, stage_name)
    for key in keys:
        if key not in outputs:
            raise OSError(f"the stack {SERVICE}-{stage_name} has no output {key}")
    return {key: outputs[key] for key in keys}


def all_outputs(session: boto3.Session, stage_name: str) -> Mapping[str, str]:
    """Read the outputs of the deployed stack, also those that only some stages have."""
    stacks = session.client("cloudformation").describe_stacks(StackName=f"{SERVICE}-{stage_name}")["Stacks"]
    return {one.get("OutputKey", ""): one.get("OutputValue", "") for one in stacks[0].get("Outputs", [])}
