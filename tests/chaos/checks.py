"""Promise 1, from the stores: every entry has exactly one outcome, wherever it came in; nothing is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.chaos.entries import Entry
from tests.chaos.evidence import Evidence, Record, entry_of
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Findings
from tests.chaos.ledger_evidence import OUTCOMES, Lookup, Part
from tests.chaos.orders import Message

INTAKE = "intake-"
MICROSECOND = 1e-6  # what a written time may lack
FAILURES = {"vendor_trouble", "no_answer", "unaccounted"}  # that a run may bring; to be throttled is none of them


@dataclass(frozen=True)
class Asked:
    """What was asked for: entries by roster key, of schedules by name; messages by id; calls with their outcomes.

    `inline` are the lists that came in requests, by the roster key that each was kept under.
    """

    rosters: Mapping[str, Sequence[Entry]]
    fired: Mapping[str, Sequence[Entry]]
    inline: Mapping[str, Sequence[Entry]]
    accepted: Sequence[tuple[str, Sequence[Entry]]]
    messages: Mapping[str, Message]
    answered: Sequence[tuple[Sequence[Entry], Sequence[Record]]]

    def entries_of(self, lookup: Lookup) -> Sequence[Entry] | None:
        """Give what a lookup was to look up, None when nobody asked for it; a gzip roster is read from a copy."""
        roster = lookup.roster or ""
        return self.rosters.get(roster) or self.inline.get(roster) or self.fired.get(schedule_of(lookup))


def schedule_of(lookup: Lookup) -> str:
    """Name the schedule that fired a lookup."""
    return lookup.lookup_id.partition("-")[0]


def check_counts(asked: Asked, evidence: Evidence, found: Findings) -> None:
    """Check every lookup, every message, every answer."""
    for lookup in evidence.lookups.values():
        _check_balance(lookup, found)
        if not lookup.lookup_id.startswith(INTAKE):
            _check_list(lookup, asked, evidence, found)
    _check_accepted(asked, evidence, found)
    _check_intake(asked, evidence, found)
    for entries, outcomes in asked.answered:
        _compare(f"answer about {len(entries)}", entries, outcomes, found)
    _check_laid_aside(asked, evidence, found)
    _check_nothing_waits(evidence, found)


def _check_balance(lookup: Lookup, found: Findings) -> None:
    """The ledger's own sum: requested makes the four outcomes, and the parts make the counts."""
    sum_of_parts = {name: sum(one.counts[name] for one in lookup.parts.values()) for name in ("requested", *OUTCOMES)}
    counts = dict(lookup.counts) or dict.fromkeys(sum_of_parts, 0)
    missing = counts["requested"] - sum(counts[name] for name in OUTCOMES)
    found.add(LOST, f"{lookup.lookup_id}: {missing} requested without outcome", missing)
    found.add(DOUBLED, f"{lookup.lookup_id}: {-missing} outcomes over requested", -missing)
    for name, total in sum_of_parts.items():
        _differ(f"{lookup.lookup_id}: counts and parts, {name}", total, counts[name], found)


def _differ(what: str, expected: int, counted: int, found: Findings) -> None:
    found.add(LOST, f"{what}: {counted} of {expected}", expected - counted)
    found.add(DOUBLED, f"{what}: {counted} instead of {expected}", counted - expected)


def _check_list(lookup: Lookup, asked: Asked, evidence: Evidence, found: Findings) -> None:
    entries = asked.entries_of(lookup)
    if entries is None:
        found.add(WRONG, f"{lookup.lookup_id}: a lookup that nobody asked for")
        return
    if lookup.state != "completed":
        found.add(STUCK, f"{lookup.lookup_id}: {lookup.state}, {len(lookup.parts)} parts in, {lookup.out} out")
        return
    outcomes = [one for number, part in lookup.parts.items() for one in _of_part(number, part, evidence)]
    _compare(lookup.lookup_id, entries, outcomes, found)
    _check_parts(lookup.lookup_id, lookup.parts, evidence, found)
    stale = sum(_is_stale(one, lookup) for one in outcomes)
    found.add(WRONG, f"{lookup.lookup_id}: {stale} answered with what was stored before it was asked for", stale)
    found.add(STUCK, f"{lookup.lookup_id}: ended without an event", lookup.lookup_id not in set(evidence.told))
    found.add(STUCK, f"{lookup.lookup_id}: {lookup.out} parts are still noted as out", lookup.out)


