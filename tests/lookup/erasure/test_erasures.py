"""Erasures: every copy of a person is found and removed, and nobody else's."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from dataclasses import replace

import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no type information
import pytest

from lookup.collection.files import Format
from lookup.ledger.erasures import ErasureState
from lookup.model import ERASED, Attributes, Identifier, IdentifierType, Outcome, Profile, Source, Status
from tests.lookup.erasure.world import ErasureWorld
from tests.lookup.services import customer
from tests.lookup.stage import Stage

PERSON = "Maria-17"


@pytest.fixture
def world(stage: Stage) -> ErasureWorld:
    return ErasureWorld(stage)


def test_no_copy_is_left_and_nobody_else_is_touched(world: ErasureWorld) -> None:
    """After an erasure no store holds the person, and every other record of every format is what it was."""
    world.store(PERSON, {"customer_id": PERSON, "id": "62e7", "name": "Maria"})
    world.store("Next-1", {"customer_id": "Next-1"})
    world.archive.write_unmatched("default", world.clock(), [{"customer_id": PERSON}, {"customer_id": "Other"}])
    world.lookup("l-1", ["A-1", PERSON, "A-3"])
    world.collect("l-1")
    world.lookup("l-2", [PERSON])  # not collected yet
    before = {name: world.files(name) for name in Format}
    assert len(world.places_of(PERSON)) == 10
    erasure = world.erasing.erase(customer(PERSON))
    assert world.places_of(PERSON) == []
    assert erasure.state is ErasureState.COMPLETED
    after = {name: world.files(name) for name in Format}
    old, new = (gzip.decompress(one[Format.NDJSON][0]).split(b"\n") for one in (before, after))
    assert [place for place, line in enumerate(old) if line != new[place]] == [3]
    assert json.loads(new[3]) == {
        "schema_version": 1, "lookup_id": "l-1", "part": "00000002", "correlation_id": None, "line": None,
        "changed": True, "identifier_type": "customer_id", "identifier": None, "outcome": "found", "reason": ERASED,
        "source": None, "fetched_at": None, "changed_fields": [], "replaced_fields": [], "user_attributes": None,
    }  # fmt: skip
    old_table, new_table = (pq.read_table(io.BytesIO(one[Format.PARQUET][0])) for one in (before, after))
    assert new_table.schema.equals(old_table.schema, check_metadata=True)
    old_rows, new_rows = old_table.to_pylist(), new_table.to_pylist()
    assert [place for place, row in enumerate(old_rows) if row != new_rows[place]] == [3]
    old_csv, new_csv = (gzip.decompress(one[Format.CSV][0]).decode() for one in (before, after))
    cells = list(csv.reader(io.StringIO(new_csv, newline="")))
    assert cells[4] == ["customer_id", "", "found", ERASED, "", "", "true", "[]", ""]
    assert [row for place, row in enumerate(csv.reader(io.StringIO(old_csv, newline=""))) if place != 4] == (
        cells[:4] + cells[5:]
    )


def test_the_manifest_and_the_ledger_stay_true(world: ErasureWorld) -> None:
    """The manifest's counts stay, its hashes and sizes are the rewritten files', and it counts who is erased."""
    world.lookup("l-1", ["A-1", PERSON])
    world.collect("l-1")
    counts = world.manifest()["counts"]
    world.erasing.erase(customer(PERSON))
    manifest = world.manifest()
    assert manifest["counts"] == counts == world.ended("l-1").tally.counts.to_json()
    assert manifest["erased"] == 1
    for file in manifest["files"]:
        body = world.body(file["key"])
        assert (file["bytes"], file["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert world.collected().bytes == sum(file["bytes"] for file in manifest["files"])
    world.collect("l-1")
    assert world.manifest() == manifest


def test_a_lookup_is_collected_after_its_people_are_erased(world: ErasureWorld) -> None:
    """Parts whose records were erased still add up to what the ledger counts, so that their lookup is published."""
    world.lookup("l-1", [PERSON, "A-2"])
    world.erasing.erase(customer(PERSON))
    world.collect("l-1")
    assert [one["identifier"] for one in world.records()][:2] == [None, "Other-l-1-1"]
    assert world.manifest()["counts"]["found"] == 4


def test_a_record_under_another_identifier_is_the_persons_too(world: ErasureWorld) -> None:
    """What was stored under MoEngage's id goes with the customer id that its attributes hold."""
    world.store(PERSON, {"customer_id": PERSON, "id": "62e7"})
    world.profiles.write(under_moengages_id(world, {"customer_id": PERSON, "id": "62e7"}), None)
    world.erasing.erase(customer(PERSON))
    assert world.places_of("62e7") == []


