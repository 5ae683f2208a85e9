"""`make redrive`: send dead letters back to their queues after printing what that costs (`DRY_RUN=1`: print only)."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import boto3

from infra.commands.stack_outputs import all_outputs, outputs_of
from infra.commands.stage_command import run
from infra.commands.webhook_letters import WebhookCases
from infra.stage_settings.stage import Stage
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions
from lookup.ledger.webhooks import WebhookLedger
from lookup.redrive.cases import Case
from lookup.redrive.decisions import decisions
from lookup.redrive.letters import letters, letters_waiting
from lookup.redrive.queue_redrive import QueueRedrive, users_of

OUTPUTS = (
    "LedgerTableName", "IntakeQueueUrl", "IntakeDeadLetterQueueUrl", "PartsQueueUrl", "PartsDeadLetterQueueUrl",
    "ConversionQueueUrl", "ConversionDeadLetterQueueUrl",
)  # fmt: skip
# By what the outputs of a stage call them; stages of release 0.2 have only those of OUTPUTS.
QUEUES = {
    "Intake": "intake", "Parts": "parts", "Answers": "answers", "Conversion": "conversions", "Results": "results",
    "Erasure": "erasures",
}  # fmt: skip


def main() -> int:
    """Redrive the dead-letter queues of STAGE. Return 0 when that worked."""
    return run(_redrive)


def _redrive(session: boto3.Session, stage: Stage) -> bool:
    is_dry = os.environ.get("DRY_RUN") == "1"
    outputs, sqs = all_outputs(session, stage.name), session.client("sqs")
    names = {**outputs, **outputs_of(session, stage.name, *OUTPUTS)}
    table = LedgerTable(session.client("dynamodb"), names["LedgerTableName"], clock=time.time, sleep=time.sleep)
    ledger = LookupLedger(table)
    of_queue = decisions(table, ledger, time.time)
    case_of = {name: of_queue[queue]() for name, queue in QUEUES.items() if f"{name}QueueUrl" in names}
    if "WebhookQueueUrl" in names:
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
    _print_cost("cost", users_of(cases, {}), stage)
    if any(waiting[queue] > len(found) for queue, found in cases.items()):
        _print_cost("cost of all, about", users_of(cases, waiting), stage)


def _shown(seen: int, waiting: int) -> str:
    return f"the first {seen:,} of about {waiting:,}" if waiting > seen else f"{seen}"


def _print_cost(name: str, users: Counter[str], stage: Stage) -> None:
    for workspace, number in sorted((+users).items()):
        sys.stdout.write(f"{name}: {number} users of workspace {workspace}{_minutes(stage, workspace, number)}\n")


def _minutes(stage: Stage, workspace: str, users: int) -> str:
    if workspace not in stage.workspaces:
        return ", which is not configured"
    quota = stage.workspaces[workspace].quota
    return f", {users * quota.window / quota.limit / 60:.1f} minutes of its quota"


if __name__ == "__main__":
    sys.exit(main())
