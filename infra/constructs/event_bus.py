"""The event bus for other systems' rules, and the dead-letter queue of what could not be delivered."""

from __future__ import annotations

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.iam import PUT_EVENTS, WRITE_LOGS, Grant
from infra.constructs.log_groups import group_arn, log_group
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letter_queue
from infra.nag import acknowledge
from infra.stage_settings.stage import SERVICE, Stage
from lookup.results.events import SOURCE

# Who writes a rule's events to a log group: EventBridge User Guide, "CloudWatch Logs permissions".
LOG_WRITERS = ("events.amazonaws.com", "delivery.logs.amazonaws.com")


class EventBus(Construct):
    """A bus of the stage's own; other teams add rules to it. One rule of ours keeps every event in a log group.

    EventBridge encrypts what it holds with a key of its own. The bus has the rule's dead-letter queue too; AWS uses it
    once a bus is given a customer managed key, for events that this key no longer opens.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.bus_name = f"{SERVICE}-{stage.name}"
        self.dead_letters = dead_letter_queue(self, "Undelivered")
        acknowledge(self.dead_letters, "SQS3", "it is a dead-letter queue itself, of the bus and of its rule")
        self.bus = events.EventBus(
            self,
            "Bus",
            event_bus_name=self.bus_name,
            description=f"Lookups that have ended, stage {stage.name}",
            dead_letter_queue=self.dead_letters,
        )
        self.log = log_group(self, "Log", stage=stage)
        self.rule = self._rule()
        self._let_in()
        output(self, "EventBusName", self.bus.event_bus_name)
        output(self, "EventLogGroupName", self.log.log_group_name)
        output(self, "UndeliveredEventsQueueUrl", self.dead_letters.queue_url)

    def grants(self) -> list[Grant]:
        """Return what a function that ends lookups does here."""
        return [Grant("Notices", PUT_EVENTS, [self.bus.event_bus_arn])]

    def grant_send(self, rule: events.CfnRule, queue: sqs.Queue) -> None:
        """Allow EventBridge to send what a rule of this bus matches to a queue, or else to the dead-letter queue."""
        for target in (queue, self.dead_letters):
            target.add_to_resource_policy(
                _allow(LOG_WRITERS[:1], ("sqs:SendMessage",), target.queue_arn, _from(rule.attr_arn))
            )

    def _rule(self) -> events.CfnRule:
        # The bare rule: the construct would bring a function of its own that writes the log group's policy.
        return events.CfnRule(
            self,
            "Rule",
            description="Keeps every event in a log group",
            event_bus_name=self.bus.event_bus_name,
            event_pattern={"source": [SOURCE]},
            targets=[
                events.CfnRule.TargetProperty(
                    id="log",
                    arn=group_arn(self.log),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                )
            ],
        )

    def _let_in(self) -> None:
        """Allow EventBridge to write to the log group and to the queue, for this rule and this bus only."""
        logs.ResourcePolicy(
            self,
            "LogPolicy",
            resource_policy_name=f"{self.bus_name}-events",
            policy_statements=[
                _allow(LOG_WRITERS, WRITE_LOGS[:1], self.log.log_group_arn, {}),
                _allow(LOG_WRITERS, WRITE_LOGS[1:], self.log.log_group_arn, _from(self.rule.attr_arn)),
            ],
        )
        ours = _from(self.rule.attr_arn, self.bus.event_bus_arn)
        self.dead_letters.add_to_resource_policy(
            _allow(LOG_WRITERS[:1], ("sqs:SendMessage",), self.dead_letters.queue_arn, ours)
        )


def _from(*arns: str) -> dict[str, object]:
    return {"ArnEquals": {"aws:SourceArn": list(arns)}}


def _allow(
    services: tuple[str, ...], actions: tuple[str, ...], resource: str, conditions: dict[str, object]
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service) for service in services],
        actions=list(actions),
        resources=[resource],
        conditions=conditions,
    )
