"""Alarms: each says what is wrong and where the runbook goes on, and tells one SNS topic when it begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.grants import PUBLISH
from infra.measures import FIVE_MINUTES, MAXIMUM, Measures
from infra.names import output
from infra.stage_parts import pascal_case
from infra.stages import SERVICE, Stage
from lookup.telemetry import Metric

CLOSED_MINUTES = 3  # a closing for the vendor's trouble of seconds is nothing to wake anybody for
TROUBLES = 20  # calls in five minutes that MoEngage failed
ERROR_PERCENT = 5
STUCK_MINUTES = 30  # a lost part is sent again after twelve, and one in trouble waits some minutes for each attempt
HOUR = 12  # times five minutes
# Metrics reach CloudWatch some minutes late, and FILL makes 0 of what is still to come: without minutes to spare the
# latest one would always say that all is well (CloudWatch User Guide, "Using metric math", FILL in alarms).
LATE_MINUTES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alarm when `metric` is at or over `threshold` in `periods`, or in `breaching` of them.

    `heading` is the runbook's.
    """

    name: str
    says: str
    heading: str
    metric: cloudwatch.IMetric
    threshold: float = 1
    periods: int = 1
    breaching: int | None = None


def rules(stage: Stage, measures: Measures) -> Iterator[Rule]:
    """Give every alarm of a stage."""
    yield Rule(
        name="gate-closed",
        says=f"A gate has been closed for {CLOSED_MINUTES} minutes: MoEngage is not asked, work waits.",
        heading="Gate closed",
        metric=measures.of(Metric.GATE_IS_CLOSED, MAXIMUM),
        periods=CLOSED_MINUTES,
    )
    yield Rule(
        name="secret-unreadable",
        says="A workspace's secret has not the three keys: its requests get 503, its queues wait.",
        heading="Key rotated",
        metric=measures.of(Metric.SECRETS_UNREADABLE, period=FIVE_MINUTES),
        periods=HOUR,  # what waits asks again within the hour
        breaching=1,
    )
    yield Rule(
        name="secret-missing",
        says="A workspace's secret has no value: its requests get 503, its queues wait.",
        heading="Key rotated",
        metric=measures.of(Metric.SECRETS_MISSING, MAXIMUM),
        periods=CLOSED_MINUTES,
    )
    yield Rule(
        name="vendor-throttled",
        says="MoEngage answered 429 though our own gate had room: somebody else spends this quota.",
        heading="Quota shared with somebody else",
        metric=measures.of(Metric.VENDOR_THROTTLED, period=FIVE_MINUTES),
    )
    yield Rule(
        name="vendor-refused",
        says="MoEngage refuses the workspace.",
        heading="Workspace refused",
        metric=measures.of(Metric.VENDOR_REFUSED, period=FIVE_MINUTES),
    )
    yield Rule(
        name="requests-rejected",
        says="MoEngage could not read what we sent: a defect of ours, its identifiers are failed.",
        heading="Errors",
        metric=measures.of(Metric.REQUESTS_REJECTED, period=FIVE_MINUTES),
    )
    yield Rule(
        name="vendor-trouble",
        says=f"{TROUBLES} calls in five minutes met timeouts, 5xx or broken answers.",
        heading="Vendor down",
        metric=measures.of(Metric.VENDOR_TROUBLE, period=FIVE_MINUTES),
        threshold=TROUBLES,
        periods=2,
    )
    yield Rule(
        name="no-successful-call",
        says=f"Work has waited for {stage.silent_minutes} minutes and no call of MoEngage succeeded.",
        heading="No successful call",
        metric=measures.waits_in_vain(),
        periods=stage.silent_minutes + LATE_MINUTES,
        breaching=stage.silent_minutes,
    )
    yield Rule(
        name="stuck-lookup",
        says=f"For {STUCK_MINUTES} minutes lookups were active, no gate was closed and no part was done.",
        heading="Stuck lookup",
        metric=measures.stands_still(),
        periods=STUCK_MINUTES + LATE_MINUTES,
        breaching=STUCK_MINUTES,
    )
    yield from _queue_rules(stage, measures)
    for function in measures.watched.functions:
        yield Rule(
            name=f"errors-{function}",
            says=f"{ERROR_PERCENT} % or more of the invocations of {function} end with an error.",
            heading="Errors",
            metric=measures.error_rate(function),
            threshold=ERROR_PERCENT,
            periods=2,
        )


def _queue_rules(stage: Stage, measures: Measures) -> Iterator[Rule]:
    for queue in measures.watched.queues:
        yield Rule(
            name=f"oldest-{queue}",
            says=f"A message of the {queue} queue has waited for {stage.oldest_message_minutes} minutes.",
            heading="Oldest message",
            metric=measures.oldest(queue),
            threshold=stage.oldest_message_minutes * 60,
        )
    for queue in measures.watched.dead_letters:
        yield Rule(
            name=f"dead-letters-{queue}",
            says=f"Something lies on the dead-letter queue of {queue}.",
            heading="Dead letters",
            metric=measures.dead(queue),
        )


class Alarms(Construct):
    """The stage's alarms, and the topic that they tell."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, measures: Measures) -> None:
        super().__init__(scope, construct_id)
        # Without a key of its own: CloudWatch cannot use the one that AWS manages, and a message names an alarm only.
        self.topic = sns.Topic(self, "Topic", topic_name=f"{SERVICE}-{stage.name}-alarms", enforce_ssl=True)
        self._let_in()
        if stage.alarm_email is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(stage.alarm_email))
        self.all = [self._alarm(rule, stage) for rule in rules(stage, measures)]
        output(self, "AlarmTopicArn", self.topic.topic_arn)

    def _let_in(self) -> None:
        """Let this account's alarms publish: a topic with a policy has no longer the one that lets its owner."""
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=list(PUBLISH),
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )

    def _alarm(self, rule: Rule, stage: Stage) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            pascal_case(rule.name),
            alarm_name=f"{SERVICE}-{stage.name}-{rule.name}",
            alarm_description=f"{rule.says} {stage.runbook_url}#{anchor(rule.heading)}",
            metric=rule.metric,
            threshold=rule.threshold,
            evaluation_periods=rule.periods,
            datapoints_to_alarm=rule.breaching,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        told = actions.SnsAction(self.topic)
        alarm.add_alarm_action(told)
        alarm.add_ok_action(told)
        return alarm


def anchor(heading: str) -> str:
    """Write a heading as the link to it."""
    return heading.lower().replace(" ", "-")
