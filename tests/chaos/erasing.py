"""Erasures in a run: people who are looked up all the while are erased, and at the end no copy of them is anywhere."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no type information

from infra.local.simulator.users.identity import id_of
from tests.chaos.clock import REAL_SLEEP, FastClock
from tests.chaos.findings import LEAKS, STUCK, Findings
from tests.chaos.http_events import erasure_event
from tests.chaos.ledger_evidence import scan
from tests.chaos.processes import ProcessSlot
from tests.lookup.stage import Stage
from tests.waiting import GIVE_UP

AT_ONCE = 4  # people of one erasure
FROM, TO = 0.15, 0.6  # of the horizon, between which erasures are asked for
PAUSE = 0.2  # real seconds before a retry
ACCEPTED = 202


@dataclass(frozen=True)
class Erased:
    """What is left of the erased: states by erasure, rosters that are needed, and places where a name was found."""

    states: Mapping[str, str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    found: Sequence[tuple[str, str]] = ()


@dataclass
class EraseRequests:
    """A partner that has people erased, each by both of their identifiers, and asks for each erasure twice."""

    slot: ProcessSlot
    clock: FastClock
    people: Sequence[str]
    horizon: float
    begun: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Ask for all of them, one after the other."""
        some = [self.people[start : start + AT_ONCE] for start in range(0, len(self.people), AT_ONCE)]
        for number, names in enumerate(some):
            self.clock.wait_until(self.horizon * (FROM + (TO - FROM) * number / len(some)))
            for _ in range(2):
                self._ask(names)

    def _ask(self, names: Sequence[str]) -> None:
        identifiers: list[object] = [*names, *({"identifier_type": "id", "identifier": id_of(name)} for name in names)]
        until = self.clock.passed() + GIVE_UP
        reply = None
        while self.clock.passed() < until:
            reply = self.slot.invoke(erasure_event(identifiers))
            answer: Any = reply and reply.get("answer")
            if answer is not None and answer["statusCode"] == ACCEPTED:
                self.begun.append(json.loads(answer["body"])["erasure_id"])
                return
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"an erasure was not accepted in {GIVE_UP:.0f} s, the last answer {reply}")


def are_over(stage: Stage) -> bool:
    """Return whether every erasure is verified."""
    return all(item["is"] == "completed" for item in _erasures(stage))


def remove_abandoned_uploads(stage: Stage) -> None:
    """Remove unfinished uploads, as S3 does after a day: whoever began them was killed."""
    bucket = stage.settings.bucket_name
    for one in stage.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        stage.s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])


def left_of(stage: Stage, people: Sequence[str]) -> Erased:
    """Search every version of every object and every item for the names of people, byte by byte."""
    items = list(_erasures(stage))
    names = [name.encode() for name in people]
    places = [(place, name.decode()) for place, held in _everything(stage) for name in names if name in held]
    needed = frozenset(key for item in items for key in item.get("rosters", ()))
    return Erased({item["pk"]: item["is"] for item in items}, needed, places if people else ())


def check_erased(left: Erased, people: Sequence[str], found: Findings) -> None:
    """Every erasure is verified, and nobody is anywhere but on rosters that its receipt lists as needed."""
    erasures = -(-len(people) // AT_ONCE)
    found.add(STUCK, f"{len(left.states)} erasures of {erasures}", erasures - len(left.states))
    for erasure_id, state in left.states.items():
        found.add(STUCK, f"{erasure_id} is {state}", state != "completed")
    for place, name in left.found:
        found.add(LEAKS, f"the erased {name} in {place}", place not in left.needed)


def _erasures(stage: Stage) -> Iterator[dict[str, Any]]:
    for item in scan(stage, stage.settings.ledger_table_name):
        if item["pk"].startswith("erasure#") and item["sk"] == "state":
            yield item


def _everything(stage: Stage) -> Iterator[tuple[str, bytes]]:
    s3, bucket = stage.s3, stage.settings.bucket_name
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", []):
            body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            yield one["Key"], one["Key"].encode() + _plain(one["Key"], body)
    for table in (stage.settings.profiles_table_name, stage.settings.ledger_table_name):
        yield from ((table, repr(item).encode()) for item in scan(stage, table))


def _plain(key: str, body: bytes) -> bytes:
    if body.startswith(b"\x1f\x8b"):
        return gzip.decompress(body)
    if key.endswith(".parquet"):
        return repr(pq.read_table(io.BytesIO(body)).to_pylist()).encode()
    return body
