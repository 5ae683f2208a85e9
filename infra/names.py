"""How names of settings become logical ids and output keys, which hold letters and digits only."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct


def pascal_case(name: str) -> str:
    """Write `crm-export` or `on_queue` as `CrmExport` or `OnQueue`."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))


def output(scope: Construct, key: str, value: str) -> None:
    """Give the stack an output under exactly this key, wherever in the tree it is made."""
    CfnOutput(scope, f"{key}Output", value=value).override_logical_id(key)