def under_moengages_id(world: ErasureWorld, attributes: Attributes) -> Profile:
    """Return a profile that was looked up by MoEngage's id alone."""
    one = Identifier(IdentifierType.ID, "62e7")
    return Profile("default", one, attributes, world.clock(), "l-0", changed_at=world.clock())


@pytest.mark.parametrize("is_collected", [False, True])
@pytest.mark.parametrize("name", [PERSON, "+4917", "17"])
def test_who_was_only_looked_up_by_moengages_id(world: ErasureWorld, name: str, *, is_collected: bool) -> None:
    """A record that holds the customer id leads to the profile under MoEngage's id, and to every format's row of it."""
    attributes: Attributes = {"customer_id": int(name) if name == "17" else name, "id": "62e7", "city": "Verl"}
    profile = under_moengages_id(world, attributes)
    world.profiles.write(profile, None)
    other = replace(profile, identifier=Identifier(IdentifierType.ID, "99ff"), attributes={"customer_id": "Bob"})
    world.profiles.write(other, None)
    spec = world.begin(formats=("csv",), fields=("customer_id", "city"))
    kept = replace(profile, attributes={name: attributes[name] for name in ("customer_id", "city")})
    outcomes = [Outcome(one.identifier, Status.FOUND, profile=one, source=Source.MOENGAGE) for one in (kept, other)]
    world.arrive(spec, 1, outcomes)
    world.end(spec)
    if is_collected:
        world.collect()
    assert len(world.places_of("Verl")) == (5 if is_collected else 2)
    world.erasing.erase(customer(name))
    assert world.places_of("Verl") == world.places_of("62e7") == []
    assert "profiles" in world.places_of("99ff")


def test_a_user_that_nobody_asked_for_leads_to_the_profile(world: ErasureWorld) -> None:
    """What MoEngage returned of a person beside what was asked for names other identifiers of theirs, too."""
    user: Attributes = {"customer_id": PERSON, "id": "62e7"}
    world.profiles.write(under_moengages_id(world, user), None)
    world.archive.write_unmatched("default", world.clock(), [user])
    world.erasing.erase(customer(PERSON))
    assert world.places_of(PERSON) == world.places_of("62e7") == []


def test_unknown_twice_and_once_more_is_the_same_answer(world: ErasureWorld) -> None:
    """Erasing somebody of whom nothing is stored, or who is erased already, ends as any erasure does."""
    first = world.erasing.erase(customer("Nobody"))
    assert (first.state, first.passes) == (ErasureState.COMPLETED, 2)
    begun = world.erasing.begin(customer("Nobody"))
    assert (begun.erasure_id, begun.state) == (first.erasure_id, ErasureState.RUNNING)
    assert world.erasing.begin(customer("Nobody")) == begun
    world.erasing.finish()
    assert world.erasing.state(begun) is ErasureState.COMPLETED


def test_the_receipt_names_places_and_nobody(world: ErasureWorld) -> None:
    """The receipt says what was searched, found and removed, by keyed hashes alone."""
    world.store(PERSON, {"customer_id": PERSON})
    key = world.lookup("l-1", [PERSON])[0]
    erasure = world.erasing.erase(customer(PERSON))
    assert erasure.receipt is not None
    text = world.body(erasure.receipt)
    receipt = json.loads(text)
    assert PERSON.encode() not in text
    assert receipt["found"] == erasure.found == {"profiles": 1, "parts": 1}
    assert {"search": 1, "store": "parts", "place": key, "records": 1, "done": "rewritten"} in receipt["places"]
    assert receipt["verified"]["searches"] == 2
    assert receipt["verified"]["searched"]["parts"] == 1
    assert len(receipt["hashes"]) == 1
