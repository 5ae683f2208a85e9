"""The schedules and the function that they invoke."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import (
    INVOKE,
    KEEP_SCHEDULES,
    LIST_SCHEDULES,
    PASS_ROLE,
    SEND_MESSAGES,
    Grant,
    policy,
)
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letter_queue
from infra.stage_settings.stage import SERVICE, Stage
from infra.stage_settings.workspaces import FEEDER_TICK, Schedule, pascal_case
from lookup.settings import Settings

TIMEOUT = Duration.minutes(5)
SCHEDULER = "scheduler.amazonaws.com"
EVERY_MINUTE = "rate(1 minute)"
TICK_INPUT = json.dumps({"task": "feed"})
AGAIN = scheduler.CfnSchedule.RetryPolicyProperty(maximum_event_age_in_seconds=3600, maximum_retry_attempts=5)
# The next tick does what a late one would: 60 s are the least age that the Scheduler takes.
NEVER_AGAIN = scheduler.CfnSchedule.RetryPolicyProperty(maximum_event_age_in_seconds=60, maximum_retry_attempts=0)


class OnSchedule(Construct):
    """The function, a group of schedules, the role they share and the dead-letter queue of failed firings."""

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
            reserved=release.stage.schedule_concurrency,
        ).function
        self._tick = self._tick_alias()
        self.group_name = f"{SERVICE}-{release.stage.name}"
        self.group = scheduler.CfnScheduleGroup(self, "Group", name=self.group_name)
        self.role = self._role()
        tick = self._target(TICK_INPUT, NEVER_AGAIN, self._tick.function_arn)
        self._schedule(FEEDER_TICK, EVERY_MINUTE, "UTC", tick)
        for schedule in release.stage.schedules:
            target = self._target(firing_input(schedule), AGAIN)
            self._schedule(schedule.name, schedule.expression, schedule.time_zone, target)
        self._outputs(release.stage)

    def extend_settings(self, settings: Settings) -> Settings:
        """Add what a function must know to keep schedules."""
        return replace(
            settings,
            schedule_group_name=self.group_name,
            schedule_role_arn=self.role.role_arn,
            schedule_target_arn=self.function.function_arn,
            schedule_dead_letter_queue_arn=self.dead_letters.queue_arn,
        )

    def keep_grants(self) -> list[Grant]:
        """Return what a function that keeps schedules does here: in this group only, and with no other role.

        The names of other groups' schedules can be listed: AWS cannot grant the list of one group.
        """
        return [
            Grant(
                "Schedules",
                KEEP_SCHEDULES,
                [self._arn("schedule", f"{self.group_name}/*")],
                reason="schedules of this stage's group only; partners name them at run time",
            ),
            Grant(
                "ListSchedules",
                LIST_SCHEDULES,
                ["*"],
                reason="EventBridge Scheduler has no resource for this action, even when the call names a group",
            ),
            Grant("PassRole", PASS_ROLE, [self.role.role_arn], only_when={"iam:PassedToService": SCHEDULER}),
        ]

    def _tick_alias(self) -> lambda_.Alias:
        """Return the alias that the minute's tick invokes. Lambda does not repeat what failed: the next tick does.

        Firings invoke the function itself, whose failures Lambda repeats twice: a schedule's next may be a day away.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
        """
        alias = lambda_.Alias(self, "Tick", alias_name="tick", version=self.function.current_version)
        alias.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        return alias

    def _role(self) -> iam.Role:
        group_arn = self._arn("schedule-group", self.group_name)
        # Only schedules of this group may use the role (EventBridge Scheduler, "Confused deputy prevention").
        ours = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account, "aws:SourceArn": group_arn}}
        return iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal(SCHEDULER, conditions=ours),
            inline_policies={
                "Grants": policy(
                    [
                        Grant("Fire", INVOKE, [self.function.function_arn, self._tick.function_arn]),
                        Grant("FailedFirings", SEND_MESSAGES, [self.dead_letters.queue_arn]),
                    ]
                )
            },
        )

    def _arn(self, resource: str, name: str) -> str:
        slash = ArnFormat.SLASH_RESOURCE_NAME
        return Stack.of(self).format_arn(service="scheduler", resource=resource, resource_name=name, arn_format=slash)

    def _target(
        self, event: str, retry: scheduler.CfnSchedule.RetryPolicyProperty, arn: str | None = None
    ) -> scheduler.CfnSchedule.TargetProperty:
        return scheduler.CfnSchedule.TargetProperty(
            arn=arn or self.function.function_arn,
            role_arn=self.role.role_arn,
            input=event,
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
            retry_policy=retry,
        )

    def _schedule(
        self, name: str, expression: str, time_zone: str, target: scheduler.CfnSchedule.TargetProperty
    ) -> None:
        resource = scheduler.CfnSchedule(
            self,
            f"Schedule{pascal_case(name)}",
            name=name,
            group_name=self.group_name,
            schedule_expression=expression,
            schedule_expression_timezone=time_zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=target,
        )
        resource.add_resource_dependency(self.group)

    def _outputs(self, stage: Stage) -> None:
        output(self, "ScheduleGroupName", self.group_name)
        output(self, "SchedulerRoleArn", self.role.role_arn)
        output(self, "ScheduleTargetArn", self.function.function_arn)
        output(self, "FailedFiringsQueueUrl", self.dead_letters.queue_url)
        output(self, "ScheduleNames", ",".join(schedule.name for schedule in stage.schedules) or "-")


def firing_input(schedule: Schedule) -> str:
    """Return what a firing of `schedule` sends to `on_schedule`; EventBridge Scheduler fills in the time it was due."""
    return json.dumps(schedule.firing("<aws.scheduler.scheduled-time>"))
