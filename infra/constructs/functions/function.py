"""One deployed function: its code, its role, its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.functions.environment import environment_of
from infra.constructs.iam import JOIN_NETWORK, SEND_MESSAGES, WRITE_LOGS, WRITE_TRACES, Grant, policy
from infra.constructs.log_groups import log_group
from infra.constructs.network import FixedEgress
from infra.constructs.outputs import output
from infra.nag import acknowledge, acknowledge_warning, acknowledge_wildcard
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import pascal_case
from lookup.settings import Settings

PYTHON = "3.13"
PUBLISH = "@aws-cdk/aws-lambda:snapStartRequirePublish"  # a warning of the CDK


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What all functions of one deployment share."""

    stage: Stage
    code: lambda_.Code
    settings: Settings


class LookupFunction(Construct):
    """A function named by its module in `functions/`, with a role that allows `grants` and nothing else.

    With `egress` it runs in that network; with `snap_start` its published versions start from a snapshot. One that
    `feeds_itself` is invoked by what it sends; Lambda would end such a chain after about 16 invocations:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        module: str,
        release: Release,
        grants: Sequence[Grant],
        timeout: Duration,
        memory_mb: int,
        dead_letters: sqs.Queue | None = None,
        egress: FixedEgress | None = None,
        snap_start: bool = False,
        reserved: int | None = None,
        feeds_itself: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        log = log_group(self, "Log", stage=release.stage)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"moengage-lookup {release.stage.name}: {module}",
            code=release.code,
            handler=f"{module}.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            timeout=timeout,
            memory_size=memory_mb,
            environment=environment_of(release.settings),
            # Immutable, or CDK would add permissions of its own choice.
            role=self._role(
                [*grants, *_own_grants(log, dead_letters, egress, tracing=release.stage.tracing)]
            ).without_policy_updates(),
            dead_letter_queue=dead_letters,
            reserved_concurrent_executions=reserved,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if feeds_itself else None,
            **_told_of(release.stage, log),
            **_placed_in(egress),
        )
        self._acknowledge(snap_start=snap_start)
        output(self, f"{pascal_case(module)}FunctionName", self.function.function_name)

    def _acknowledge(self, *, snap_start: bool) -> None:
        acknowledge(self.function, "L1", f"wheels and bytecode of the zip are of python{PYTHON}, which AWS supports")
        if snap_start:
            acknowledge_warning(self.function, PUBLISH, "the alias that callers use names a published version")

    def _role(self, grants: Sequence[Grant]) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Grants": policy(grants)},
        )
        reasons: dict[str, list[str]] = {}
        for grant in grants:
            for resource in grant.wildcards():
                reasons.setdefault(resource, []).append(f"{grant.name}: {grant.reason}")
        for resource, texts in reasons.items():
            acknowledge_wildcard(role, resource, "; ".join(texts))
        return role


def _told_of(stage: Stage, log: logs.LogGroup) -> dict[str, Any]:
    """Return how a function is seen: its log and its traces."""
    return {
        "log_group": log,
        "logging_format": lambda_.LoggingFormat.JSON,
        "application_log_level_v2": lambda_.ApplicationLogLevel[stage.log_level],
        "system_log_level_v2": lambda_.SystemLogLevel.WARN,
        "tracing": lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
    }


def _placed_in(egress: FixedEgress | None) -> dict[str, Any]:
    """Return the network that a function runs in, if any."""
    if egress is None:
        return {}
    return {
        "vpc": egress.vpc,
        "vpc_subnets": ec2.SubnetSelection(subnets=egress.vpc.private_subnets),
        "security_groups": [egress.security_group],
    }


def _own_grants(
    log: logs.LogGroup, dead_letters: sqs.Queue | None, egress: FixedEgress | None, *, tracing: bool
) -> list[Grant]:
    grants = [Grant("Log", WRITE_LOGS, [log.log_group_arn], reason="streams of the function's own log group")]
    if tracing:
        grants.append(Grant("Traces", WRITE_TRACES, ["*"], reason="X-Ray has no resources for these actions"))
    if dead_letters is not None:
        grants.append(Grant("FailedInvocations", SEND_MESSAGES, [dead_letters.queue_arn]))
    if egress is not None:
        why = "Lambda asks for these with no resource before it places a function in a VPC"
        grants.append(Grant("Network", JOIN_NETWORK, ["*"], reason=why))
    return grants
