"""A process that takes messages off the queues for their functions, as Lambda's poller does.

It disturbs what it delivers: batches out of order, messages twice in a batch, twice in a row, to two processes at the
same time, and messages that it takes and leaves until they become visible again.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

import on_conversion
import on_erasure
import on_queue
import on_results
from tests.chaos.clock import REAL_SLEEP
from tests.chaos.plan import FUNCTION_SECONDS, VISIBILITY
from tests.chaos.process import RAISED, Context, ProcessFacts, ProcessState, begin
from tests.sqs_records import sqs_record

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

Record = dict[str, Any]
Handler = Callable[[Record, Context], Any]
KINDS = frozenset({
    "sqs_left_for_later", "sqs_reordered", "sqs_twice_in_a_batch", "sqs_to_two_at_once", "sqs_after_its_deletion",
})  # fmt: skip
DISTURBED = 0.08  # share of batches that each disturbance strikes
PATIENT = {"results", "erasures"}  # queues whose functions have the most time
GATHERED = {"intake", "answers"}  # queues whose messages come in batches
IDLE = 0.1  # seconds between two receives of empty queues


class Poller:
    """One process's poller: of each queue its URL and its handler.

    Its own client meets no faults: it is a part of AWS.
    """

    def __init__(self, state: ProcessState, queues: Mapping[str, tuple[str, Handler]]) -> None:
        self._state = state
        self._queues = {name: url for name, (url, _) in queues.items()}
        self._handlers = {name: handler for name, (_, handler) in queues.items()}
        self._sqs: SQSClient = boto3.Session().client("sqs")
        self._echoes = state.folder / "echoes"

    def run(self) -> None:
        """Poll until this process is killed, or ends with the run's own."""
        while True:
            name = self._state.chance.choice(sorted(self._queues))
            if not self._serve_echo() and not self._serve(name, 10 if name in GATHERED else 1):
                REAL_SLEEP(IDLE)

    def _serve(self, name: str, most: int) -> bool:
        answer = self._sqs.receive_message(
            QueueUrl=self._queues[name],
            MaxNumberOfMessages=most,
            VisibilityTimeout=VISIBILITY,
            WaitTimeSeconds=0,
            MessageSystemAttributeNames=["All"],
        )
        records = [self._record(name, message) for message in answer.get("Messages", [])]
        if records and not self._strikes("sqs_left_for_later"):
            self._deliver(name, records)
        return bool(records)

    def _record(self, name: str, message: MessageTypeDef) -> Record:
        record = sqs_record(message, name)
        sent_at = self._state.clock.at(int(record["attributes"]["SentTimestamp"]) / 1000)
        return record | {"attributes": record["attributes"] | {"SentTimestamp": str(round(sent_at * 1000))}}

    def _deliver(self, name: str, records: list[Record]) -> None:
        if len(records) > 1 and self._strikes("sqs_reordered"):
            self._state.chance.shuffle(records)
        if self._strikes("sqs_twice_in_a_batch"):
            records.append(records[0])
        if self._strikes("sqs_to_two_at_once"):
            self._echo(records)
        failed = self._invoke(records)
        if failed is None:
            return
        done = {one["messageId"]: one for one in records if one["messageId"] not in failed}
        for one in done.values():
            self._sqs.delete_message(QueueUrl=self._queues[name], ReceiptHandle=one["receiptHandle"])
        if done and self._strikes("sqs_after_its_deletion"):
            self._invoke(list(done.values()))

    def _strikes(self, kind: str) -> bool:
        if self._state.faults.happens(kind, DISTURBED):
            self._state.faults.note(kind)
            return True
        return False

    def _invoke(self, records: Sequence[Record]) -> set[str] | None:
        """Invoke the handler with a batch; return the messages that failed, None when all did."""
        try:
            name = records[0]["eventSourceARN"].rpartition(":")[2]
            answer = self._handlers[name]({"Records": list(records)}, self._context(name))
        except Exception:  # noqa: BLE001 - Lambda's runtime logs whatever a handler raises, and delivers again
            traceback.print_exc()
            self._state.faults.note(RAISED)
            return None
        return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}

    def _context(self, name: str) -> Context:
        """Return the context of a function; those of results and erasures have fifteen minutes, the others one."""
        return Context(state=self._state, seconds=5 * FUNCTION_SECONDS if name in PATIENT else FUNCTION_SECONDS)

    def _echo(self, records: Sequence[Record]) -> None:
        """Leave a copy for whichever process polls next."""
        name = uuid4().hex
        draft = self._echoes / f".{name}"
        draft.write_text(json.dumps(list(records)))
        draft.rename(self._echoes / name)

    def _serve_echo(self) -> bool:
        for echo in self._echoes.glob("[0-9a-f]*"):
            taken = echo.with_name(f".taken-{echo.name}")
            with suppress(FileNotFoundError):  # another process was quicker
                echo.rename(taken)
                self._invoke(json.loads(taken.read_text()))
                return True
        return False


def serve(environment: Mapping[str, str], facts: ProcessFacts, _: Connection) -> None:
    """Serve the queues as their functions; nobody is answered."""
    state = begin(environment, facts)
    for services in (on_conversion.services(), on_erasure.services(), on_queue.services(), on_results.services()):
        state.faults.register(services.session.events)
    settings = on_queue.services().settings
    queues: dict[str, tuple[str, Handler]] = {
        "intake": (settings.intake_queue_url, on_queue.handler),
        "parts": (settings.parts_queue_url, on_queue.handler),
        "answers": (settings.answers_queue_url or "", on_queue.handler),
        "conversions": (settings.conversion_queue_url, on_conversion.handler),
        "results": (settings.results_queue_url or "", on_results.handler),
        "erasures": (settings.erasure_queue_url or "", on_erasure.handler),
    }
    Poller(state, queues).run()
