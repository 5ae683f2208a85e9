"""What is done about a dead letter, and what that costs of the quota."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lookup.ledger.model import LookupRecord
from lookup.ledger.transitions import Transitions
from lookup.redrive.cases import Action, Case

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def users_of(cases: Mapping[str, Sequence[Case]], waiting: Mapping[str, int]) -> Counter[str]:
    """Return the users by workspace; where more letters wait than were received, extrapolated from those."""
    users = Counter[str]()
    for queue, found in cases.items():
        seen = Counter[str]()
        for case in found:
            seen[case.workspace] += case.users
        for workspace, number in seen.items():
            users[workspace] += round(number * max(1.0, waiting.get(queue, 0) / len(found)))
    return users


class QueueRedrive:
    """Sends the letters of one dead-letter queue back to its queue."""

    def __init__(self, sqs: SQSClient, states: Transitions, queue: str, dead_letters: str) -> None:
        self._sqs = sqs
        self._states = states
        self._queue = queue
        self._dead_letters = dead_letters
        self._done: dict[str, bool] = {}

    def carry_out(self, case: Case) -> None:
        """Carry out a case's action, then delete its letter."""
        if case.action is Action.LEAVE or (case.lookup is not None and not self._retried(case.lookup)):
            self.put_back(case)
            return
        if case.action is Action.SEND:
            self._sqs.send_message(QueueUrl=self._queue, MessageBody=case.letter.body, **_fifo_arguments(case))
        self._sqs.delete_message(QueueUrl=self._dead_letters, ReceiptHandle=case.letter.handle)

    def _retried(self, lookup: LookupRecord) -> bool:
        """Retry a lookup's failures, once for all its letters. Return False when it has changed since it was read."""
        name = lookup.spec.lookup_id
        if name not in self._done:
            self._done[name] = self._states.retry_failed(lookup.spec, lookup.cursor)
        return self._done[name]

    def put_back(self, case: Case) -> None:
        """Make a letter visible to other consumers at once."""
        self._sqs.change_message_visibility(
            QueueUrl=self._dead_letters, ReceiptHandle=case.letter.handle, VisibilityTimeout=0
        )


def _fifo_arguments(case: Case) -> dict[str, Any]:
    """Return the group of a message to a FIFO queue, with a fresh deduplication id: the same body was sent before."""
    if case.group is None:
        return {}
    return {"MessageGroupId": case.group, "MessageDeduplicationId": uuid4().hex}
