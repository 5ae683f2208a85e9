"""Lookups and their parts as the ledger has them, read item by item without our own readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from tests.lookup.stage import Stage

OUTCOMES = ("found", "not_found", "invalid", "failed")
_read = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Part:
    """A part that the ledger counted: the key of its object, and its outcomes by name."""

    key: str
    counts: Mapping[str, int]


@dataclass
class Lookup:
    """A lookup as the ledger has it; that of the intake queue has neither roster nor end. `out` parts are still out."""

    lookup_id: str
    roster: str | None = None
    state: str | None = None
    submitted_at: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    out: int = 0
    claimed: bool = False


def scan(stage: Stage, table: str) -> Iterator[dict[str, Any]]:
    """Read all items of a table, as plain values."""
    for page in stage.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            yield {name: _read(value) for name, value in item.items()}


def ledger(stage: Stage) -> tuple[dict[str, Lookup], int]:
    """Read the ledger: its lookups, and how much it counts as in flight, or waiting, beside them."""
    lookups: dict[str, Lookup] = {}
    sent_users = 0
    for item in scan(stage, stage.settings.ledger_table_name):
        kind, _, name = item["pk"].partition("#")
        if kind == "feeder" and item["sk"] == "sent":
            sent_users += sum(abs(int(item.get(name, 0))) for name in ("users", "unusable", "claimed"))
        elif kind == "share":
            # A share whose lookups have all ended counts nothing; else that would be counted for ever.
            sent_users += sum(abs(int(item.get(name, 0))) for name in ("ready", "users", "running", "unfinished"))
        elif kind == "out":
            owner = item["sk"].partition("#")[0]
            lookups.setdefault(owner, Lookup(owner)).out += 1
        elif kind == "lookup":
            _learn(lookups.setdefault(name, Lookup(name)), item)
    return lookups, sent_users


def _learn(lookup: Lookup, item: Mapping[str, Any]) -> None:
    fact, _, number = item["sk"].partition("#")
    match fact:
        case "spec":
            lookup.roster, lookup.submitted_at = item["roster_key"], float(item["submitted_at"])
        case "state":
            lookup.state = item["is"]
        case "cursor":
            lookup.claimed = "claim_token" in item
        case "counts":
            lookup.counts = _counts(item)
        case "part":
            lookup.parts[number] = Part(item["key"], _counts(item))


def _counts(item: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(item.get(name, 0)) for name in ("requested", *OUTCOMES)}
