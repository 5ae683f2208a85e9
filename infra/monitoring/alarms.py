"""Alarms: each rule becomes one, which links the runbook and notifies one SNS topic when it begins and ends."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.iam import PUBLISH
from infra.constructs.outputs import output
from infra.monitoring.alarm_rules import Rule, rules
from infra.monitoring.metrics import Measures
from infra.stage_settings.stage import SERVICE, Stage
from infra.stage_settings.workspaces import pascal_case


class Alarms(Construct):
    """The stage's alarms, and the topic that they notify."""

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
        """Allow this account's alarms to publish: a topic with a policy loses the default one that allows its owner."""
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
            alarm_description=f"{rule.text} {stage.runbook_url}#{anchor(rule.heading)}",
            metric=rule.metric,
            threshold=rule.threshold,
            evaluation_periods=rule.periods,
            datapoints_to_alarm=rule.breaching,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        notify = actions.SnsAction(self.topic)
        alarm.add_alarm_action(notify)
        alarm.add_ok_action(notify)
        return alarm


def anchor(heading: str) -> str:
    """Write a heading as the link to it."""
    return heading.lower().replace(" ", "-")
