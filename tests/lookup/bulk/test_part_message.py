"""Parts as queue messages: whatever is written is read back, and anything else is unreadable."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json
from lookup.bulk import part_message
from lookup.errors import InvalidInput
from lookup.model import PART_LIMIT, Identifier, IdentifierType, InvalidIdentifier, Json, Part, RosterRange
from lookup.validation import FIELDS_BYTES, FIELDS_LIMIT, parse_fields, parse_identifier
from tests.lookup.json_values import TEXTS, values

NUMBERS = st.integers(0, 2**53)
TIMES = st.floats(0, 1e11)
PARTS = st.builds(
    Part,
    lookup_id=TEXTS,
    number=TEXTS,
    workspace=TEXTS,
    identifiers=st.lists(st.builds(Identifier, st.sampled_from(IdentifierType), TEXTS), max_size=5).map(tuple),
    submitted_at=TIMES,
    fed_at=TIMES,
    max_age=TIMES,
    fields=st.none() | st.lists(TEXTS, max_size=5).map(tuple),
    invalid=st.lists(st.builds(InvalidIdentifier, TEXTS, TEXTS, TEXTS, st.none() | NUMBERS), max_size=5).map(tuple),
    correlation_id=st.none() | TEXTS,
    origin=st.none() | st.builds(RosterRange, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)
# What XML 1.0 can hold, and so what SQS takes in a message.
SENDABLE = re.compile(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
MESSAGE_BYTES = 1024 * 1024


@given(PARTS)
def test_round_trip(part: Part) -> None:
    """Whatever part is written is read back the same, from a body that SQS takes."""
    body = part_message.serialize_part(part)
    assert part_message.parse_part(body) == part
    assert SENDABLE.fullmatch(body)


@pytest.mark.parametrize("character", ["🎉", '"', "\u0800", "\uffff"])
def test_largest_part(character: str) -> None:
    """The largest part that can be requested is under SQS's 1 MiB, whatever its characters."""
    identifier = parse_identifier("C" + character * 511)
    assert isinstance(identifier, Identifier)
    names: list[Json] = [f"{number:03}{character * 60}" for number in range(FIELDS_LIMIT)]
    while len(exact_json.dumps(names)) > FIELDS_BYTES:
        names.pop()
    part = Part(
        lookup_id="nightly-20261123T190000Z",
        number="000001",
        workspace="w" * 512,
        identifiers=(identifier,) * PART_LIMIT,
        submitted_at=1.8e9,
        fed_at=1.8e9,
        fields=parse_fields({"fields": names}),
    )
    assert len(part_message.serialize_part(part).encode()) < MESSAGE_BYTES


def test_largest_invalid_part() -> None:
    """The same holds for a part of nothing but unusable lines."""
    entry = InvalidIdentifier("\0" * 200, "identifier must not hold control characters", "\0" * 200, 10**9)
    part = Part("l", "1", "default", (), submitted_at=0.0, fed_at=0.0, invalid=(entry,) * PART_LIMIT)
    assert len(part_message.serialize_part(part).encode()) < MESSAGE_BYTES


def body() -> dict[str, Any]:
    identifiers = (Identifier(IdentifierType.CUSTOMER_ID, "C-1"),)
    part = Part(
        "l", "1", "default", identifiers, submitted_at=1.5, fed_at=2.0, invalid=(InvalidIdentifier("0", "blocked"),)
    )
    read: dict[str, Any] = json.loads(part_message.serialize_part(part))
    return read


@pytest.mark.parametrize("key", sorted(body()))
def test_missing_key(key: str) -> None:
    """A body without one of its keys is unreadable."""
    cut = {name: value for name, value in body().items() if name != key}
    with pytest.raises(InvalidInput, match=r"^body: is not a part of version 1 \(KeyError\)"):
        part_message.parse_part(json.dumps(cut))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 2), ("version", None), ("lookup_id", 7), ("part", None), ("workspace", ["w"]), ("fields", "name"),
        ("fields", [1]), ("max_age", "0"), ("max_age", True), ("submitted_at", None), ("fed_at", "now"),
        ("identifiers", None), ("identifiers", {}), ("identifiers", ["C-1"]), ("identifiers", [["email", "a@b"]]),
        ("identifiers", [["id"]]), ("identifiers", [["id", 7]]), ("identifiers", [["id", "a", "b"]]),
        ("invalid", [["a", "b", "id"]]), ("invalid", [["a", "b", "id", "7"]]), ("invalid", [[None, "b", "id", 7]]),
        ("correlation_id", 7), ("origin", [1, 2]), ("origin", ["a", 1, 2, 3]), ("origin", 5),
    ],
)  # fmt: skip
def test_senseless_value(key: str, value: Json) -> None:
    """A body with a value of another kind is unreadable, and never half a part."""
    with pytest.raises(InvalidInput, match=r"^body: is not a part of version 1 \((TypeError|ValueError)\)"):
        part_message.parse_part(json.dumps(body() | {key: value}))


@given(values() | st.fixed_dictionaries({name: st.just(value) | values() for name, value in body().items()}))
def test_any_json(content: Json) -> None:
    """Any JSON is a part that can be written again, or unreadable."""
    try:
        part = part_message.parse_part(exact_json.dumps(content).decode())
    except InvalidInput:
        return
    assert part_message.parse_part(part_message.serialize_part(part)) == part


@pytest.mark.parametrize("text", ["", "C-1", "{", "[" * 100_000, "[]", "null"], ids=lambda text: repr(text)[:9])
def test_no_part(text: str) -> None:
    """What is no JSON object is unreadable."""
    with pytest.raises(InvalidInput):
        part_message.parse_part(text)
