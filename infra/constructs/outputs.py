"""Outputs of the stack by their exact names."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct


def output(scope: Construct, key: str, value: str) -> None:
    """Return the stack an output under exactly this key, wherever in the tree it is made."""
    CfnOutput(scope, f"{key}Output", value=value).override_logical_id(key)
