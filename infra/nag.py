"""cdk-nag at every synthesis: a finding ends it. What is true but meant is acknowledged where it is made, with why."""

from __future__ import annotations

from typing import Any

from aws_cdk import Acknowledgment, App, Stack, Validations
from constructs import Construct

PACK = "AwsSolutions"


def check_all(app: App) -> None:
    """Make the synthesis of `app` fail with every finding that is not acknowledged."""
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415 - half a second, which `make run` need not wait

    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """Record why a rule's finding on this one resource is meant."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"{PACK}::{PACK}-{rule}", reason=reason))


def acknowledge_warning(scope: Construct, warning: str, reason: str) -> None:
    """Record why a warning of the CDK's own does not apply."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"Annotation::{warning}", reason=reason))


def acknowledge_wildcard(scope: Construct, resource: str, reason: str) -> None:
    """Record why a role's policy names `resource` with a wildcard."""
    acknowledge(scope, f"IAM5[Resource::{_flat(Stack.of(scope).resolve(resource))}]", reason)


def _flat(written: Any) -> str:  # noqa: ANN401 - a template's JSON
    """Write a resource as cdk-nag does in its findings."""
    if isinstance(written, str):
        return written
    (function, argument), *_ = written.items()
    if function == "Ref":
        return f"<{argument}>"
    if function == "Fn::GetAtt":
        return f"<{'.'.join(argument)}>"
    separator, parts = argument
    return str(separator).join(_flat(part) for part in parts)
