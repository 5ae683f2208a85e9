"""Log groups that forget."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.removal import removal_policy
from infra.stage_settings.stage import Stage

RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def log_group(scope: Construct, construct_id: str, *, stage: Stage) -> logs.LogGroup:
    """Make a log group that keeps its events as long as the stage says."""
    return logs.LogGroup(
        scope,
        construct_id,
        retention=RETENTION[stage.log_retention_days],
        removal_policy=removal_policy(stage),
    )


def group_arn(log: logs.LogGroup) -> str:
    """Return the group's own ARN; the construct gives that of its streams, ending in `:*`."""
    colons = ArnFormat.COLON_RESOURCE_NAME
    return Stack.of(log).format_arn(
        service="logs", resource="log-group", resource_name=log.log_group_name, arn_format=colons
    )
