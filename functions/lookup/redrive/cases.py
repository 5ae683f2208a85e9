"""Dead letters, and what to do about each of them: send it again, retry its lookup, drop it, or leave it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lookup.bulk import part_message
from lookup.bulk.conversion import queue as conversion_queue
from lookup.bulk.intake.message import parse_intake_message
from lookup.errors import InvalidInput
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupState
from lookup.ledger.parts import PartLedger
from lookup.model import Clock, Part
from lookup.redrive.letters import Letter


class Action(StrEnum):
    """What to do about a dead letter."""

    SEND = "sent again"
    RETRY = "retried with their lookups"
    DROP = "settled since, dropped"
    LEAVE = "left"


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
