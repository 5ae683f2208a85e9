"""`make redrive`: dead letters go back through the gate, after it is told what that costs (`DRY_RUN=1`: only told)."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.commands.dead_letters import Case, ConversionCases, Help, IntakeCases, PartCases, letters, lying
from infra.commands.stack_outputs import outputs_of
from infra.stage_settings.stage import Stage
from infra.stages import stage_named
from lookup.errors import ServiceError
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.ledger.parts import PartLedger
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

OUTPUTS = (
    "LedgerTableName", "IntakeQueueUrl", "IntakeDeadLetterQueueUrl", "PartsQueueUrl", "PartsDeadLetterQueueUrl",
    "ConversionQueueUrl", "ConversionDeadLetterQueueUrl",
)  # fmt: skip


def main() -> int:
    """Redrive the dead-letter queues of STAGE; 0 when that worked."""
    try:
        stage = stage_named(os.environ.get("STAGE", "dev"), os.environ)
        _redrive(boto3.Session(), stage, is_dry=os.environ.get("DRY_RUN") == "1")
    except (ServiceError, BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _redrive(session: boto3.Session, stage: Stage, *, is_dry: bool) -> None:
    names, sqs = outputs_of(session, stage.name, *OUTPUTS), session.client("sqs")
    table = LedgerTable(session.client("dynamodb"), names["LedgerTableName"], clock=time.time, sleep=time.sleep)
    ledger = LookupLedger(table)
    look = {
        "Intake": IntakeCases().case,
        "Parts": PartCases(ledger, PartLedger(table)).case,
        "Conversion": ConversionCases(ledger).case,
    }
    lie = {queue: lying(sqs, names[f"{queue}DeadLetterQueueUrl"]) for queue in look}
    cases = {
        queue: [case(one) for one in letters(sqs, names[f"{queue}DeadLetterQueueUrl"])] for queue, case in look.items()
    }
    _tell(cases, lie, stage)
    for queue, found in cases.items():
        drive = Drive(sqs, Transitions(table, ledger), names[f"{queue}QueueUrl"], names[f"{queue}DeadLetterQueueUrl"])
        for case in found:
            drive.put_back(case) if is_dry else drive.carry_out(case)
    sys.stdout.write("dry run: nothing was changed\n" if is_dry else "done; what is asked again waits for the gate\n")


def _tell(cases: Mapping[str, Sequence[Case]], lie: Mapping[str, int], stage: Stage) -> None:
    for queue, found in cases.items():
        helped = Counter(case.help for case in found)
        shown = ", ".join(f"{number} {one.value}" for one, number in sorted(helped.items())) or "none"
        sys.stdout.write(f"{queue.lower()}: {_seen(len(found), lie[queue])} dead letters: {shown}\n")
        for why, number in Counter(case.why for case in found if case.why).items():
            sys.stdout.write(f"  {number} left: {why}\n")
    _tell_cost("cost", _users(cases, {}), stage)
    if any(lie[queue] > len(found) for queue, found in cases.items()):
        _tell_cost("cost of all, about", _users(cases, lie), stage)


def _seen(seen: int, lie: int) -> str:
    return f"the first {seen:,} of about {lie:,}" if lie > seen else f"{seen}"


def _users(cases: Mapping[str, Sequence[Case]], lie: Mapping[str, int]) -> Counter[str]:
    """Add up what is asked of each workspace; where more lie on a queue, as if the rest were like what was seen."""
    users = Counter[str]()
    for queue, found in cases.items():
        seen = Counter[str]()
        for case in found:
            seen[case.workspace] += case.users
        for workspace, number in seen.items():
            users[workspace] += round(number * max(1.0, lie.get(queue, 0) / len(found)))
    return users


def _tell_cost(name: str, users: Counter[str], stage: Stage) -> None:
    for workspace, number in sorted((+users).items()):
        sys.stdout.write(f"{name}: {number} users of workspace {workspace}{_minutes(stage, workspace, number)}\n")


def _minutes(stage: Stage, workspace: str, users: int) -> str:
    if workspace not in stage.workspaces:
        return ", which is not configured"
    quota = stage.workspaces[workspace].quota
    return f", {users * quota.window / quota.limit / 60:.1f} minutes of its quota"


class Drive:
    """The way back from one dead-letter queue to its queue."""

    def __init__(self, sqs: SQSClient, states: Transitions, queue: str, dead_letters: str) -> None:
        self._sqs = sqs
        self._states = states
        self._queue = queue
        self._dead_letters = dead_letters
        self._done: dict[str, bool] = {}

    def carry_out(self, case: Case) -> None:
        """Do what helps; a letter goes only after that was done."""
        if case.help is Help.LEAVE or (case.lookup is not None and not self._retried(case.lookup)):
            self.put_back(case)
            return
        if case.help is Help.SEND:
            self._sqs.send_message(QueueUrl=self._queue, MessageBody=case.letter.body, **_in_order(case))
        self._sqs.delete_message(QueueUrl=self._dead_letters, ReceiptHandle=case.letter.handle)

    def _retried(self, lookup: LookupRecord) -> bool:
        """Retry a lookup's failures, once for all its letters; False when it has changed since it was looked at."""
        name = lookup.spec.lookup_id
        if name not in self._done:
            self._done[name] = self._states.retry_failed(lookup.spec, lookup.cursor)
        return self._done[name]

    def put_back(self, case: Case) -> None:
        """Let others see a letter again at once."""
        self._sqs.change_message_visibility(
            QueueUrl=self._dead_letters, ReceiptHandle=case.letter.handle, VisibilityTimeout=0
        )


def _in_order(case: Case) -> dict[str, Any]:
    """Name the group of a letter that goes to a FIFO queue; it is sent again although it was sent before."""
    if case.group is None:
        return {}
    return {"MessageGroupId": case.group, "MessageDeduplicationId": uuid4().hex}


if __name__ == "__main__":
    sys.exit(main())
