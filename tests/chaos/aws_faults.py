"""AWS's faults in a run, injected between a process's clients and the wire through botocore's event hooks."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.aws_answers import dynamodb_error, s3_slow_down, transaction_conflict
from tests.chaos.clock import FastClock
from tests.chaos.plan import Plan

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
OVERDUE = 0.6  # of the horizon, after which a kind that has not struck yet strikes wherever it can
KINDS = frozenset({
    "dynamodb_throttled", "dynamodb_transaction_conflict", "dynamodb_unprocessed_keys", "dynamodb_reply_lost",
    "s3_throttled", "s3_reply_lost", "sqs_reply_lost", "eventbridge_reply_lost",
    "killed_before_request", "killed_after_request",
})  # fmt: skip
LOSABLE = {"dynamodb", "s3", "sqs", "eventbridge"}  # services whose replies get lost


class AwsFaults:
    """The faults of one process. Each is noted in a file of the run's before it happens; none after the end."""

    def __init__(self, plan: Plan, chance: random.Random, clock: FastClock, folder: Path) -> None:
        self._plan = plan
        self._chance = chance
        self._clock = clock
        self._calm = folder / "calm"
        self._path = folder / "faults"
        self._notes = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._seen: set[str] = set()
        self._wire = URLLib3Session()

    def register(self, events: BaseEventHooks) -> None:
        """Hook into every client that is made from now on."""
        events.register("before-send", self._before_send)  # type: ignore[arg-type]  # an answer is allowed
        events.register("before-parse", self._clock.date)
        events.register("provide-client-params.sqs.ChangeMessageVisibility", self._shorten)
        events.register("provide-client-params.sqs.SendMessage", self._shorten_delay)
        events.register("before-parameter-build.dynamodb.BatchGetItem", self._remember)
        events.register("after-call.dynamodb.BatchGetItem", self._leave_unprocessed)

    def note(self, kind: str) -> None:
        """Count a fault, even if it is this process's last."""
        os.write(self._notes, f"{kind}\n".encode())

    def happens(self, kind: str, share: float) -> bool:
        """Draw whether a fault of this share happens now; one that no process has met for long does."""
        return (self._chance.random() < share or self._is_overdue(kind)) and not self._calm.exists()

    def _is_overdue(self, kind: str) -> bool:
        if kind in self._seen or self._clock.passed() < OVERDUE * self._plan.size.horizon:
            return False
        self._seen.update(self._path.read_text().split())
        return kind not in self._seen

    def _before_send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        service, operation = event_name.split(".")[1:]
        if self.happens("killed_before_request", self._plan.odds.killed):
            self._die("killed_before_request")
        answer = self._refusal(service, operation, request)
        if answer is not None:
            return answer
        if service in LOSABLE and self.happens(f"{service}_reply_lost", self._plan.odds.reply_lost):
            self._lose_reply(service, request)
        if self.happens("killed_after_request", self._plan.odds.killed):
            self._wire.send(request).content  # noqa: B018 - AWS has done it
            self._die("killed_after_request")
        return None

    def _refusal(self, service: str, operation: str, request: AWSPreparedRequest) -> AWSResponse | None:
        kind = "dynamodb_transaction_conflict"
        if operation == "TransactWriteItems" and self.happens(kind, self._plan.odds.conflict):
            self.note(kind)
            return transaction_conflict(request.url, len(json.loads(_text(request))["TransactItems"]))
        kind = f"{service}_throttled"
        if kind not in KINDS or not self.happens(kind, self._throttled_share(service)):
            return None
        self.note(kind)
        if service == "s3":
            return s3_slow_down(request.url)
        return dynamodb_error(request.url, 400, self._chance.choice(THROTTLED), message="slow down")

    def _throttled_share(self, service: str) -> float:
        passed = self._clock.passed()
        storms = [one.share for one in self._plan.storms if one.service == service and one.start <= passed < one.end]
        return max(storms, default=self._plan.odds.throttled)

    def _lose_reply(self, service: str, request: AWSPreparedRequest) -> None:
        self.note(f"{service}_reply_lost")
        self._wire.send(request).content  # noqa: B018 - AWS has done it
        kind = self._chance.choice((ReadTimeoutError, ConnectionClosedError))
        raise kind(endpoint_url=request.url)

    def _die(self, kind: str) -> None:
        self.note(kind)
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    def _shorten(self, params: dict[str, Any], **_: Any) -> None:
        """Scale the visibility timeout to the queue's real time."""
        params["VisibilityTimeout"] = max(1, round(params["VisibilityTimeout"] / self._clock.factor))

    def _shorten_delay(self, params: dict[str, Any], **_: Any) -> None:
        """Scale the delay of a message to the queue's real time."""
        if "DelaySeconds" in params:
            params["DelaySeconds"] = round(params["DelaySeconds"] / self._clock.factor)

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["chaos"] = params["RequestItems"]

    def _leave_unprocessed(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Remove some of the items and return their keys as unprocessed."""
        kind = "dynamodb_unprocessed_keys"
        if "Responses" not in parsed or not self.happens(kind, self._plan.odds.unprocessed):
            return
        ((table, requested),) = context["chaos"].items()
        left = [key for key in requested["Keys"] if self._chance.random() < 0.5]
        if left:
            self.note(kind)
            parsed["Responses"][table] = _without(parsed["Responses"].get(table, []), left)
            parsed["UnprocessedKeys"] = {table: {**requested, "Keys": left}}


def _text(request: AWSPreparedRequest) -> str | bytes:
    assert isinstance(request.body, str | bytes)
    return request.body


def _without(items: list[dict[str, Any]], keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if not any(key.items() <= item.items() for key in keys)]
