"""What may come between any two writes and sends: a crash, a conflict, or somebody else's whole turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.aws_answers import transaction_conflict


class Crash(BaseException):
    """The process ends here: nothing in the product may catch it."""


@dataclass
class Interruptions:
    """Runs `action` before or after the n-th write or send from now; `conflicts` transactions fail first."""

    calls: int = 0
    at: int = 0
    after: bool = False
    action: Callable[[], None] | None = None
    conflicts: int = 0

    def watch(self, dynamodb: Any, sqs: Any) -> None:
        """Hook into the clients."""
        for client, operation in ((dynamodb, "dynamodb.TransactWriteItems"), (sqs, "sqs.SendMessageBatch")):
            client.meta.events.register(f"before-call.{operation}", lambda **_: self.before())
            client.meta.events.register(f"after-call.{operation}", lambda **_: self.behind())
        dynamodb.meta.events.register("before-send.dynamodb.TransactWriteItems", self._answer)

    def arm(self, at: int, *, after: bool, action: Callable[[], None] | None) -> None:
        """Set what comes between, at the n-th call from now (1 is the next)."""
        self.calls, self.at, self.after, self.action = 0, at, after, action

    def before(self) -> None:
        """Count a call that is about to leave."""
        self.calls += 1
        if not self.after:
            self._strike()

    def behind(self) -> None:
        """Note that a call has taken effect."""
        if self.after:
            self._strike()

    def _strike(self) -> None:
        if self.action is not None and self.calls == self.at:
            action, self.action = self.action, None
            action()

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not self.conflicts:
            return None
        self.conflicts -= 1
        return transaction_conflict(request.url, actions=1)
