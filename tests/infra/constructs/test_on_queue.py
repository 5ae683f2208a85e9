"""Promises about the queues and how they are served."""

from __future__ import annotations

import pytest

from infra.stage_settings.workers import workers_for
from lookup.quota import Quota
from tests.infra.template import Template

FOURTEEN_DAYS = 14 * 24 * 3600


def test_every_queue_is_encrypted_and_keeps_14_days(template: Template) -> None:
    """Nothing waits unencrypted, and nothing is lost before SQS's longest retention."""
    for queue in template.of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_every_queue_refuses_requests_without_tls(template: Template) -> None:
    """Each queue has a policy that denies everybody everything without TLS."""
    protected = set()
    for policy in template.of_type("AWS::SQS::QueuePolicy").values():
        (denied,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert (denied["Principal"], denied["Action"]) == ({"AWS": "*"}, "sqs:*")
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        protected |= {template.attribute(queue) for queue in policy["Queues"]}
    assert protected == set(template.of_type("AWS::SQS::Queue"))


def test_each_work_queue_has_its_own_dead_letter_queue(template: Template) -> None:
    """After more deliveries than waiting for quota or for AWS needs, a message goes to a queue of its own kind."""
    targets = {}
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        if "RedrivePolicy" in queue:
            policy = queue["RedrivePolicy"]
            targets[name[:-8]] = (template.attribute(policy["deadLetterTargetArn"])[:-8], policy["maxReceiveCount"])
    assert targets == {
        "QueuesIntake": ("QueuesIntakeDeadLetters", 1000),
        "QueuesParts": ("QueuesPartsDeadLetters", 1000),
        "AnswersQueue": ("AnswersQueueDeadLetters", 100),
        "ConversionsQueue": ("ConversionsQueueDeadLetters", 12),
        "ResultsQueue": ("ResultsQueueDeadLetters", 40),
        "WebhooksQueue": ("WebhooksQueueDeadLetters", 1000),
        "ErasuresQueue": ("ErasuresQueueDeadLetters", 40),
    }


def test_visibility_is_six_times_the_timeout(template: Template) -> None:
    """A served queue hides a message for six times its function's timeout and the batching window at least."""
    for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values():
        queue = template.resources[template.attribute(mapping["EventSourceArn"])]["Properties"]
        timeout = template.resources[template.attribute(mapping["FunctionName"])]["Properties"]["Timeout"]
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["VisibilityTimeout"] >= 6 * timeout + window


def test_conversions_come_singly_and_in_order_for_each_partner(template: Template) -> None:
    """The queue and its dead letters are FIFO, one message is a batch, and all partners together have five."""
    _, mapping = template.named("AWS::Lambda::EventSourceMapping", "Conversions")
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 5})
    fifo = {name[:-8] for name, one in template.of_type("AWS::SQS::Queue").items() if one.get("FifoQueue")}
    assert fifo == {"ConversionsQueue", "ConversionsQueueDeadLetters"}
    assert template.functions()["on_conversion"]["Timeout"] == 600


def test_intake_is_collected_and_parts_come_singly(template: Template) -> None:
    """Single identifiers are collected for 2 s up to 100, so that payloads are filled; a part is work enough."""
    _, intake = template.named("AWS::Lambda::EventSourceMapping", "Intake")
    _, parts = template.named("AWS::Lambda::EventSourceMapping", "Parts")
    assert (intake["BatchSize"], intake["MaximumBatchingWindowInSeconds"]) == (100, 2)
    assert (parts["BatchSize"], parts.get("MaximumBatchingWindowInSeconds")) == (1, None)


def test_answers_are_gathered_for_minutes(template: Template) -> None:
    """Up to 10,000 answers at once come together after five minutes, on the local stage after two seconds."""
    _, answers = template.named("AWS::Lambda::EventSourceMapping", "Answers")
    window = 2 if template.stage == "local" else 300
    assert (answers["BatchSize"], answers["MaximumBatchingWindowInSeconds"]) == (10_000, window)


def test_every_mapping_reports_partial_failures_and_bounds_its_workers(template: Template) -> None:
    """A failed message never brings its batch back; workers are bounded by the mapping, at AWS's least or more."""
    mappings = template.of_type("AWS::Lambda::EventSourceMapping")
    assert {name[:-8] for name in mappings} == {
        "OnQueueIntake",
        "OnQueueParts",
        "OnQueueAnswers",
        "OnConversionConversions",
        "OnResults",
        "OnWebhookWebhooks",
        "OnErasureErasures",
    }
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    for function in template.functions().values():
        assert function["Handler"] == "on_schedule.handler" or "ReservedConcurrentExecutions" not in function


@pytest.mark.parametrize(
    ("limits", "workers"),
    [([1000], 2), ([6000], 5), ([6000, 6000], 10), ([1_000_000, 1_000_000], 1000)],
)
def test_workers_follow_the_quota(limits: list[int], workers: int) -> None:
    """There are as many workers as vendor calls in a second that the quotas allow together, 2 to 1000."""
    assert workers_for(Quota(limit=limit) for limit in limits) == workers
