"""When an alarm fires: each rule names its metric, what it means and its entry in the runbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics import FIVE_MINUTES, MAXIMUM, Measures
from infra.stage_settings.stage import Stage
from lookup.telemetry import Metric

CLOSED_MINUTES = 3  # closing for seconds after vendor errors needs no operator
FAILED_CALLS = 20  # calls in five minutes that MoEngage failed
ERROR_PERCENT = 5
STUCK_MINUTES = 30  # a lost part is sent again after twelve, and one that fails waits some minutes for each attempt
HOUR = 12  # times five minutes
# Metrics reach CloudWatch some minutes late, and FILL makes 0 of what has not arrived: without minutes to spare the
# latest one would always be zero (CloudWatch User Guide, "Using metric math", FILL in alarms).
LATE_MINUTES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alarm when `metric` is at or over `threshold` in `periods`, or in `breaching` of them.

    `heading` is the runbook's.
    """

    name: str
    text: str
    heading: str
    metric: cloudwatch.IMetric
    threshold: float = 1
    periods: int = 1
    breaching: int | None = None


def rules(stage: Stage, measures: Measures) -> Iterator[Rule]:
    """Return every alarm of a stage."""
    yield _gate_closed(measures)
    yield from _secrets(measures)
    yield from _refusals(measures)
    yield _trouble(measures)
    yield _silence(stage, measures)
    yield _standstill(measures)
    yield _loops(measures)
    yield _unpublished(measures)
    for queue in measures.watched.queues:
        yield _oldest(queue, stage, measures)
    for queue in measures.watched.dead_letters:
        yield _dead(queue, measures)
    for function in measures.watched.functions:
        yield _errors(function, measures)
        yield _throttles(function, measures)


def _gate_closed(measures: Measures) -> Rule:
    return Rule(
        name="gate-closed",
        text=f"A gate has been closed for {CLOSED_MINUTES} minutes: MoEngage is not asked, work waits.",
        heading="Gate closed",
        metric=measures.of(Metric.GATE_IS_CLOSED, MAXIMUM),
        periods=CLOSED_MINUTES,
    )


def _secrets(measures: Measures) -> Iterator[Rule]:
    yield Rule(
        name="secret-unreadable",
        text="A workspace's secret has not the three keys: its requests get 503, its queues wait.",
        heading="Key rotated",
        metric=measures.of(Metric.SECRETS_UNREADABLE, period=FIVE_MINUTES),
        periods=HOUR,  # waiting work calls again within the hour
        breaching=1,
    )
    yield Rule(
        name="secret-missing",
        text="A workspace's secret has no value: its requests get 503, its queues wait.",
        heading="Key rotated",
        metric=measures.of(Metric.SECRETS_MISSING, MAXIMUM),
        periods=CLOSED_MINUTES,
    )


def _refusals(measures: Measures) -> Iterator[Rule]:
    yield Rule(
        name="vendor-throttled",
        text="MoEngage answered 429 though our own gate had room: somebody else spends this quota.",
        heading="Quota shared with somebody else",
        metric=measures.of(Metric.VENDOR_THROTTLED, period=FIVE_MINUTES),
    )
    yield Rule(
        name="vendor-refused",
        text="MoEngage refuses the workspace.",
        heading="Workspace refused",
        metric=measures.of(Metric.VENDOR_REFUSED, period=FIVE_MINUTES),
    )
    yield Rule(
        name="requests-rejected",
        text="MoEngage could not read what we sent: a defect of ours, its identifiers are failed.",
        heading="Errors",
        metric=measures.of(Metric.REQUESTS_REJECTED, period=FIVE_MINUTES),
    )


def _trouble(measures: Measures) -> Rule:
    return Rule(
        name="vendor-trouble",
        text=f"{FAILED_CALLS} calls in five minutes met timeouts, 5xx or broken answers.",
        heading="Vendor down",
        metric=measures.of(Metric.VENDOR_TROUBLE, period=FIVE_MINUTES),
        threshold=FAILED_CALLS,
        periods=2,
    )


def _silence(stage: Stage, measures: Measures) -> Rule:
    return Rule(
        name="no-successful-call",
        text=f"Work has waited for {stage.silent_minutes} minutes and no call of MoEngage succeeded.",
        heading="No successful call",
        metric=measures.stalls(),
        periods=stage.silent_minutes + LATE_MINUTES,
        breaching=stage.silent_minutes,
    )


def _standstill(measures: Measures) -> Rule:
    return Rule(
        name="stuck-lookup",
        text=f"For {STUCK_MINUTES} minutes lookups were active, no gate was closed and no part was done.",
        heading="Stuck lookup",
        metric=measures.stands_still(),
        periods=STUCK_MINUTES + LATE_MINUTES,
        breaching=STUCK_MINUTES,
    )


def _loops(measures: Measures) -> Rule:
    return Rule(
        name="recursive-loop",
        text="Lambda dropped an invocation as part of a recursive loop: what it should have done waits on its queue.",
        heading="Recursive loop",
        metric=measures.loops(),
    )


def _unpublished(measures: Measures) -> Rule:
    return Rule(
        name="results-not-published",
        text="What a lookup's parts hold is not what the ledger counts, or they are gone: its files are not published.",
        heading="Results not published",
        metric=measures.of(Metric.RESULTS_FAILED, period=FIVE_MINUTES),
    )


def _oldest(queue: str, stage: Stage, measures: Measures) -> Rule:
    return Rule(
        name=f"oldest-{queue}",
        text=f"A message of the {queue} queue has waited for {stage.oldest_message_minutes} minutes.",
        heading="Oldest message",
        metric=measures.oldest(queue),
        threshold=stage.oldest_message_minutes * 60,
    )


def _dead(queue: str, measures: Measures) -> Rule:
    return Rule(
        name=f"dead-letters-{queue}",
        text=f"Something lies on the dead-letter queue of {queue}.",
        heading="Dead letters",
        metric=measures.dead(queue),
    )


def _errors(function: str, measures: Measures) -> Rule:
    return Rule(
        name=f"errors-{function}",
        text=f"{ERROR_PERCENT} % or more of the invocations of {function} end with an error.",
        heading="Errors",
        metric=measures.error_rate(function),
        threshold=ERROR_PERCENT,
        periods=2,
    )


def _throttles(function: str, measures: Measures) -> Rule:
    """Watch what Lambda would not start: neither an invocation nor an error, so no other alarm sees it."""
    return Rule(
        name=f"throttles-{function}",
        text=f"Lambda would not start {function}: the account's concurrent executions are used up.",
        heading="Concurrency used up",
        metric=measures.throttles(function),
        periods=3,  # a single burst is over before anybody could look
        breaching=2,
    )
