"""`make redrive`: send dead letters back to their queues after printing what that costs (`DRY_RUN=1`: print only)."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from infra.commands.dead_letters import Action, Case, ConversionCases, IntakeCases, PartCases, letters, letters_waiting
from infra.commands.results_letters import ResultsCases
from infra.commands.stack_outputs import all_outputs, outputs_of
from infra.commands.stage_command import run
from infra.commands.webhook_letters import WebhookCases
from infra.stage_settings.stage import Stage
from lookup.ledger.collections import CollectionLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.ledger.parts import PartLedger
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions
from lookup.ledger.webhooks import WebhookLedger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

OUTPUTS = (
    "LedgerTableName", "IntakeQueueUrl", "IntakeDeadLetterQueueUrl", "PartsQueueUrl", "PartsDeadLetterQueueUrl",
    "ConversionQueueUrl", "ConversionDeadLetterQueueUrl",
)  # fmt: skip


def main() -> int:
    """Redrive the dead-letter queues of STAGE. Return 0 when that worked."""
    return run(_redrive)


def _redrive(session: boto3.Session, stage: Stage) -> bool:
    is_dry = os.environ.get("DRY_RUN") == "1"
    outputs, sqs = all_outputs(session, stage.name), session.client("sqs")
    names = {**outputs, **outputs_of(session, stage.name, *OUTPUTS)}
    table = LedgerTable(session.client("dynamodb"), names["LedgerTableName"], clock=time.time, sleep=time.sleep)
    ledger = LookupLedger(table)
    case_of = {
        "Intake": IntakeCases().case,
        "Parts": PartCases(ledger, PartLedger(table), time.time).case,
        "Conversion": ConversionCases(ledger).case,
    }
    if "ResultsQueueUrl" in outputs:  # stages of release 0.2 have neither of these two queues
        case_of["Results"] = ResultsCases(ledger, CollectionLedger(table)).case
    if "WebhookQueueUrl" in outputs:
        case_of["Webhook"] = WebhookCases(WebhookLedger(table), stage.partners).case
    waiting = {queue: letters_waiting(sqs, names[f"{queue}DeadLetterQueueUrl"]) for queue in case_of}
    cases = {
        queue: [case(one) for one in letters(sqs, names[f"{queue}DeadLetterQueueUrl"])]
        for queue, case in case_of.items()
    }
    _print_summary(cases, waiting, stage)
    for queue, found in cases.items():
        redrive = QueueRedrive(
            sqs, Transitions(table, ledger), names[f"{queue}QueueUrl"], names[f"{queue}DeadLetterQueueUrl"]
        )
        for case in found:
            redrive.put_back(case) if is_dry else redrive.carry_out(case)
    sys.stdout.write("dry run: nothing was changed\n" if is_dry else "done; what is sent again waits for the gate\n")
    return True


def _print_summary(cases: Mapping[str, Sequence[Case]], waiting: Mapping[str, int], stage: Stage) -> None:
    for queue, found in cases.items():
        actions = Counter(case.action for case in found)
        shown = ", ".join(f"{number} {one.value}" for one, number in sorted(actions.items())) or "none"
        sys.stdout.write(f"{queue.lower()}: {_shown(len(found), waiting[queue])} dead letters: {shown}\n")
        for reason, number in Counter(case.reason for case in found if case.reason).items():
            sys.stdout.write(f"  {number} left: {reason}\n")
    _print_cost("cost", _users(cases, {}), stage)
    if any(waiting[queue] > len(found) for queue, found in cases.items()):
        _print_cost("cost of all, about", _users(cases, waiting), stage)


def _shown(seen: int, waiting: int) -> str:
    return f"the first {seen:,} of about {waiting:,}" if waiting > seen else f"{seen}"


def _users(cases: Mapping[str, Sequence[Case]], waiting: Mapping[str, int]) -> Counter[str]:
    """Return the users by workspace; where more letters wait than were received, extrapolated from those."""
    users = Counter[str]()
    for queue, found in cases.items():
        seen = Counter[str]()
        for case in found:
            seen[case.workspace] += case.users
        for workspace, number in seen.items():
            users[workspace] += round(number * max(1.0, waiting.get(queue, 0) / len(found)))
    return users


def _print_cost(name: str, users: Counter[str], stage: Stage) -> None:
    for workspace, number in sorted((+users).items()):
        sys.stdout.write(f"{name}: {number} users of workspace {workspace}{_minutes(stage, workspace, number)}\n")


def _minutes(stage: Stage, workspace: str, users: int) -> str:
    if workspace not in stage.workspaces:
        return ", which is not configured"
    quota = stage.workspaces[workspace].quota
    return f", {users * quota.window / quota.limit / 60:.1f} minutes of its quota"


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


if __name__ == "__main__":
    sys.exit(main())
