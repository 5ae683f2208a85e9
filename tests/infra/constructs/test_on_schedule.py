"""Promises about the schedules."""

from __future__ import annotations

import json
from collections.abc import Mapping

from infra.app import ROOT
from infra.stage_settings.workspaces import Schedule
from lookup.schedules.firing import parse_firing
from tests.infra.template import Template


def test_a_schedule_invokes_the_function_in_the_stage_s_group(local: Template) -> None:
    """A schedule of the settings fires `on_schedule` with the scheduler's own role; failed firings are kept."""
    _, schedule = local.named("AWS::Scheduler::Schedule", "DemoRefresh")
    target = schedule["Target"]
    assert schedule["GroupName"] == "moengage-lookup-local"
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert local.attribute(target["Arn"]).startswith("OnScheduleFunction")
    assert local.attribute(target["RoleArn"]).startswith("OnScheduleSchedulerRole")
    assert local.attribute(target["DeadLetterConfig"]["Arn"]).startswith("OnScheduleFailedFirings")
    assert json.loads(target["Input"]) == {
        "schedule": "demo-refresh",
        "scheduled_time": "<aws.scheduler.scheduled-time>",
        "workspace": "default",
        "roster": "rosters/demo.csv",
        "fields": None,
        "max_age": 0,
    }


def test_the_function_reads_what_a_schedule_sends() -> None:
    """Every key that a schedule's input holds is one that the handler knows, with the same meaning."""
    from infra.constructs.functions.on_schedule import firing_input  # noqa: PLC0415 - begins Node

    schedule = Schedule(
        name="daily", expression="cron(0 3 * * ? *)", roster="rosters/a.csv", fields=("name",), max_age=60
    )
    event = json.loads(firing_input(schedule).replace("<aws.scheduler.scheduled-time>", "2026-11-02T03:00:00Z"))
    firing = parse_firing(event)
    assert firing.lookup_id == "daily-20261102T030000Z"
    assert (firing.roster, firing.workspace, firing.fields, firing.max_age) == (
        "rosters/a.csv", "default", ("name",), 60,
    )  # fmt: skip


def test_failed_invocations_are_kept(template: Template) -> None:
    """The scheduler invokes asynchronously: failed invocations go to the dead-letter queue of failed firings."""
    target = template.functions()["on_schedule"]["DeadLetterConfig"]["TargetArn"]
    assert template.attribute(target).startswith("OnScheduleFailedFirings")


def test_a_new_stage_refreshes_nothing_by_itself(templates: Mapping[str, Template]) -> None:
    """Stages dev and prod start without schedules of rosters: there is no roster yet."""
    for stage in ("dev", "prod"):
        schedules = templates[stage].of_type("AWS::Scheduler::Schedule").values()
        assert {schedule["Name"] for schedule in schedules} == {"feeder-tick"}


def test_what_waits_is_fed_every_minute(template: Template) -> None:
    """Every stage feeds by the minute, beside its other schedules; the next tick makes up for a lost one."""
    _, tick = template.named("AWS::Scheduler::Schedule", "FeederTick")
    target = tick["Target"]
    assert (tick["Name"], tick["GroupName"]) == ("feeder-tick", f"moengage-lookup-{template.stage}")
    assert tick["ScheduleExpression"] == "rate(1 minute)"
    assert json.loads(target["Input"]) == json.loads((ROOT / "events" / "on_schedule" / "tick.json").read_text())
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    assert template.attribute(target["Arn"]).startswith("OnScheduleTick")
    assert template.attribute(target["RoleArn"]).startswith("OnScheduleSchedulerRole")
    assert template.attribute(target["DeadLetterConfig"]["Arn"]).startswith("OnScheduleFailedFirings")


def test_a_failed_tick_is_not_repeated(template: Template) -> None:
    """Lambda invokes the tick's alias once, and not when it comes late; what fires a roster keeps Lambda's retries."""
    ((name, config),) = template.of_type("AWS::Lambda::EventInvokeConfig").items()
    assert name.startswith("OnScheduleTick")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    _, alias = template.named("AWS::Lambda::Alias", "OnScheduleTick")
    assert alias["Name"] == "tick"
