"""Rosters in the bucket: what is accepted, what is refused by name, the reported size, and gzip unpacked once."""

from __future__ import annotations

import codecs
import gzip
import random
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.local.roster import entries
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType, InvalidIdentifier
from lookup.rosters.counting import COUNTED_BYTES, count_entries
from lookup.rosters.keys import key_of
from lookup.rosters.reader import CHUNK
from lookup.rosters.store import RosterStore
from tests.aws_answers import s3_slow_down
from tests.lookup.stage import Stage

KEY = "rosters/acme/one"
UNIFORM = b"customer_id\n" + b"".join(b"user-%06d\n" % number for number in range(20_000))


@pytest.fixture
def rosters(stage: Stage) -> RosterStore:
    stage.s3.put_bucket_versioning(Bucket=stage.settings.bucket_name, VersioningConfiguration={"Status": "Enabled"})
    return RosterStore(stage.s3, stage.settings.bucket_name)


def put(stage: Stage, body: bytes, key: str = KEY) -> None:
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=body)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "is empty"),
        (b"\n\r\n \n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"customer_id\n", "is empty but for its header"),
        (codecs.BOM_UTF8 + b"\ncustomer_id\r\n\r\n", "is empty but for its header"),
        ("user-1\n".encode("utf-16"), "is UTF-16; it must be UTF-8"),
        (codecs.BOM_UTF16_BE + "user-1\n".encode("utf-16-be"), "is UTF-16; it must be UTF-8"),
        ("Zoë\nJürgen\n".encode("latin-1"), "is not UTF-8"),
        (b"name,email\nJo,jo@example.com\n", "has no column customer_id, id, moengage_id, or identifier"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"customer_id\n", mtime=0), "is empty but for its header"),
        (b"\x1f\x8b is no gzip", "is empty"),
    ],
)
def test_what_is_refused(stage: Stage, rosters: RosterStore, body: bytes, rule: str) -> None:
    """A roster without identifiers is refused with a reason."""
    put(stage, body)
    with pytest.raises(InvalidInput) as refused:
        rosters.pin(KEY)
    assert refused.value.field == "roster"
    assert refused.value.rule.startswith(rule)


def test_a_long_roster_is_counted_to_a_limit(stage: Stage, rosters: RosterStore) -> None:
    """With a limit the entries are exact up to the limit, and over it they are over it."""
    ragged = b"customer_id\r\n" + b"\n".join(b"u" * (number % 90 + 2) + b"\r\n" for number in range(9_000)) + b"last"
    put(stage, ragged)
    assert rosters.pin(KEY).entries != 9_001
    assert rosters.pin(KEY, count_to=9_001).entries == 9_001
    assert rosters.pin(KEY, count_to=9_000).entries > 9_000
    assert rosters.pin(KEY, count_to=10).entries > 10
    assert rosters.pin(KEY, count_to=9_001).counted is None


def test_what_a_request_has_no_time_to_count_is_counted_later(stage: Stage, rosters: RosterStore) -> None:
    """Beyond 512 KB, and of gzip beyond its opening, a request counts the least that there is and reads no more."""
    line = b"user-%032d\n" % 7
    number = 2 * COUNTED_BYTES // len(line)
    put(stage, line * number)
    read: list[str] = []
    stage.s3.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: read.append(params["Range"])
    )
    pinned = rosters.pin(KEY, count_to=10 * number)
    assert pinned.entries == pytest.approx(number, rel=0.01)
    assert pinned.counted == pytest.approx(number / 2, rel=0.05)
    assert [int(one.rpartition("-")[2]) for one in read] == [CHUNK - 1, COUNTED_BYTES + CHUNK - 1]
    assert rosters.pin(KEY, count_to=1000).entries > 1000
    chance = random.Random(3)
    packed = gzip.compress(b"".join(b"user-%x\n" % chance.randrange(16**12, 16**13) for _ in range(20_000)))
    put(stage, packed)
    few = rosters.pin(KEY, count_to=10**6)
    assert few.needs_rewriting
    assert few.counted is not None
    assert 0 < few.counted < 20_000


@pytest.mark.parametrize("number", [1, 2])
def test_a_size_over_the_stage_s_is_refused(stage: Stage, number: int) -> None:
    """What is stored is measured again when it is pinned, whatever was declared."""
    put(stage, b"user-1\n" * (number * 149_000))
    small = RosterStore(stage.s3, stage.settings.bucket_name, megabytes=1)
    if number == 1:
        assert small.pin(KEY).size == 1_043_000
    else:
        with pytest.raises(InvalidInput, match="roster: is over 1 MB"):
            small.pin(KEY)


