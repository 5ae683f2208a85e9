"""Promises about alarms that calculate: what of, over how long, and that late metrics spoil nothing."""

from __future__ import annotations

from tests.infra.monitoring.test_alarms import alarms, metrics, watched
from tests.infra.template import Template

__all__ = ["watched"]


def test_waiting_without_success_is_reported_after_the_stage_s_minutes(watched: Template) -> None:
    """Work of lookups or on a queue, and no successful call, in fifteen minutes; what comes late spoils none."""
    alarm = alarms(watched)["no-successful-call"]
    (expression,) = [used["Expression"] for used in alarm["Metrics"] if "Expression" in used]
    used = {one["Id"]: one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert expression == (
        "IF(FILL(backlog, 0) + FILL(waiting0, 0) + FILL(waiting1, 0) > 0 AND FILL(calls, 0) == 0, 1, 0)"
    )
    assert {name: metric["MetricName"] for name, metric in used.items()} == {
        "calls": "VendorCalls",
        "backlog": "BacklogUsers",
        "waiting0": "ApproximateNumberOfMessagesVisible",
        "waiting1": "ApproximateNumberOfMessagesVisible",
    }
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (18, 15, 1)


def test_lookups_without_progress_are_reported_after_half_an_hour(watched: Template) -> None:
    """Active lookups, no gate closed and no part done, in thirty minutes; what comes late spoils none."""
    alarm = alarms(watched)["stuck-lookup"]
    (expression,) = [used["Expression"] for used in alarm["Metrics"] if "Expression" in used]
    used = {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert expression == "IF(FILL(active, 0) > 0 AND FILL(closed, 0) == 0 AND FILL(done, 0) == 0, 1, 0)"
    assert used == {"active": "LookupsInProgress", "closed": "GateIsClosed", "done": "PartsCompleted"}
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (33, 30, 1)


def test_a_defect_answered_with_500_counts_as_an_error(watched: Template) -> None:
    """`on_request` answers what failed and ends well: its rate holds those answers, the others' do not."""
    expressions = {
        name: used["Expression"]
        for name, alarm in alarms(watched).items()
        if name.startswith("errors-")
        for used in alarm["Metrics"]
        if "Expression" in used
    }
    assert expressions == {
        "errors-on_request": "100 * (FILL(failed, 0) + FILL(defects, 0) + FILL(unavailable, 0)) / all",
        "errors-on_queue": "100 * (FILL(failed, 0)) / all",
        "errors-on_schedule": "100 * (FILL(failed, 0)) / all",
        "errors-on_conversion": "100 * (FILL(failed, 0)) / all",
        "errors-on_results": "100 * (FILL(failed, 0)) / all",
        "errors-on_webhook": "100 * (FILL(failed, 0)) / all",
        "errors-on_erasure": "100 * (FILL(failed, 0)) / all",
    }
    assert {"Defects", "AwsTrouble"} <= {
        metric["MetricName"] for metric in metrics(alarms(watched)["errors-on_request"])
    }


def test_an_alarm_that_fills_gaps_has_minutes_to_spare(watched: Template) -> None:
    """Where FILL makes 0 of what has not arrived yet, the latest minutes may say so without keeping the alarm down."""
    filled = [
        alarm
        for alarm in alarms(watched).values()
        if any(used.get("Expression", "").startswith("IF(") for used in alarm["Metrics"])
    ]
    assert len(filled) == 2
    for alarm in filled:
        assert alarm["EvaluationPeriods"] - alarm["DatapointsToAlarm"] >= 3


def test_no_alarm_looks_back_further_than_cloudwatch_can(watched: Template) -> None:
    """Periods of a minute or five, a day in all at most, ten metrics at most, and a text that fits."""
    for alarm in alarms(watched).values():
        periods = {used["MetricStat"]["Period"] for used in alarm["Metrics"] if "MetricStat" in used}
        assert periods <= {60, 300}
        assert max(periods) * alarm["EvaluationPeriods"] <= 86_400
        assert len(alarm["Metrics"]) <= 10
        assert len(alarm["AlarmDescription"]) <= 1024
