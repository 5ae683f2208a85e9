"""Checks that the files of a lookup that has ended hold what its parts hold, in order, and what the ledger counts."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookup import exact_json
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Findings

if TYPE_CHECKING:
    from tests.chaos.evidence import Evidence
    from tests.chaos.ledger_evidence import Lookup
    from tests.lookup.stage import Stage

Named = tuple[str, str, str]  # part, identifier, outcome
ENDED = {"completed", "cancelled"}


@dataclass(frozen=True)
class Collected:
    """What is published of a lookup: the manifest's counts, and the records of its NDJSON files in order."""

    counts: Mapping[str, int]
    records: Sequence[Named]


def collected_of(stage: Stage, lookup_id: str, item: Mapping[str, Any]) -> Collected | None:
    """Read what a lookup's item says is published; None when nothing is."""
    if item["is"] != "ready":
        return None
    bucket = stage.settings.bucket_name
    manifest: Any = exact_json.loads(stage.s3.get_object(Bucket=bucket, Key=item["manifest"])["Body"].read())
    keys = [one["key"] for one in manifest["files"] if (one["format"], one["only"]) == ("ndjson", None)]
    lines: list[Any] = [
        exact_json.loads(line)
        for key in keys
        for line in gzip.decompress(stage.s3.get_object(Bucket=bucket, Key=key)["Body"].read()).splitlines()
    ]
    if {line["lookup_id"] for line in lines} > {lookup_id}:
        raise ValueError(f"{lookup_id}: records of another lookup")
    return Collected(manifest["counts"], [_named(line) for line in lines])


def check_collected(evidence: Evidence, found: Findings) -> None:
    """Compare the files of each lookup that has ended with the objects of its parts."""
    for one in evidence.lookups.values():
        if one.roster is not None and one.state in ENDED:
            _check(one, evidence, found)


def check_ready_events(evidence: Evidence, found: Findings) -> None:
    """Compare the events of results that are ready with what is published: none is missing, each counts the same."""
    published = {event["lookup_id"]: event for event in evidence.ready or ()}
    for lookup_id, one in evidence.collected.items():
        event = published.get(lookup_id)
        found.add(STUCK, f"{lookup_id}: its results are published without an event", event is None)
        found.add(
            WRONG,
            f"{lookup_id}: its results' event counts otherwise",
            event is not None and event["counts"] != one.counts,
        )
    found.add(WRONG, "results that nobody can read were published", len(set(published) - set(evidence.collected)))


def _check(one: Lookup, evidence: Evidence, found: Findings) -> None:
    collected = evidence.collected.get(one.lookup_id)
    if collected is None:
        found.add(STUCK, f"{one.lookup_id}: its results are not published")
        return
    parts = [part for _, part in sorted(one.parts.items()) if part.key]
    expected = [_named(record) for part in parts for record in evidence.objects[part.key]]
    if dict(collected.counts) != dict(one.counts):
        found.add(
            WRONG, f"{one.lookup_id}: the manifest counts {dict(collected.counts)}, the ledger {dict(one.counts)}"
        )
    found.add(LOST, f"{one.lookup_id}: records are not in its files", len(expected) - len(collected.records))
    found.add(DOUBLED, f"{one.lookup_id}: records are in its files twice", len(collected.records) - len(expected))
    if len(expected) == len(collected.records) and list(collected.records) != expected:
        found.add(WRONG, f"{one.lookup_id}: its files hold other records than its parts, or in another order")


def _named(record: Mapping[str, Any]) -> Named:
    return record["part"], record["identifier"], record["outcome"]