def test_a_packed_roster_of_a_huge_ratio_is_refused_at_once(stage: Stage, rosters: RosterStore) -> None:
    """36 KB that unpack to 36 MB are refused when they are pinned, after a megabyte's work, with the rule."""
    put(stage, gzip.compress(b"user-1\n" + b"\n" * 36_000_000))
    with pytest.raises(InvalidInput, match="roster: unpacks to over 100 times its size"):
        rosters.pin(KEY)


@given(
    lines=st.lists(st.sampled_from([b"C-1", b"", b" ", b"\r", b"customer_id", b'"C-2"', codecs.BOM_UTF8, b"x" * 5000])),
    most=st.integers(0, 12),
    size=st.integers(1, 9),
)
def test_it_is_counted_as_it_is_fed(lines: list[bytes], most: int, size: int) -> None:
    """Whatever a roster holds and however it arrives, its count is that of the entries that are fed."""
    body = b"\n".join(lines)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    fed = len(list(entries([body])))
    assert count_entries(chunks, most) == (min(fed, most + 1), fed <= most)


def test_what_is_too_long_to_count_is_not_whole() -> None:
    """Beyond the bytes that are read the count is marked as partial."""
    assert count_entries([b"C-1\n", b"C-2\n"], 5, size=4) == (1, False)
    assert count_entries([b"C-1\n"], 5, size=3) == (0, False)


def test_an_unknown_roster(rosters: RosterStore) -> None:
    """A roster that was never uploaded is an error that names the field."""
    with pytest.raises(InvalidInput, match="roster: is unknown, or not uploaded yet"):
        rosters.pin(KEY)


def test_a_roster_that_s3_throttles(stage: Stage, rosters: RosterStore) -> None:
    """Throttling by S3 is no roster error: no upload is demanded, and a retry helps."""
    put(stage, b"user-1\n")
    slow_down = lambda request, **_: s3_slow_down(request.url)  # noqa: E731 - an answer is a function
    stage.s3.meta.events.register("before-send.s3.GetObject", slow_down)  # type: ignore[arg-type]  # an answer is allowed
    with pytest.raises(ClientError, match="SlowDown"):
        rosters.pin(KEY)


@pytest.mark.parametrize("roster_id", ["", "../other/secret", "a/b", "a b"])
def test_ids_that_are_none(roster_id: str) -> None:
    """No id leads out of its partner's folder."""
    with pytest.raises(InvalidInput, match="roster_id"):
        key_of("acme", roster_id)


def test_a_pinned_roster_stays_what_it_was(stage: Stage, rosters: RosterStore) -> None:
    """A second upload under the same key changes nothing for a lookup that runs."""
    put(stage, b"user-1\nuser-2\n")
    first = rosters.pin(KEY)
    put(stage, b"user-3\n")
    second = rosters.pin(KEY)
    assert (first.size, first.entries, second.entries) == (14, 2, 1)
    assert first.version_id not in {None, second.version_id}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_estimate_is_near(stage: Stage, rosters: RosterStore, pack: type[bytes]) -> None:
    """Of uniform lines, the number estimated from the first 64 KB is within 20 % of the true one, packed too."""
    chance = random.Random(1)
    body = b"".join(b"user-%x\n" % chance.randrange(16**12, 16**13) for _ in range(40_000))
    put(stage, pack(body))
    assert rosters.pin(KEY).entries == pytest.approx(40_000, rel=0.2)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_fits_the_opening_is_counted(stage: Stage, rosters: RosterStore, pack: type[bytes]) -> None:
    """A small roster's entries are counted, not estimated: header and blank lines are none, junk is."""
    put(stage, pack(codecs.BOM_UTF8 + b"customer_id\nuser-1\n\nnull\n"))
    assert rosters.pin(KEY).entries == 2


def test_inline_identifiers(stage: Stage, rosters: RosterStore) -> None:
    """Identifiers that came inline are read back the same from the roster they become; what is invalid stays so."""
    given: list[Identifier | InvalidIdentifier] = [
        Identifier(IdentifierType.ID, "M;1"),
        Identifier(IdentifierType.CUSTOMER_ID, 'a"b'),
        InvalidIdentifier("x", "short"),
        InvalidIdentifier("N" * 200, "too long, and cut here"),
        InvalidIdentifier("77", "a number", "customer_id"),
    ]
    roster = rosters.write("lookup-1", given)
    body = stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=roster.key)["Body"].read()
    read = list(entries(body.splitlines(keepends=True)))
    assert [replace(one, line=None) if isinstance(one, InvalidIdentifier) else one for one in read] == given
    assert [one.line for one in read if isinstance(one, InvalidIdentifier)] == [3, 4, 5]
    assert (roster.entries, roster.size) == (5, len(body))
