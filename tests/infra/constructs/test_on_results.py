"""The function that collects results, and its queue."""

from __future__ import annotations

from infra.stage_settings.concurrency import COLLECTIONS_AT_ONCE
from lookup.collection.pulse import INTERVAL, LIFE
from tests.infra.template import Template


def test_a_message_at_work_is_hidden_for_less_than_its_queue_says(template: Template) -> None:
    """The queue's time is what Lambda wants; a message's own is a minute and a half, moved on before it is over."""
    queues = template.of_type("AWS::SQS::Queue").items()
    (queue,) = [one for name, one in queues if name[:-8] == "ResultsQueue"]
    timeout = template.functions()["on_results"]["Timeout"]
    assert queue["VisibilityTimeout"] == 6 * timeout
    assert 4 * INTERVAL < LIFE < timeout


def test_one_lookup_is_collected_at_a_time(template: Template) -> None:
    """An invocation has one message, and there are as many at once as the account's executions were counted for."""
    mappings = template.of_type("AWS::Lambda::EventSourceMapping")
    (mapping,) = [one for name, one in mappings.items() if name.startswith("OnResults")]
    assert mapping["BatchSize"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": COLLECTIONS_AT_ONCE}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
