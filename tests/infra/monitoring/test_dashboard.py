"""Promises about the dashboard."""

from __future__ import annotations

import json
from typing import Any

from lookup.telemetry import NAMESPACE, Metric
from tests.infra.template import Template, text


def _widgets(template: Template) -> list[dict[str, Any]]:
    body = text(template.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
    return widgets


def _titles(template: Template) -> list[str]:
    return [widget["properties"]["title"] for widget in _widgets(template)]


def test_the_first_row_says_how_it_stands(template: Template) -> None:
    """Alarms where there are any, then six numbers; everything else is below."""
    titles = _titles(template)
    if template.stage == "prod":
        assert titles.pop(0) == "Alarms"
    assert titles[:6] == [
        "Gate closed (0 is well)",
        "Backlog, minutes of quota",
        "Lookups in progress",
        "Oldest message",
        "Dead letters",
        "Cost of the last hour, $ (estimate)",
    ]
    assert titles[6:] == [
        "Quota used, users a minute by lane",
        "Users a minute by outcome",
        "MoEngage: milliseconds of a call",
        "MoEngage: faults a minute",
        "Messages waiting",
        "Seconds of waiting for quota",
        "Errors of functions",
    ]


def test_the_quota_is_drawn_against_the_limit(template: Template, full: Template) -> None:
    """The graph of users granted has a line at the limit of all workspaces together in a minute."""
    for one, limit in ((template, 1000), (full, 2000)):
        (quota,) = [widget for widget in _widgets(one) if "Quota used" in widget["properties"]["title"]]
        (line,) = quota["properties"]["annotations"]["horizontal"]
        assert (line["value"], quota["properties"]["stacked"]) == (limit, True)


def test_our_metrics_are_named_by_the_enum(template: Template) -> None:
    """Every metric on the dashboard is sent by the service; all are of this stage."""
    ours = [
        metric
        for widget in _widgets(template)
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == NAMESPACE
    ]
    assert len(ours) > 15
    for metric in ours:
        assert metric[1] in set(Metric)
        assert metric[2:6] == ["service", "moengage-lookup", "stage", template.stage]


def test_the_operator_finds_it(template: Template) -> None:
    """The outputs name the dashboard."""
    assert template.outputs["DashboardName"]["Value"] == {
        "Ref": next(iter(template.of_type("AWS::CloudWatch::Dashboard")))
    }
