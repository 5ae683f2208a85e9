"""A run that went well, small enough to be written down, for planting errors into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from infra.local.simulator.process import WORKSPACE_ID, Arrival
from infra.local.simulator.users.population import Population
from lookup.model import timestamp
from tests.chaos.checks import check_counts
from tests.chaos.entries import Entry
from tests.chaos.evidence import DeadLetter, Evidence, Profile, Record
from tests.chaos.findings import Findings
from tests.chaos.ledger_evidence import Lookup, Part
from tests.chaos.orders import Message
from tests.chaos.requested import Requested
from tests.chaos.traffic import Answer
from tests.chaos.value_checks import Truth, check_values

ANNA: Entry = ("customer_id", "anna")
NOBODY: Entry = ("customer_id", "missing-1")
JUNK: Entry = ("invalid", "null")
KEY, INTAKE_KEY = "parts/list0001-x-00000001.ndjson.gz", "parts/intake-2026-m-1.ndjson.gz"
FETCHED_AT = 1_800_000_000.0
ATTRIBUTES = {"customer_id": "anna", "id": "1", "name": "Anna"}
FAILED_NONE = {"requested": 3, "found": 1, "not_found": 1, "invalid": 1, "failed": 0}
ONE_FOUND = {"requested": 1, "found": 1, "not_found": 0, "invalid": 0, "failed": 0}


def record(part: str, entry: Entry, outcome: str, attributes: Mapping[str, object] | None = None) -> Record:
    kind = "customer_id" if entry[0] == "invalid" else entry[0]
    fetched_at = None if outcome in {"invalid", "failed"} else timestamp(FETCHED_AT)
    return {
        "part": part, "identifier_type": kind, "identifier": entry[1], "outcome": outcome, "reason": None,
        "fetched_at": fetched_at, "user_attributes": attributes,
    }  # fmt: skip


def call(number: int, at: float, users: int, **facts: Any) -> Arrival:
    return replace(Arrival(number, at, FETCHED_AT + at, WORKSPACE_ID, users, 200, counted=True), **facts)


@dataclass
class CleanRun:
    """Everything of a run in which a list of three and a message of one were looked up, and one could not be read."""

    requested: Requested
    evidence: Evidence
    truth: Truth
    found: Findings = field(default_factory=Findings)

    @property
    def lookup(self) -> Lookup:
        return self.evidence.lookups["list0001-x"]

    def counted(self) -> dict[str, int]:
        """Check what is counted; return what is not zero."""
        check_counts(self.requested, self.evidence, self.found)
        return {name: times for name, times in self.found.numbers.items() if times}

    def compared(self) -> dict[str, int]:
        """Check the values; return what is not zero."""
        check_values(self.truth, self.evidence, (), self.found)
        return {name: times for name, times in self.found.numbers.items() if times}


def with_records(run: CleanRun, key: str, *records: Record) -> None:
    """Replace the records of an object."""
    run.evidence = replace(run.evidence, objects={**run.evidence.objects, key: list(records)})


@pytest.fixture
def clean_run() -> CleanRun:
    population = Population(0.0)
    population.set_user(WORKSPACE_ID, ANNA, ATTRIBUTES, exact=True)
    listed = Lookup(
        "list0001-x", "rosters/acme/list0001", "completed", 0.0, FAILED_NONE, {"00000001": Part(KEY, FAILED_NONE)}
    )
    intake = Lookup("intake-2026", counts=ONE_FOUND, parts={"m-1": Part(INTAKE_KEY, ONE_FOUND)})
    found = record("00000001", ANNA, "found", ATTRIBUTES)
    evidence = Evidence(
        lookups={one.lookup_id: one for one in (listed, intake)},
        objects={
            KEY: [found, record("00000001", NOBODY, "not_found"), record("00000001", JUNK, "invalid")],
            INTAKE_KEY: [record("m-1", ANNA, "found", ATTRIBUTES)],
        },
        profiles={
            ANNA: Profile(timestamp(FETCHED_AT), ATTRIBUTES, None),
            NOBODY: Profile(timestamp(FETCHED_AT), None, None),
        },
        inline={},
        dead_letters=[DeadLetter(intake=True, message_id="m-2", reason="body: broken", attributes="{}", body="{")],
        waiting=0,
        sent_users=0,
        ended=[{"lookup_id": "list0001-x", "state": "completed", "counts": FAILED_NONE}],
        changed=[],
        arrivals=[call(0, 0.0, 20), call(1, 1.0, 20)],
        texts=lambda: iter(()),
    )
    requested = Requested(
        rosters={"rosters/acme/list0001": (ANNA, NOBODY, JUNK)},
        fired={},
        inline={},
        accepted=[("list0001-x", (ANNA, NOBODY, JUNK))],
        messages={"m-1": Message(0.0, "anna", (ANNA,)), "m-2": Message(0.0, "{", None, breaks="body")},
        answered=[Answer((ANNA,), [dict(found)])],
    )
    return CleanRun(requested, evidence, Truth(population))