def _is_stale(outcome: Record, lookup: Lookup) -> bool:
    """Tell whether an answer from the store is older than the lookup, none of which accepts any age."""
    fetched_at = outcome.get("fetched_at")
    is_stored = outcome.get("source") == "stored" and fetched_at is not None
    return is_stored and datetime.fromisoformat(str(fetched_at)).timestamp() < lookup.submitted_at - MICROSECOND


def _of_part(number: str, part: Part, evidence: Evidence) -> list[Record]:
    return [one for one in evidence.objects.get(part.key, ()) if one["part"] == number]


def _check_parts(name: str, parts: Mapping[str, Part], evidence: Evidence, found: Findings) -> None:
    """What the ledger counted is what lies in the part's object."""
    for number, part in parts.items():
        kept = Counter(one["outcome"] for one in _of_part(number, part, evidence))
        if any(kept[outcome] != part.counts[outcome] for outcome in OUTCOMES):
            found.add(WRONG, f"{name}, part {number}: counted {dict(part.counts)}, kept {dict(kept)}")


def _compare(what: str, entries: Iterable[Entry], outcomes: Sequence[Record], found: Findings) -> None:
    expected, got = Counter(entries), Counter(map(entry_of, outcomes))
    lost, doubled = expected - got, got - expected
    found.add(LOST, f"{what}: no outcome for {list(lost)[:3]}", lost.total())
    found.add(DOUBLED, f"{what}: one outcome too many for {list(doubled)[:3]}", doubled.total())
    for one in outcomes:
        if one["outcome"] == "failed" and one["reason"] not in FAILURES:
            found.add(WRONG, f"{what}: failed because of {one['reason']}")


def _check_accepted(asked: Asked, evidence: Evidence, found: Findings) -> None:
    """Whatever was accepted is in the ledger; one firing is one lookup."""
    for lookup_id, entries in asked.accepted:
        if lookup_id not in evidence.lookups:
            found.add(LOST, f"{lookup_id}: accepted and not in the ledger", len(entries))
    fired = Counter(schedule_of(one) for one in evidence.lookups.values())
    for schedule in asked.fired:
        found.add(LOST, f"{schedule}: fired, and no lookup", len(asked.fired[schedule]) * (not fired[schedule]))
        found.add(DOUBLED, f"{schedule}: {fired[schedule]} lookups of one firing", fired[schedule] - 1)


def _check_intake(asked: Asked, evidence: Evidence, found: Findings) -> None:
    parts: dict[str, Part] = {}
    for lookup in evidence.lookups.values():
        if lookup.lookup_id.startswith(INTAKE):
            for number, part in lookup.parts.items():
                found.add(DOUBLED, f"message {number}: counted on two days", number in parts)
                parts[number] = part
    for message_id, message in asked.messages.items():
        outcomes = _of_part(message_id, parts[message_id], evidence) if message_id in parts else []
        _compare(f"message {message_id}", message.entries or (), outcomes, found)
    _check_parts("intake", parts, evidence, found)
    for number in set(parts) - set(asked.messages):
        found.add(WRONG, f"message {number}: counted and never sent")


def _check_laid_aside(asked: Asked, evidence: Evidence, found: Findings) -> None:
    """Each message that cannot be read, and nothing else but what got no answer, is laid aside with its reason."""
    unreadable = {name for name, message in asked.messages.items() if message.entries is None}
    aside = {one.message_id for one in evidence.laid_aside}
    found.add(LOST, "a message that cannot be read is not on the dead-letter queue", len(unreadable - aside))
    for one in evidence.laid_aside:
        if not one.reason or (one.message_id not in unreadable and one.reason != "no_answer"):
            found.add(WRONG, f"message {one.message_id} on a dead-letter queue, reason {one.reason!r}")


def _check_nothing_waits(evidence: Evidence, found: Findings) -> None:
    found.add(STUCK, f"{evidence.waiting} messages on the queues", evidence.waiting)
    found.add(STUCK, f"the feeder believes {evidence.sent_users} users to be out", abs(evidence.sent_users))
    claimed = [one.lookup_id for one in evidence.lookups.values() if one.claimed]
    found.add(STUCK, f"claims that nobody ended: {claimed[:3]}", len(claimed))
