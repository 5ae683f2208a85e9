"""Second step of the job: a roster's worth of identifiers through the intake queue, as another system sends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from infra.local.display import Advance, Display
from infra.local.results import ResultObjects, Tally
from infra.local.roster import in_parts, message_body
from infra.local.stage.clients import SENDERS
from infra.local.stage.stage import Stage
from infra.local.waiting import Wait
from lookup.validation import ParsedIdentifier

BATCH = 10  # messages of one SendMessageBatch
MAX_IDLE_SECONDS = 180.0  # seconds: longer than any wait for quota
STANDING_LOOKUP = "intake-"


def send_and_collect(stage: Stage, entries: Iterable[ParsedIdentifier], display: Display) -> Tally:
    """Send one message per entry and wait until the results hold an outcome of each."""
    tally = Tally()
    with display.bar("sent to the intake queue") as advance:
        waiting = _send(stage, entries, advance)
        advance(len(waiting), len(waiting))
    tally.requested = len(waiting)
    results = ResultObjects(stage)

    def collected() -> int:
        for record in results.new_records(STANDING_LOOKUP):
            if record["part"] in waiting:
                waiting.discard(record["part"])
                tally.add(record)
        return tally.answered

    wait = Wait("results of the intake queue", MAX_IDLE_SECONDS, stage.folder / "functions.log", stage.sleep)
    with display.bar("results in S3") as advance:
        wait.until_all(tally.requested, collected, advance)
    return tally


def _send(stage: Stage, entries: Iterable[ParsedIdentifier], advance: Advance) -> set[str]:
    """Send from several threads, while the roster is read; return the message ids."""
    batches = in_parts(map(message_body, entries), BATCH)
    sent: set[str] = set()
    with ThreadPoolExecutor(SENDERS) as senders:
        while some := list(islice(batches, SENDERS)):
            stage.sleep(0)
            for message_ids in senders.map(lambda bodies: _send_batch(stage, bodies), some):
                sent |= message_ids
            advance(len(sent), None)
    return sent


def _send_batch(stage: Stage, bodies: Sequence[str]) -> set[str]:
    answer = stage.clients.sqs.send_message_batch(
        QueueUrl=stage.outputs["IntakeQueueUrl"],
        Entries=[{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)],
    )
    if answer.get("Failed"):
        raise OSError(f"the intake queue took {len(answer['Successful'])} of {len(bodies)} messages")
    return {entry["MessageId"] for entry in answer["Successful"]}
