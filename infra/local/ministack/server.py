"""`python -m infra.local.ministack.server`: MiniStack, with behaviours of AWS that it lacks and this service needs.

What differs where it enforces IAM is in `iam`, what ends recursive loops in `recursive_loops`, what becomes of running
invocations when their function is updated in `function_updates`, the time zones of schedules in `time_zones`, what the
tokens of people hold in `person_tokens`.

- An SQS event source mapping collects a batch until it is full or its window is over. MiniStack takes at most 10
  messages and knows no window: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
- EventBridge Scheduler writes its context attributes, such as `<aws.scheduler.scheduled-time>`, into a schedule's
  input: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
- A schedule fires on time. MiniStack looks every ten seconds, here every second.
- S3 answers a ranged read of a version with that range. MiniStack sends the whole version:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

It ends when its standard input does: it never outlives who started it. The places of MiniStack that are replaced are
those of the one version that the requirements lock; `tests/local/test_engine.py` notices when they move.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack.services import (  # type: ignore[import-untyped]  # ships no types
    eventbridge,
    lambda_svc,
    s3,
    scheduler,
    sqs,
)

from infra.local.ministack.function_updates import let_invocations_end
from infra.local.ministack.iam import enforce_as_aws
from infra.local.ministack.person_tokens import list_groups
from infra.local.ministack.recursive_loops import detect_loops
from infra.local.ministack.serving import serve
from infra.local.ministack.time_zones import heed_time_zones
from infra.local.processes.lifeline import end_with_input

SCHEDULER_TICK = 1.0  # seconds between two looks at the schedules (MiniStack: 10)
Fields = Mapping[str, Any]
Invoke = Callable[..., None]
Answer = tuple[int, dict[str, str], bytes]
OK, PARTIAL_CONTENT, NO_SUCH_RANGE = 200, 206, 416


def main() -> None:
    """Serve until SIGTERM, or until the other end of standard input is closed."""
    sqs._receive_messages_for_esm = collect_batch  # noqa: SLF001 - see above
    eventbridge._invoke_target = with_context_attributes(eventbridge._invoke_target)  # noqa: SLF001
    s3._get_object = with_ranges_of_versions(s3._get_object)  # noqa: SLF001
    scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULER_TICK  # noqa: SLF001
    enforce_as_aws()
    detect_loops()
    let_invocations_end()
    heed_time_zones()
    list_groups()
    end_with_input()
    serve()


def collect_batch(queue_url: str, batch_size: int) -> list[dict[str, Any]]:
    """Receive a full batch, or what there is once the oldest message has waited for the mapping's window."""
    with sqs._queues_lock:  # noqa: SLF001
        queue = sqs._get_q(queue_url)  # noqa: SLF001
        sqs._expire_retained(queue)  # noqa: SLF001
        sqs._dlq_sweep(queue)  # noqa: SLF001
        now = time.time()
        waiting = [message["visible_at"] for message in queue["messages"] if message["visible_at"] <= now]
        if not waiting or (len(waiting) < batch_size and now < min(waiting) + _window(queue)):
            return []
        visibility = int(queue["attributes"].get("VisibilityTimeout", "30"))
        batch: list[dict[str, Any]] = sqs._collect_msgs(queue, batch_size, visibility)  # noqa: SLF001
        return batch


def _window(queue: Fields) -> float:
    arn = queue["attributes"].get("QueueArn")
    mappings = (mapping for _, _, mapping in lambda_svc._iter_all_esms())  # noqa: SLF001
    return max((m.get("MaximumBatchingWindowInSeconds", 0) for m in mappings if m["EventSourceArn"] == arn), default=0)


def with_context_attributes(invoke: Invoke) -> Invoke:
    """Fill the values of a firing into a schedule's input before its target gets it."""

    def invoked(
        target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], view: object = None
    ) -> None:
        if event.get("Source") == "aws.scheduler" and target.get("Input"):
            target = {**target, "Input": _filled_in(target["Input"], event, rule)}
        invoke(target, event, rule, view)

    return invoked


def _filled_in(text: str, event: Fields, schedule: Fields) -> str:
    due = scheduler._at_time_epoch(schedule.get("ScheduleExpression", "")) or event["Time"]  # noqa: SLF001
    values = {
        "schedule-arn": str(schedule.get("Arn", "")),
        "scheduled-time": datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def with_ranges_of_versions(get_object: Callable[..., Answer]) -> Callable[..., Answer]:
    """Return the requested range of a version."""

    def got(bucket: str, key: str, headers: Mapping[str, str], query: Fields | None = None) -> Answer:
        wanted = headers.get("range", "")
        if not wanted or not (query or {}).get("versionId"):
            return get_object(bucket, key, headers, query)
        unsummed = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}  # of the whole
        status, answered, body = get_object(bucket, key, unsummed, query)
        span = s3._parse_range(wanted, len(body))  # noqa: SLF001
        if status != OK:
            return status, answered, body
        if span is None:
            beyond = s3._xml_body(s3._range_error_xml(bucket, key))  # noqa: SLF001
            return NO_SUCH_RANGE, {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}, beyond
        first, last = span
        piece = body[first : last + 1]
        ranged = {"Content-Length": str(len(piece)), "Content-Range": f"bytes {first}-{last}/{len(body)}"}
        return PARTIAL_CONTENT, answered | ranged, piece

    return got


if __name__ == "__main__":
    main()
