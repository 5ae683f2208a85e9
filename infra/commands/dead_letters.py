"""Dead letters, and what helps each of them: to be sent again, to be retried with its lookup, or nothing."""

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
from lookup.model import Part

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

MOST = 1000  # letters of one queue in one run
HELD = 900  # seconds that they are kept from others meanwhile
SILENT = 3  # receives in a row that bring nothing: short polls may miss what is there


class Help(StrEnum):
    """What can be done about a dead letter."""

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
    """A letter and what helps it: `users` is what that asks of MoEngage, `why` says why it is left.

    `group` is the message group of one that goes to a FIFO queue.
    """

    letter: Letter
    help: Help
    workspace: str = ""
    users: int = 0
    why: str = ""
    lookup: LookupRecord | None = None
    group: str | None = None


def letters(sqs: SQSClient, url: str) -> Iterator[Letter]:
    """Take up to 1,000 letters off a queue, each once; they come back after a quarter of an hour."""
    seen: set[str] = set()
    silent = 0
    while len(seen) < MOST and silent < SILENT:
        taken = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            VisibilityTimeout=HELD,
            MessageAttributeNames=["message_id"],
        )
        fresh = [one for one in taken.get("Messages", []) if one["MessageId"] not in seen]
        silent = 0 if fresh else silent + 1
        seen |= {one["MessageId"] for one in fresh}
        yield from map(_letter, fresh)


def _letter(message: MessageTypeDef) -> Letter:
    attributes: Mapping[str, MessageAttributeValueOutputTypeDef] = message.get("MessageAttributes", {})
    original = attributes["message_id"].get("StringValue") if "message_id" in attributes else None
    return Letter(message["Body"], message["ReceiptHandle"], original)


def lying(sqs: SQSClient, url: str) -> int:
    """Tell about how many letters lie on a queue, those in flight too."""
    names: list[QueueAttributeNameType] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


class IntakeCases:
    """Looks at letters of other systems: each is sent again as a message of its own, if it can be read by now.

    A message may have been laid aside twice; it is sent again once.
    """

    def __init__(self) -> None:
        self._sent: set[str] = set()

    def case(self, letter: Letter) -> Case:
        """Say what helps one message."""
        try:
            part = parse_intake_message(letter.body, message_id="dead", sent_at=0.0, default_workspace="default")
        except InvalidInput as fault:
            return Case(letter, Help.LEAVE, why=str(fault))
        if letter.original in self._sent:
            return Case(letter, Help.DROP)
        if letter.original is not None:
            self._sent.add(letter.original)
        return Case(letter, Help.SEND, part.workspace, len(part.identifiers))


class PartCases:
    """Looks at letters that are parts. What the ledger has counted as failed is retried there, or it would not count.

    Of a lookup with several letters the first carries the cost.
    """

    def __init__(self, ledger: LookupLedger, parts: PartLedger) -> None:
        self._ledger = ledger
        self._parts = parts
        self._retried: set[str] = set()

    def case(self, letter: Letter) -> Case:
        """Say what helps one part."""
        try:
            part = part_message.parse_part(letter.body)
        except InvalidInput as fault:
            return Case(letter, Help.LEAVE, why=str(fault))
        if not self._parts.status_of(part).is_counted:
            return Case(letter, Help.SEND, part.workspace, len(part.identifiers))
        return self._counted(letter, part)

    def _counted(self, letter: Letter, part: Part) -> Case:
        lookup = self._ledger.progress(part.lookup_id)
        if lookup is None or lookup.state is LookupState.CANCELLED:
            return Case(letter, Help.LEAVE, why="the lookup was cancelled or is forgotten")
        if lookup.state is not LookupState.COMPLETED:
            return Case(letter, Help.LEAVE, why="the lookup still runs: again when it has ended")
        if not lookup.tally.counts.failed:
            return Case(letter, Help.DROP)
        first = part.lookup_id not in self._retried
        self._retried.add(part.lookup_id)
        users = lookup.tally.counts.failed if first else 0
        return Case(letter, Help.RETRY, part.workspace, users, lookup=lookup)


class ConversionCases:
    """Looks at letters of the conversion queue: each is sent again while its lookup waits for it. It asks nobody."""

    def __init__(self, ledger: LookupLedger) -> None:
        self._ledger = ledger

    def case(self, letter: Letter) -> Case:
        """Say what helps one conversion."""
        try:
            lookup_id, partner = conversion_queue.parse_conversion(letter.body)
        except InvalidInput as fault:
            return Case(letter, Help.LEAVE, why=str(fault))
        lookup = self._ledger.progress(lookup_id)
        if lookup is None or lookup.finished_at is not None or not lookup.spec.roster.needs_conversion:
            return Case(letter, Help.DROP)
        return Case(letter, Help.SEND, lookup.spec.workspace, group=partner)
