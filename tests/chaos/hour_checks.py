"""Checks that the files of hours hold every message of the intake queue and every answer at once, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.chaos.findings import DOUBLED, LOST, STUCK, Findings
from tests.chaos.requested import INTAKE, of_part

if TYPE_CHECKING:
    from tests.chaos.evidence import Evidence
    from tests.chaos.traffic import Answer

AT_ONCE = ("answers-", "on-demand-")  # how the names of objects of answers begin


def check_hours(answered: Sequence[Answer], evidence: Evidence, found: Findings) -> None:
    """Compare the files with what the ledger counts of the intake queue, and with the objects of answers at once."""
    held = Counter(row[:3] for row in evidence.hours)
    expected = Counter([*_intake(evidence), *_at_once(evidence)])
    found.add(LOST, "records are in no hour's files", (expected - held).total())
    found.add(DOUBLED, "records are in hours' files twice, or from nowhere", (held - expected).total())
    fetched = Counter(
        str(one["identifier"]) for answer in answered for one in answer.outcomes if one.get("source") == "moengage"
    )
    at_once = Counter(name for lookup_id, _, name, _ in evidence.hours if not lookup_id.startswith(INTAKE))
    found.add(LOST, "answers that cost quota are in no hour's files", (fetched - at_once).total())
    found.add(STUCK, "an hour was not collected", 1 if expected and not held else 0)


def _intake(evidence: Evidence) -> list[tuple[str, str, str]]:
    days = [one for one in evidence.lookups.values() if one.lookup_id.startswith(INTAKE)]
    return [
        (day.lookup_id, number, record["identifier"])
        for day in days
        for number, part in day.parts.items()
        for record in of_part(number, part, evidence)
    ]


def _at_once(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return the records of answers at once, each answer from one of the objects that it is in."""
    of_lookup: dict[str, list[tuple[str, str, str]]] = {}
    for key, records in evidence.objects.items():
        if key.rpartition("/")[2].startswith(AT_ONCE):
            for lookup_id in {record["lookup_id"] for record in records}:
                own = [record for record in records if record["lookup_id"] == lookup_id]
                of_lookup[lookup_id] = [(lookup_id, record["part"], record["identifier"]) for record in own]
    return [row for rows in of_lookup.values() for row in rows]
