"""One deployed function: its code, its role, its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.grants import SEND_MESSAGES, WRITE_LOGS, WRITE_TRACES, Grant, policy
from infra.names import output, pascal_case
from infra.stages import Stage
from lookup.settings import Settings

RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What all functions of one deployment share."""

    stage: Stage
    code: lambda_.Code
    settings: Settings


class LookupFunction(Construct):
    """A function named by its module in `functions/`, with a role that allows `grants` and nothing else."""

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
            environment=release.settings.to_environment(),
            # Immutable, or CDK would add permissions of its own choice.
            role=self._role([*grants, *_own_grants(log, dead_letters)]).without_policy_updates(),
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel[release.stage.log_level],
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            dead_letter_queue=dead_letters,
        )
        output(self, f"{pascal_case(module)}FunctionName", self.function.function_name)

    def _role(self, grants: Sequence[Grant]) -> iam.Role:
        return iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Grants": policy(grants)},
        )


def log_group(scope: Construct, construct_id: str, *, stage: Stage) -> logs.LogGroup:
    """Make a log group that keeps its events as long as the stage says."""
    return logs.LogGroup(
        scope,
        construct_id,
        retention=RETENTION[stage.log_retention_days],
        removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
    )


def _own_grants(log: logs.LogGroup, dead_letters: sqs.Queue | None) -> list[Grant]:
    grants = [Grant("Log", WRITE_LOGS, [log.log_group_arn]), Grant("Traces", WRITE_TRACES, ["*"])]
    if dead_letters is not None:
        grants.append(Grant("FailedInvocations", SEND_MESSAGES, [dead_letters.queue_arn]))
    return grants
