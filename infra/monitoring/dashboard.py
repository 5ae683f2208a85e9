"""One dashboard: its first row shows in ten seconds whether the service works, the rows below why not."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.outputs import output
from infra.monitoring.hourly_cost import cost_of_an_hour
from infra.monitoring.metrics import AVERAGE, MAXIMUM, MEDIAN, MINUTE, SLOWEST, Measures, math
from infra.stage_settings.stage import SERVICE, Stage
from lookup.telemetry import Metric

WIDTH, HEIGHT = 24, 6
OUTCOMES = (Metric.USERS_FOUND, Metric.USERS_NOT_FOUND, Metric.USERS_INVALID, Metric.USERS_FAILED)
LANES = (Metric.USERS_GRANTED_ON_DEMAND, Metric.USERS_GRANTED_BULK)
FAULTS = (
    Metric.VENDOR_TROUBLE,
    Metric.VENDOR_THROTTLED,
    Metric.VENDOR_REFUSED,
    Metric.REQUESTS_REJECTED,
    Metric.KEYS_REJECTED,
    Metric.SECRETS_UNREADABLE,
)
BAND = "#d62728"  # red: the quota


class Dashboard(Construct):
    """The stage's dashboard."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        measures: Measures,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        rows = [_now(measures), _quota(stage, measures), _vendor(measures), _work(measures)]
        if alarms:
            state = cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WIDTH, height=4)
            rows.insert(0, [state])
        board = cloudwatch.Dashboard(
            self,
            "Board",
            dashboard_name=f"{SERVICE}-{stage.name}",
            default_interval=Duration.hours(3),
            widgets=rows,
        )
        output(self, "DashboardName", board.dashboard_name)


def _now(measures: Measures) -> list[cloudwatch.IWidget]:
    """Return the widgets' rows."""
    oldest = math(
        "MAX(METRICS()) / 60",
        {f"q{n}": measures.oldest(q) for n, q in enumerate(measures.watched.queues)},
        MINUTE,
        "minutes",
    )
    dead = math(
        "SUM(METRICS())",
        {f"q{n}": measures.dead(q) for n, q in enumerate(measures.watched.dead_letters)},
        MINUTE,
        "messages",
    )
    return [
        _number("Gate closed (0 is well)", measures.of(Metric.GATE_IS_CLOSED, MAXIMUM)),
        _number("Backlog, minutes of quota", measures.of(Metric.BACKLOG_MINUTES, MAXIMUM)),
        _number("Lookups in progress", measures.of(Metric.LOOKUPS_IN_PROGRESS, MAXIMUM)),
        _number("Oldest message", oldest),
        _number("Dead letters", dead),
        _number("Cost of the last hour, $ (estimate)", cost_of_an_hour(measures)),
    ]


def _quota(stage: Stage, measures: Measures) -> list[cloudwatch.IWidget]:
    limit = sum(known.quota.limit * 60 / known.quota.window for known in stage.workspaces.values())
    line = cloudwatch.HorizontalAnnotation(value=limit, label="limit", color=BAND)
    return [
        _graph("Quota used, users a minute by lane", [measures.of(lane) for lane in LANES], stacked=True, line=line),
        _graph("Users a minute by outcome", [measures.of(outcome) for outcome in OUTCOMES], stacked=True),
    ]


def _vendor(measures: Measures) -> list[cloudwatch.IWidget]:
    latency = [measures.of(Metric.VENDOR_LATENCY, one, label=one) for one in (MEDIAN, SLOWEST)]
    return [
        _graph("MoEngage: milliseconds of a call", latency),
        _graph("MoEngage: faults a minute", [measures.of(fault) for fault in FAULTS], stacked=True),
    ]


def _work(measures: Measures) -> list[cloudwatch.IWidget]:
    functions = measures.watched.functions
    failures = [*map(measures.failures, functions), measures.defects(), *map(measures.throttles, functions)]
    waits = [measures.of(one, AVERAGE) for one in (Metric.GATE_WAIT_ON_DEMAND, Metric.GATE_WAIT_BULK)]
    return [
        _graph("Messages waiting", [measures.waiting(queue) for queue in measures.watched.queues], width=8),
        _graph("Seconds of waiting for quota", waits, width=8),
        _graph("Errors of functions", failures, width=8),
    ]


def _number(title: str, metric: cloudwatch.IMetric) -> cloudwatch.SingleValueWidget:
    return cloudwatch.SingleValueWidget(title=title, metrics=[metric], width=WIDTH // 6, height=3)


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    width: int = WIDTH // 2,
    stacked: bool = False,
    line: cloudwatch.HorizontalAnnotation | None = None,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        left_annotations=[line] if line else None,
        stacked=stacked,
        width=width,
        height=HEIGHT,
    )
