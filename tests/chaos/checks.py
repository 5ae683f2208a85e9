"""Promise 1, from the stores: every entry has exactly one outcome, wherever it came in; nothing is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from tests.chaos.evidence import Evidence, Record, entry_of
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Findings
from tests.chaos.ledger_evidence import OUTCOMES, Lookup, Part
from tests.chaos.requested import INTAKE, Requested, Served, intake_parts, of_part, schedule_of, served

MICROSECOND = 1e-6  # what a written time may lack


def check_counts(requested: Requested, evidence: Evidence, found: Findings) -> None:
    """Check every lookup, every message, every answer."""
    for lookup in evidence.lookups.values():
        _check_balance(lookup, found)
        if not lookup.lookup_id.startswith(INTAKE):
            _check_list(lookup, requested, evidence, found)
    _check_accepted(requested, evidence, found)
    _check_intake(requested, evidence, found)
    for one in served(requested, evidence):
        _compare(one, found)
    _check_nothing_left(evidence, found)


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


def _check_list(lookup: Lookup, requested: Requested, evidence: Evidence, found: Findings) -> None:
    if requested.entries_of(lookup) is None:
        found.add(WRONG, f"{lookup.lookup_id}: a lookup that was not requested")
        return
    if lookup.state != "completed":
        found.add(STUCK, f"{lookup.lookup_id}: {lookup.state}, {len(lookup.parts)} parts in, {lookup.out} out")
        return
    outcomes = [one for number, part in lookup.parts.items() for one in of_part(number, part, evidence)]
    _check_parts(lookup.lookup_id, lookup.parts, evidence, found)
    stale = sum(_is_stale(one, lookup) for one in outcomes)
    found.add(WRONG, f"{lookup.lookup_id}: {stale} answered with what was stored before the request", stale)
    found.add(STUCK, f"{lookup.lookup_id}: {lookup.out} parts are still noted as out", lookup.out)


def _is_stale(outcome: Record, lookup: Lookup) -> bool:
    """Return whether an answer from the store is older than the lookup, none of which accepts any age."""
    fetched_at = outcome.get("fetched_at")
    is_stored = outcome.get("source") == "stored" and fetched_at is not None
    return is_stored and datetime.fromisoformat(str(fetched_at)).timestamp() < lookup.submitted_at - MICROSECOND


def _check_parts(name: str, parts: Mapping[str, Part], evidence: Evidence, found: Findings) -> None:
    """Check that the ledger counted what is in the part's object."""
    for number, part in parts.items():
        kept = Counter(one["outcome"] for one in of_part(number, part, evidence))
        if any(kept[outcome] != part.counts[outcome] for outcome in OUTCOMES):
            found.add(WRONG, f"{name}, part {number}: counted {dict(part.counts)}, kept {dict(kept)}")


def _compare(one: Served, found: Findings) -> None:
    expected, got = Counter(one.entries), Counter(map(entry_of, one.outcomes))
    lost, doubled = expected - got, got - expected
    found.add(LOST, f"{one.name}: no outcome for {list(lost)[:3]}", lost.total())
    found.add(DOUBLED, f"{one.name}: one outcome too many for {list(doubled)[:3]}", doubled.total())


def _check_accepted(requested: Requested, evidence: Evidence, found: Findings) -> None:
    """Whatever was accepted is in the ledger; one firing is one lookup."""
    for lookup_id, entries in requested.accepted:
        if lookup_id not in evidence.lookups:
            found.add(LOST, f"{lookup_id}: accepted and not in the ledger", len(entries))
    fired = Counter(schedule_of(one) for one in evidence.lookups.values())
    for schedule in requested.fired:
        found.add(LOST, f"{schedule}: fired, and no lookup", len(requested.fired[schedule]) * (not fired[schedule]))
        found.add(DOUBLED, f"{schedule}: {fired[schedule]} lookups of one firing", fired[schedule] - 1)


def _check_intake(requested: Requested, evidence: Evidence, found: Findings) -> None:
    times = Counter(number for number, _ in intake_parts(evidence))
    for number, days in times.items():
        found.add(DOUBLED, f"message {number}: counted on {days} days", days - 1)
        found.add(WRONG, f"message {number}: counted and never sent", number not in requested.messages)
    _check_parts("intake", dict(intake_parts(evidence)), evidence, found)


def _check_nothing_left(evidence: Evidence, found: Findings) -> None:
    found.add(STUCK, f"{evidence.waiting} messages on the queues", evidence.waiting)
    found.add(
        STUCK,
        f"{evidence.sent_users} are counted as in flight or waiting",
        abs(evidence.sent_users),
    )
    claimed = [one.lookup_id for one in evidence.lookups.values() if one.claimed]
    found.add(STUCK, f"claims that were not released: {claimed[:3]}", len(claimed))
