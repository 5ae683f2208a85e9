"""What alarms and the dashboard look at. Our own metrics are named by the enum that the functions count with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from infra.stage_settings.stage import Stage
from lookup.telemetry import NAMESPACE, SERVICE, Metric

MINUTE, FIVE_MINUTES = Duration.minutes(1), Duration.minutes(5)
HTTP_FUNCTION = "on_request"  # answers 500 after a defect, where the other functions fail
CALLING_QUEUES = ("intake", "parts")  # the queues whose messages cause calls of MoEngage
SUM, MAXIMUM, AVERAGE, MEDIAN, SLOWEST = "Sum", "Maximum", "Average", "p50", "p99"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The stack's resources that are monitored, by the names in alarms and on the dashboard."""

    functions: Mapping[str, lambda_.Function]
    queues: Mapping[str, sqs.IQueue]
    dead_letters: Mapping[str, sqs.IQueue]
    tables: Mapping[str, dynamodb.ITable]


class Measures:
    """The stage's metrics."""

    def __init__(self, stage: Stage, watched: Watched) -> None:
        self.watched = watched
        self._dimensions = {"service": SERVICE, "stage": stage.name}

    def of(
        self, metric: Metric, statistic: str = SUM, period: Duration = MINUTE, label: str | None = None
    ) -> cloudwatch.Metric:
        """Return one of the functions' own metrics."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric.value,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=period,
            label=label or metric.value,
        )

    def oldest(self, queue: str) -> cloudwatch.Metric:
        """Return the age of a queue's oldest message, in seconds."""
        found = self.watched.queues[queue]
        return found.metric_approximate_age_of_oldest_message(statistic=MAXIMUM, period=MINUTE, label=queue)

    def waiting(self, queue: str) -> cloudwatch.Metric:
        """Return how many messages wait on a queue."""
        return _visible(queue, self.watched.queues[queue])

    def dead(self, queue: str) -> cloudwatch.Metric:
        """Return how many messages are on the dead-letter queue of `queue`."""
        return _visible(queue, self.watched.dead_letters[queue])

    def failures(self, function: str, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
        """Return how many invocations of a function ended with an error."""
        return self.watched.functions[function].metric_errors(statistic=SUM, period=period, label=function)

    def defects(self, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
        """Return how many requests were answered with 500."""
        return self.of(Metric.DEFECTS, period=period, label=f"{HTTP_FUNCTION}: 500")

    def throttles(self, function: str) -> cloudwatch.Metric:
        """Return how many invocations of a function Lambda refused, for want of concurrent executions."""
        return self.watched.functions[function].metric_throttles(
            statistic=SUM, period=FIVE_MINUTES, label=f"{function}: refused"
        )

    def loops(self) -> cloudwatch.MathExpression:
        """Return how many invocations of all functions Lambda dropped as parts of recursive loops."""
        using: dict[str, cloudwatch.IMetric] = {
            f"dropped{number}": function.metric("RecursiveInvocationsDropped", statistic=SUM, period=FIVE_MINUTES)
            for number, function in enumerate(self.watched.functions.values())
        }
        total = " + ".join(f"FILL({name}, 0)" for name in using)
        return math(total, using, FIVE_MINUTES, "recursive invocations dropped")

    def error_rate(self, function: str) -> cloudwatch.MathExpression:
        """Return the share of a function's invocations that failed or answered 500, in per cent."""
        failed: dict[str, cloudwatch.IMetric] = {"failed": self.failures(function)}
        if function == HTTP_FUNCTION:
            failed |= {"defects": self.defects(), "unavailable": self.of(Metric.AWS_TROUBLE, period=FIVE_MINUTES)}
        total = " + ".join(f"FILL({name}, 0)" for name in failed)
        invocations = self.watched.functions[function].metric_invocations(statistic=SUM, period=FIVE_MINUTES)
        return math(f"100 * ({total}) / all", failed | {"all": invocations}, FIVE_MINUTES, f"{function}: errors, %")

    def stalls(self) -> cloudwatch.MathExpression:
        """Return 1 for every minute in which work waited and no call of MoEngage succeeded, else 0."""
        using: Mapping[str, cloudwatch.IMetric] = {
            "calls": self.of(Metric.VENDOR_CALLS),
            "backlog": self.of(Metric.BACKLOG_USERS, MAXIMUM),
            **{f"waiting{number}": self.waiting(name) for number, name in enumerate(CALLING_QUEUES)},
        }
        waiting = " + ".join(f"FILL({name}, 0)" for name in using if name != "calls")
        return math(f"IF({waiting} > 0 AND FILL(calls, 0) == 0, 1, 0)", using, MINUTE, "work waits, no call succeeds")

    def stands_still(self) -> cloudwatch.MathExpression:
        """Return 1 for every minute in which lookups were active and no gate closed, but no part was done, else 0."""
        using: Mapping[str, cloudwatch.IMetric] = {
            "active": self.of(Metric.LOOKUPS_IN_PROGRESS, MAXIMUM),
            "closed": self.of(Metric.GATE_IS_CLOSED, MAXIMUM),
            "done": self.of(Metric.PARTS_COMPLETED),
        }
        expression = "IF(FILL(active, 0) > 0 AND FILL(closed, 0) == 0 AND FILL(done, 0) == 0, 1, 0)"
        return math(expression, using, MINUTE, "lookups are active, no part is done")


def _visible(label: str, queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic=MAXIMUM, period=MINUTE, label=label)


def math(
    expression: str, using: Mapping[str, cloudwatch.IMetric], period: Duration, label: str
) -> cloudwatch.MathExpression:
    """Calculate with metrics; each is used under a name of its own."""
    return cloudwatch.MathExpression(expression=expression, using_metrics=dict(using), period=period, label=label)
