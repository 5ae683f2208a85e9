"""The schedules and the function that they invoke."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.grants import INVOKE, SEND_MESSAGES, Grant, policy
from infra.lookup_function import LookupFunction, Release
from infra.names import output, pascal_case
from infra.queues import dead_letter_queue
from infra.stages import SERVICE, Schedule, Stage

TIMEOUT = Duration.minutes(5)


class OnSchedule(Construct):
    """The function, a group of schedules, the role they share and where failed firings lie."""

    def __init__(self, scope: Construct, construct_id: str, *, release: Release, grants: Sequence[Grant]) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letter_queue(self, "FailedFirings")
        self.function = LookupFunction(
            self,
            "OnSchedule",
            module="on_schedule",
            release=release,
            grants=grants,
            timeout=TIMEOUT,
            memory_mb=512,
            dead_letters=self.dead_letters,
        ).function
        self.group_name = f"{SERVICE}-{release.stage.name}"
        self.group = scheduler.CfnScheduleGroup(self, "Group", name=self.group_name)
        self.role = self._role()
        for schedule in release.stage.schedules:
            self._schedule(schedule)
        self._outputs(release.stage)

    def _role(self) -> iam.Role:
        stack = Stack.of(self)
        group_arn = stack.format_arn(
            service="scheduler",
            resource="schedule-group",
            resource_name=self.group_name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        # Only schedules of this group may use the role (EventBridge Scheduler, "Confused deputy prevention").
        ours = {"StringEquals": {"aws:SourceAccount": stack.account, "aws:SourceArn": group_arn}}
        return iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=ours),
            inline_policies={
                "Grants": policy(
                    [
                        Grant("Fire", INVOKE, [self.function.function_arn]),
                        Grant("FailedFirings", SEND_MESSAGES, [self.dead_letters.queue_arn]),
                    ]
                )
            },
        )

    def _schedule(self, schedule: Schedule) -> None:
        resource = scheduler.CfnSchedule(
            self,
            f"Schedule{pascal_case(schedule.name)}",
            name=schedule.name,
            group_name=self.group_name,
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.time_zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.function.function_arn,
                role_arn=self.role.role_arn,
                input=firing_input(schedule),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=5
                ),
            ),
        )
        resource.add_resource_dependency(self.group)

    def _outputs(self, stage: Stage) -> None:
        output(self, "ScheduleGroupName", self.group_name)
        output(self, "SchedulerRoleArn", self.role.role_arn)
        output(self, "ScheduleTargetArn", self.function.function_arn)
        output(self, "FailedFiringsQueueUrl", self.dead_letters.queue_url)
        output(self, "ScheduleNames", ",".join(schedule.name for schedule in stage.schedules) or "-")


def firing_input(schedule: Schedule) -> str:
    """Write what a firing of `schedule` hands to `on_schedule`; EventBridge Scheduler fills in the time it was due."""
    return json.dumps(
        {
            "schedule": schedule.name,
            "scheduled_time": "<aws.scheduler.scheduled-time>",
            "workspace": schedule.workspace,
            "roster": schedule.roster,
            "fields": schedule.fields,
            "max_age": schedule.max_age,
        }
    )
