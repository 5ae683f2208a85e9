"""What an erasure finds where: rosters, queries, former versions, oversized attributes, exports, tombstones."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from dataclasses import replace

import pytest

from lookup.collection.files import Format
from lookup.erasure.copies.rosters import PARSED_MOST, names_somebody
from lookup.erasure.copies.texts import line_blocks, pieces, rewrite_csv
from lookup.erasure.objects import CHUNK
from lookup.erasure.people import People
from lookup.errors import LimitExceeded, Misconfigured
from lookup.fetch.tombstones import HashKeys, Tombstones
from lookup.model import DAY, Identifier, IdentifierType, InvalidIdentifier
from lookup.rosters.decompression import Bounds
from lookup.validation import ParsedIdentifier
from tests.lookup.collection.exporting import Exporting
from tests.lookup.erasure.world import ErasureWorld, Steps
from tests.lookup.services import customer
from tests.lookup.stage import ERASURE_SECRET_ID, Stage

ANNA = "Anna-7"


@pytest.fixture
def world(stage: Stage) -> ErasureWorld:
    return ErasureWorld(stage)


def put(world: ErasureWorld, key: str, body: bytes) -> None:
    world.stage.s3.put_object(Bucket=world.stage.settings.bucket_name, Key=key, Body=body)


def is_named_in(body: bytes, people: People, bounds: Bounds, *, parsed_most: int = PARSED_MOST) -> bool:
    return names_somebody(lambda: pieces(body), people, bounds, parsed_most=parsed_most)


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        (b"Bob\nAnna-7\n", True),
        (b"Bob\nAnna-70\nXAnna-7\n", False),
        (b"customer_id,name\r\nBob,x\r\nAnna-7,y\r\n", True),
        (b"customer_id,name\r\nBob,Anna-7\r\n", False),
        (b'{"customer_id": "Anna-7"}\n', True),
        (b'{"customer_id": "Anna\\u002d7"}\n', True),
        (b'{"customer_id": "\\u0041nna\\u002D7"}\n', True),
        (b'["\\u0041\\u006E\\u006e\\u0061\\u002d\\u0037"]', True),
        (b'{"customer_id": "\\u0041nna\\u002D70"}\n{"customer_id": "B\\u0041nna-7"}\n', False),
        (b'[{"identifier": "Bob"}, {"identifier": "Anna-7"}]', True),
        (b'{"identifier_type": "id", "identifier": "Anna-7"}\n', False),
        (b"| customer_id |\n| --- |\n| Anna-7 |\n", True),  # no roster that a lookup would take
    ],
)
def test_a_roster_names_somebody_by_its_entries(text: bytes, *, is_named: bool) -> None:
    """A roster is read as a lookup reads it, packed or not; one that cannot be read, by its text."""
    people = People([customer(ANNA)])
    assert is_named_in(text, people, Bounds()) is is_named
    assert is_named_in(gzip.compress(text), people, Bounds()) is is_named


@pytest.mark.parametrize("identifier", ['a/b"c\\d', "ä-7", "\U0001f600-7", "=1+1;x", "x" * 512])
def test_an_escape_hides_nobody(identifier: str) -> None:
    """Whatever characters of JSON are escaped, the entry is found, and one that begins or ends alike is not."""
    people = People([customer(identifier)])
    escaped = "".join(f"\\u{unit:04X}" for (unit,) in struct.iter_unpack(">H", identifier.encode("utf-16-be")))
    for written in (escaped, json.dumps(identifier)[1:-1], json.dumps(identifier)[1:-1].replace("/", "\\/")):
        assert is_named_in(f'["Bob", "{written}"]'.encode(), people, Bounds())
        assert not is_named_in(f'["\\u0042ob", "{written}0", "0{written}"]'.encode(), people, Bounds())


def test_a_long_roster_is_not_parsed_to_its_end() -> None:
    """One with escapes everywhere costs a search no more than any; a long one counts by the text that is in it."""
    people, names = (
        People([customer(ANNA)]),
        b"".join(b'{"customer_id": "\\u0042ob-%d"}\n' % number for number in range(9000)),
    )
    other = b'{"customer_id": "Bob", "of": "Anna-7"}\n'
    assert not is_named_in(names, people, Bounds(), parsed_most=1000)
    assert not is_named_in(names + other, people, Bounds())
    assert is_named_in(names + other, people, Bounds(), parsed_most=1000)


def test_a_roster_that_is_a_trap_stops_nobody() -> None:
    """A broken gzip, one cut off, and one that unpacks without end are judged by what a lookup would read of them."""
    people, names = People([customer(ANNA)]), b"".join(b"Bob-%d\n" % number for number in range(9000))
    broken = gzip.compress(names + b"Anna-7\n")
    assert not is_named_in(broken[:200] + bytes(50) + broken[250:], People([customer("Zoe")]), Bounds())
    assert not is_named_in(broken[: len(broken) // 2], people, Bounds())
    assert is_named_in(gzip.compress(bytes(80_000_000)), people, Bounds(megabytes=4))


def test_a_roster_is_read_piece_by_piece(world: ErasureWorld) -> None:
    """A roster may be longer than the memory: no piece of it is longer than the others; one that is gone has none."""
    objects, body = world.erasing.objects, b"Bob\n" * 200_000
    put(world, "rosters/acme/long", body)
    (found,) = objects.under("rosters/acme/long")
    pieces_read = list(objects.chunks(found.key, found.versions[0]))
    assert b"".join(pieces_read) == body
    assert max(map(len, pieces_read)) <= CHUNK < len(body)
    objects.delete_all(found.key)
    assert list(objects.chunks(found.key, found.versions[0])) == []


def test_a_roster_goes_once_nothing_needs_it(world: ErasureWorld) -> None:
    """A roster of a running lookup, or that a schedule names, stays and is listed; it goes when it is free."""
    for name in ("running", "scheduled", "free"):
        put(world, f"rosters/acme/{name}", b"Anna-7\nBob\n")
    put(world, "rosters/acme/other", b"Bob\n")
    put(world, "rosters/inline/lookup-9.ndjson", b'{"identifier":"Anna-7"}\n')
    world.clock.now += 4000
    spec = world.submit("l-9", world.roster(b"Anna-7\nBob\n", "rosters/acme/running"))
    world.references.add_lookup(spec)
    world.references.add_schedule("rosters/acme/scheduled", "acme.nightly")
    erasure = world.erasing.erase(customer(ANNA))
    assert erasure.rosters == ("rosters/acme/running", "rosters/acme/scheduled")
    assert world.places_of(ANNA) == list(erasure.rosters)
    assert world.body("rosters/acme/other") == b"Bob\n"
    world.references.remove_schedule("rosters/acme/scheduled", "acme.nightly")
    for _ in range(60):
        world.erasing.serve_one()
        if world.places_of(ANNA) == ["rosters/acme/running"]:
            break
    assert world.erasing.requests.read("acme", erasure.erasure_id).rosters == ("rosters/acme/running",)
    receipt = json.loads(world.body(erasure.receipt or ""))
    assert receipt["rosters_needed"] == list(erasure.rosters)


def test_the_stages_own_schedules_keep_their_rosters(stage: Stage) -> None:
    """A roster that a schedule of the stage names stays and is listed, though the ledger has no reference to it."""
    settings = replace(stage.settings, scheduled_rosters=("rosters/daily.csv", "rosters/weekly.csv"))
    world = ErasureWorld(replace(stage, settings=settings))
    for name in ("daily.csv", "weekly.csv", "former.csv"):
        put(world, f"rosters/{name}", b"Anna-7\nBob\n")
    world.clock.now += 4000
    erasure = world.erasing.erase(customer(ANNA))
    assert erasure.rosters == ("rosters/daily.csv", "rosters/weekly.csv")
    assert world.body("rosters/daily.csv") == b"Anna-7\nBob\n"
    assert world.places_of(ANNA) == list(erasure.rosters)


def test_former_versions_and_answers_of_athena(world: ErasureWorld) -> None:
    """Versions that readers do not see any more, deleted objects too, and answers that hold the identifier are gone."""
    key = world.lookup("l-1", [ANNA, "Bob"])[0]
    former = world.body(key)
    put(world, key, gzip.compress(b""))
    hidden = world.lookup("l-2", [ANNA])[0]
    world.stage.s3.delete_object(Bucket=world.stage.settings.bucket_name, Key=hidden)
    put(world, "queries/1.csv", b'"identifier"\n"Anna-7"\n')
    put(world, "queries/2.csv", b'"identifier"\n"Anna-70"\n')
    assert ANNA.encode() in gzip.decompress(former)
    world.erasing.erase(customer(ANNA))
    assert [place for place in world.places_of(ANNA) if place != "queries/2.csv"] == []
    assert world.body("queries/2.csv") == b'"identifier"\n"Anna-70"\n'


def test_oversized_attributes_of_one_person_are_one_persons(world: ErasureWorld) -> None:
    """Objects of all of a person's fetches go; another's with equal attributes stays, for it is another object."""
    many = {"text": "x" * 400_000}
    for name in (ANNA, "Bob"):
        world.store(name, many)
    world.clock.now += 10
    world.store(ANNA, many | {"more": 1})
    assert len(world.stage.keys("oversize/")) == 3
    world.erasing.erase(customer(ANNA))
    assert len(world.stage.keys("oversize/")) == 1
    assert customer("Bob") in world.profiles.read("default", [customer("Bob"), customer(ANNA)])
    assert not any(ANNA in key for key in world.stage.keys("oversize/"))


def test_exports_are_rewritten_and_their_hashes_too(stage: Stage) -> None:
    """An export is rewritten like the files that it was made of, and what the ledger lists of it is true afterwards."""
    world = ErasureWorld(stage)
    world.lookup("l-1", [ANNA, "Bob"], formats=())
    world.collect("l-1")
    exporting = Exporting(world)
    exporting.ask(written_as=Format.CSV_BOM)
    exporting.make(written_as=Format.CSV_BOM)
    assert any("-bom-" in place for place in world.places_of(ANNA))
    world.erasing.erase(customer(ANNA))
    assert world.places_of(ANNA) == []
    for file in exporting.listed():
        body = world.body(file.key)
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file.bytes, file.sha256)
    sizes = {
        written_as: sum(one.bytes for one in exporting.listed() if one.format is written_as) for written_as in Format
    }
    assert exporting.export(written_as=Format.CSV_BOM).bytes == sizes[Format.CSV_BOM] > 0
    assert world.collected().bytes == sizes[Format.NDJSON] + sizes[Format.PARQUET]
    exporting.ask()
    exporting.make()
    assert [row["identifier"] for row in exporting.rows()][:2] == ["", "Other-l-1-1"]


def test_a_person_by_moengages_own_id(world: ErasureWorld) -> None:
    """Of two people with one text as identifier, of different types, only the one that is named is erased."""
    world.store("62e7", {"customer_id": "62e7", "id": "99ff"})
    world.lookup("l-1", ["62e7"])
    world.erasing.erase(Identifier(IdentifierType.ID, "62e7"))
    assert customer("62e7") in world.profiles.read("default", [customer("62e7")])
    world.erasing.erase(Identifier(IdentifierType.ID, "99ff"), customer("62e7"))
    assert world.places_of("62e7") == []


def test_rows_of_csv_are_cut_as_csv_says() -> None:
    """A cell may hold line breaks and quotes: all rows but the erased one are the bytes that they were."""
    head = b"identifier_type,identifier,outcome,reason,source,fetched_at,changed,changed_fields,city\r\n"
    other = b'customer_id,Bob,found,,moengage,2026,true,[],"of ""Anna-7"",\r\nand\nmore"\r\n'
    formula = b"customer_id,'=1+1,found,,moengage,2026,,[],x\r\n"
    anna = b'customer_id,Anna-7,found,,moengage,2026,true,"[""a""]",secret\r\n'
    body = gzip.compress(b"\xef\xbb\xbf" + head + other + anna + formula)
    written = rewrite_csv(pieces(body), People([customer(ANNA), customer("=1+1")]))
    assert written.records == 2
    gone = b"customer_id,,found,erased,,,true,[],\r\ncustomer_id,,found,erased,,,,[],\r\n"
    assert gzip.decompress(written.body) == b"\xef\xbb\xbf" + head + other + gone
    lines = b'a,"' + b"x\n" * 300_000 + b'",b\r\n'  # of one cell: read line by line, and not again from its beginning
    assert list(line_blocks([lines, b"c\n"], quoted=True)) == [[lines, b"c\n"]]
    texts = [bytes([one]) for one in b'a,"\n",b\nc\n']
    assert [row for rows in line_blocks(texts, quoted=True) for row in rows] == [b'a,"\n",b\n', b"c\n"]


def test_tombstones_end_are_lifted_and_outlive_a_rotated_key(world: ErasureWorld) -> None:
    """A tombstone counts for its days or until it is lifted, whichever version of the key made it."""
    erasing, keys = world.erasing, HashKeys(world.stage.secretsmanager, ERASURE_SECRET_ID)
    known = Tombstones(erasing.erasures, keys, world.clock)
    erasing.begin(customer(ANNA), customer("Ben"))
    world.stage.secretsmanager.put_secret_value(SecretId=ERASURE_SECRET_ID, SecretString="a new key")
    erasing.begin(customer("Cleo"))
    everybody = [customer(name) for name in (ANNA, "Ben", "Cleo", "Dora")]
    assert known.erased("default", everybody) == frozenset(everybody[:3])
    assert known.erased("other", everybody) == frozenset()
    assert known.names_erased("default", {"uid": ANNA})
    entries: list[ParsedIdentifier] = [*everybody, InvalidIdentifier("x", "rule")]
    kept = known.kept_entries("default", entries)
    assert [one for one in kept if isinstance(one, Identifier)] == everybody[3:]
    lines = [json.dumps({"identifier_type": "customer_id", "identifier": name, "outcome": "found", "reason": None,
                         "user_attributes": {"uid": uid}}).encode() + b"\n"
             for name, uid in (("Dora", "d"), ("Ben", "b"), ("Else", "Cleo"))]  # fmt: skip
    kept_lines = known.kept_lines("default", b"".join(lines)).splitlines(keepends=True)
    assert kept_lines[0] == lines[0]
    assert [json.loads(line)["identifier"] for line in kept_lines] == ["Dora", None, None]
    assert erasing.requests.lift("default", [customer(ANNA), customer("Dora")]) == 1
    world.clock.now += 31
    assert known.erased("default", everybody) == frozenset(everybody[1:3])
    world.clock.now += 90 * DAY
    assert known.erased("default", everybody) == frozenset()


def test_a_lost_key_is_no_way_around(world: ErasureWorld) -> None:
    """Where tombstones cannot be checked nobody is fetched: an error, not an answer."""
    world.erasing.begin(customer(ANNA))
    blind = Tombstones(world.erasing.erasures, HashKeys(world.stage.secretsmanager, None), world.clock)
    with pytest.raises(Misconfigured):
        blind.erased("default", [customer("Bob")])


def test_a_partner_is_bounded_by_the_day(world: ErasureWorld) -> None:
    """Over the identifiers of a day nothing is written, and no message does anything; the next day has its own."""
    requests = world.erasing.requests
    requests.begin("acme", "default", [customer("A-1"), customer("A-2")], per_day=3)
    with pytest.raises(LimitExceeded):
        requests.begin("acme", "default", [customer("A-3"), customer("A-4")], per_day=3)
    assert sum(len(one.hashes) for one in world.erasing.erasures.tombstones()) == 2
    requests.begin("acme", "default", [customer("A-2"), customer("A-1")], per_day=3)
    for number in range(9):
        requests.begin("acme", "default", [customer(f"B-{number}")], per_day=1000)
    with pytest.raises(LimitExceeded) as refused:
        requests.begin("acme", "default", [customer("B-9")], per_day=1000)
    assert refused.value.limit == 10
    requests.begin("another", "default", [customer("B-9")], per_day=1000)
    world.erasing.finish()
    world.clock.now += DAY
    requests.begin("acme", "default", [customer("A-3"), customer("A-4")], per_day=3)
    assert isinstance(world.erasing.steps, Steps)


def test_parts_that_collected_files_hold_are_not_read(world: ErasureWorld) -> None:
    """Of a lookup whose files name nobody no part is read; of one whose files do, and of later objects, each is."""
    quiet = world.lookup("l-1", ["Bob", "Cleo"])
    named = world.lookup("l-2", [ANNA, "Dora"])
    world.clock.now += 3600
    for lookup_id in ("l-1", "l-2"):
        world.collect(lookup_id)
    late = world.lookup("l-3", ["Else"])
    read: list[str] = []
    objects = world.erasing.objects
    real = objects.read
    objects.read = lambda key, version=None: (read.append(key), real(key, version))[1]  # type: ignore[method-assign,func-returns-value]  # counted
    world.erasing.begin(customer(ANNA))
    world.erasing.serve_one()
    assert not set(quiet) & set(read)
    assert {*named, *late} <= set(read)
    world.erasing.finish()
    assert world.places_of(ANNA) == []
