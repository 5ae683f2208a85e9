"""Dead letters, and what to do about each of them: send it again, retry its lookup, drop it, or leave it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lookup.bulk import part_message
from lookup.bulk.conversion import queue as conversion_queue
from lookup.bulk.intake_message import parse_intake_message
from lookup.errors import InvalidInput
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupState
from lookup.ledger.parts import PartLedger
from lookup.model import Clock, Part

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

MAX_LETTERS = 1000  # of one queue in one run
VISIBILITY_SECONDS = 900  # for which others do not receive them
MAX_EMPTY_RECEIVES = 3  # in a row: a short poll may miss messages that are there


class Action(StrEnum):
    """What to do about a dead letter."""

    SEND = "sent again"
    RETRY = "retried with their lookups"
    DROP = "settled since, dropped"
    LEAVE = "left"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on a dead-letter queue; `original` is the id of the message that it is a copy of, if it says so."""

    body: str
    handle: str
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A letter and its action: `users` is what that costs of the quota, `reason` is why it is left.

    `group` is its message group when its queue is a FIFO queue.
    """

    letter: Letter
    action: Action
    workspace: str = ""
    users: int = 0
    reason: str = ""
    lookup: LookupRecord | None = None
    group: str | None = None


def letters(sqs: SQSClient, url: str) -> Iterator[Letter]:
    """Receive up to 1,000 letters of a queue, each once; they are invisible to others for a quarter of an hour."""
    seen: set[str] = set()
    empty = 0
    while len(seen) < MAX_LETTERS and empty < MAX_EMPTY_RECEIVES:
        taken = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            VisibilityTimeout=VISIBILITY_SECONDS,
            MessageAttributeNames=["message_id"],
        )
        fresh = [one for one in taken.get("Messages", []) if one["MessageId"] not in seen]
        empty = 0 if fresh else empty + 1
        seen |= {one["MessageId"] for one in fresh}
        yield from map(_letter, fresh)


def _letter(message: MessageTypeDef) -> Letter:
    attributes: Mapping[str, MessageAttributeValueOutputTypeDef] = message.get("MessageAttributes", {})
    original = attributes["message_id"].get("StringValue") if "message_id" in attributes else None
    return Letter(message["Body"], message["ReceiptHandle"], original)


def letters_waiting(sqs: SQSClient, url: str) -> int:
    """Return about how many letters are on a queue, those in flight too."""
    names: list[QueueAttributeNameType] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


class IntakeCases:
    """Decides on messages of other systems: each that can be parsed by now is sent again.

    A message may have been dead-lettered twice; it is sent again once.
    """

    def __init__(self) -> None:
        self._sent: set[str] = set()

    def case(self, letter: Letter) -> Case:
        """Return the case of one message."""
        try:
            part = parse_intake_message(letter.body, message_id="dead", sent_at=0.0, default_workspace="default")
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        if letter.original in self._sent:
            return Case(letter, Action.DROP)
        if letter.original is not None:
            self._sent.add(letter.original)
        return Case(letter, Action.SEND, part.workspace, len(part.identifiers))


class PartCases:
    """Decides on parts. What the ledger has counted as failed is retried there, or the retry would not be counted.

    Of a lookup with several letters the first carries the cost.
    """

    def __init__(self, ledger: LookupLedger, parts: PartLedger, clock: Clock) -> None:
        self._clock = clock
        self._ledger = ledger
        self._parts = parts
        self._retried: set[str] = set()

    def case(self, letter: Letter) -> Case:
        """Return the case of one part."""
        try:
            part = part_message.parse_part(letter.body)
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        if not self._parts.status_of(part).is_counted:
            return Case(letter, Action.SEND, part.workspace, len(part.identifiers))
        return self._counted(letter, part)

    def _counted(self, letter: Letter, part: Part) -> Case:
        lookup = self._ledger.get(part.lookup_id)
        if lookup is None or lookup.state is LookupState.CANCELLED:
            return Case(letter, Action.LEAVE, reason="the lookup was cancelled or is forgotten")
        if lookup.state is not LookupState.COMPLETED:
            return Case(letter, Action.LEAVE, reason="the lookup still runs: again when it has ended")
        if not lookup.tally.counts.failed:
            return Case(letter, Action.DROP)
        if lookup.has_expired_parts(self._clock()):
            return Case(letter, Action.LEAVE, reason="the lookup's parts are deleted: look up anew what failed")
        first = part.lookup_id not in self._retried
        self._retried.add(part.lookup_id)
        users = lookup.tally.counts.failed if first else 0
        return Case(letter, Action.RETRY, part.workspace, users, lookup=lookup)


class ConversionCases:
    """Decides on conversions: each is sent again while its lookup waits for it, which costs no quota."""

    def __init__(self, ledger: LookupLedger) -> None:
        self._ledger = ledger

    def case(self, letter: Letter) -> Case:
        """Return the case of one conversion."""
        try:
            lookup_id, partner = conversion_queue.parse_conversion(letter.body)
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        lookup = self._ledger.get(lookup_id)
        if lookup is None or lookup.finished_at is not None or not lookup.spec.roster.needs_conversion:
            return Case(letter, Action.DROP)
        return Case(letter, Action.SEND, lookup.spec.workspace, group=partner)
