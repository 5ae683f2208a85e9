"""Checks of dead letters, for what failed and for nothing else, and of events, which must match the stores."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.chaos.entries import Entry
from tests.chaos.evidence import DeadLetter, Evidence, Record, entry_of
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Findings
from tests.chaos.ledger_evidence import OUTCOMES, Lookup
from tests.chaos.orders import Message
from tests.chaos.requested import Requested, intake_parts, of_part

NO_ANSWER, ERASED = "no_answer", "erased"  # an erased record does not say why it had failed
Fate = tuple[str, str]  # lookup and part; of the intake queue, where a message is counted once: no lookup


def check_dead_letters(requested: Requested, evidence: Evidence, found: Findings) -> None:
    """Compare the dead-letter queues with what cannot be parsed and with what got no answer by the results.

    A letter may be there twice; none may be missing, and none may be of a message that was answered.
    """
    unreadable = {name: message for name, message in requested.messages.items() if message.entries is None}
    unanswered, erased = set(_with_reason(evidence, NO_ANSWER)), set(_with_reason(evidence, ERASED))
    for letter in evidence.dead_letters:
        message = unreadable.get(letter.message_id)
        fits = _is_of(letter, unanswered | erased) if message is None or not letter.intake else _fits(letter, message)
        found.add(WRONG, f"message {letter.message_id} on a dead-letter queue, reason {letter.reason!r}", not fits)
    aside = {letter.message_id for letter in evidence.dead_letters if letter.intake}
    found.add(LOST, "a message that cannot be read is not on the dead-letter queue", len(set(unreadable) - aside))
    missing = unanswered - {_fate(letter) for letter in evidence.dead_letters}
    found.add(LOST, f"failed without a dead letter: {sorted(missing)[:3]}", len(missing))


def _fits(letter: DeadLetter, message: Message) -> bool:
    return letter.reason.startswith(f"{message.breaks}: ") and letter.body == message.body


def _is_of(letter: DeadLetter, unanswered: set[Fate]) -> bool:
    return letter.reason == NO_ANSWER and _fate(letter) in unanswered


def _fate(letter: DeadLetter) -> Fate:
    if letter.intake:
        return "", letter.message_id
    part = json.loads(letter.body)
    return part["lookup_id"], part["part"]


def _with_reason(evidence: Evidence, reason: str) -> Iterator[Fate]:
    """Return the parts of which something has this reason, from the results that the ledger names."""
    parts = [("", number, part) for number, part in intake_parts(evidence)]
    for lookup in evidence.lookups.values():
        if lookup.roster is not None:
            parts += [(lookup.lookup_id, number, part) for number, part in lookup.parts.items()]
    for lookup_id, number, part in parts:
        if any(one.get("reason") == reason for one in of_part(number, part, evidence)):
            yield lookup_id, number


def check_events(evidence: Evidence, excuses: int, found: Findings) -> None:
    """Compare the events with the ledger and the results. Each of the `excuses` may have made one come twice.

    An excuse is a lost response of EventBridge, or a killed or failed publisher.
    """
    times = Counter(event["lookup_id"] for event in evidence.ended)
    for lookup in evidence.lookups.values():
        unpublished = lookup.roster is not None and lookup.state == "completed" and not times[lookup.lookup_id]
        found.add(STUCK, f"{lookup.lookup_id}: ended without an event", unpublished)
    for event in evidence.ended:
        wrong = not _matches(event, evidence.lookups.get(event["lookup_id"]))
        found.add(WRONG, f"{event['lookup_id']}: its event differs from the ledger", wrong)
    repeated = times.total() - len(times)
    found.add(DOUBLED, f"{repeated} events Lookup Completed too many, {excuses} excused", repeated - excuses)
    _check_changes(evidence, found)


def _matches(event: Mapping[str, object], lookup: Lookup | None) -> bool:
    if lookup is None or event["state"] != lookup.state:
        return False
    return event["counts"] == {name: lookup.counts.get(name, 0) for name in ("requested", *OUTCOMES)}


def _check_changes(evidence: Evidence, found: Findings) -> None:
    """Every object with changed profiles was published, and none that is not there."""
    published = {event["key"] for event in evidence.changed}
    found.add(WRONG, "a change was published of an object that is not there", len(published - set(evidence.objects)))
    fetched = (one for records in evidence.objects.values() for one in records)
    times: Counter[tuple[Entry, str]] = Counter((entry_of(one), one["fetched_at"]) for one in fetched)
    parts = [part for lookup in evidence.lookups.values() for part in lookup.parts.values()]
    for key in {part.key for part in parts} - published:
        changed = sum(_must_be_published(one, times) for one in evidence.objects.get(key, ()))
        found.add(LOST, f"{key}: {changed} changed profiles and no event", changed)


def _must_be_published(one: Record, times: Mapping[tuple[Entry, str], int]) -> bool:
    """Return whether a record is of a change that its own fetch made; another's may be written in between."""
    is_own = one.get("source") == "moengage" and times[entry_of(one), one["fetched_at"]] == 1
    return is_own and bool(one.get("changed_fields"))
