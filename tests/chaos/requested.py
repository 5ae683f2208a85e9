"""What was requested, and what was served of it: the entries of each lookup, message and answer with outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.entries import ERASED, Entry
from tests.chaos.evidence import Evidence, Record
from tests.chaos.ledger_evidence import Lookup, Part
from tests.chaos.orders import Call, Listed, Message
from tests.chaos.traffic import Answer

INTAKE = "intake-"
QUEUE, CALL, LIST = "messages", "answers", "lists"  # the ways in


@dataclass(frozen=True)
class Requested:
    """What was requested: entries by roster key, of schedules by name; messages by id; calls with their outcomes.

    `inline` are the lists that came in requests, by the roster key that each was kept under. `named` are the lookups
    that answers named, by Idempotency-Key; `again` are the marks of tries that had their answer already.
    `erased` are entries of people who were erased meanwhile, whose outcomes name nobody.
    """

    rosters: Mapping[str, Sequence[Entry]]
    fired: Mapping[str, Sequence[Entry]]
    inline: Mapping[str, Sequence[Entry]]
    accepted: Sequence[tuple[str, Sequence[Entry]]]
    messages: Mapping[str, Message]
    answered: Sequence[Answer]
    requests: Sequence[Listed | Call] = ()
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    again: Sequence[str] = ()
    erased: frozenset[Entry] = frozenset()

    def entries_of(self, lookup: Lookup) -> Sequence[Entry] | None:
        """Return what a lookup was to look up, None when it was not requested; a gzip roster is read from a copy."""
        roster = lookup.roster or ""
        return self.rosters.get(roster) or self.inline.get(roster) or self.fired.get(schedule_of(lookup))


@dataclass(frozen=True)
class Served:
    """One lookup, message or answer: what was requested, and its outcomes. `marks` as of an `Answer`."""

    way: str
    name: str
    entries: Sequence[Entry]
    outcomes: Sequence[Record]
    marks: Sequence[str] = ()


def schedule_of(lookup: Lookup) -> str:
    """Return the schedule that fired a lookup."""
    return lookup.lookup_id.partition("-")[0]


def of_part(number: str, part: Part, evidence: Evidence) -> list[Record]:
    """Return the records of a part in the object that the ledger names."""
    return [one for one in evidence.objects.get(part.key, ()) if one["part"] == number]


def intake_parts(evidence: Evidence) -> Iterator[tuple[str, Part]]:
    """Return each message that is counted, by its id; one that is counted on two days twice."""
    for lookup in evidence.lookups.values():
        if lookup.lookup_id.startswith(INTAKE):
            yield from lookup.parts.items()


def served(requested: Requested, evidence: Evidence) -> Iterator[Served]:
    """Return what was requested with its outcomes; of lookups those that have ended."""
    for lookup in evidence.lookups.values():
        entries = requested.entries_of(lookup)
        if entries is not None and lookup.state == "completed":
            outcomes = [one for number, part in lookup.parts.items() for one in of_part(number, part, evidence)]
            yield Served(LIST, lookup.lookup_id, _kept(entries, requested), outcomes)
    parts = dict(intake_parts(evidence))
    for message_id, message in requested.messages.items():
        outcomes = of_part(message_id, parts[message_id], evidence) if message_id in parts else []
        yield Served(QUEUE, f"message {message_id}", _kept(message.entries or (), requested), outcomes)
    for answer in requested.answered:
        yield Served(CALL, f"answer about {len(answer.entries)}", answer.entries, answer.outcomes, answer.marks)


def _kept(entries: Sequence[Entry], requested: Requested) -> Sequence[Entry]:
    """Return entries as their outcomes are once people are erased."""
    return [ERASED if one in requested.erased else one for one in entries] if requested.erased else entries
