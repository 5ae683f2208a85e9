"""Validation of callers' input: which identifiers are valid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json, validation
from lookup.model import Identifier, IdentifierType, InvalidIdentifier, Json
from lookup.validation import parse_identifier
from tests.lookup.json_values import TEXTS, values

# MoEngage, "Unique ID": values that are never a user's id.
BLOCKED = [
    "unknown", "guest", "null", "0", "1", "true", "false", "user_attribute_unique_id", "(empty)", "na", "n/a",
    "dummy_seller_code", "user_id", "id", "customer_id", "uid", "userid", "none", "-2", "-1", "2",
]  # fmt: skip
AWKWARD = [
    "a/b",
    "100%",
    "a+b",
    "a#b",
    "a?b",
    "a b",
    " a ",
    "müller",
    "東京",
    "🎉🎉",
    "%2F",
    "a,b",
    '"a"',
    "{a}",
    "null ",
    "x" * 512,
]


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def reason(raw: object) -> str:
    entry = parse_identifier(raw)
    assert isinstance(entry, InvalidIdentifier)
    return entry.reason


@pytest.mark.parametrize("text", [*BLOCKED, "x", "7", "é", "🎉"])
def test_blocked_customer_ids(text: str) -> None:
    """What MoEngage blocks as a customer id, single characters included, is never sent."""
    assert reason(text) == "identifier is a value that MoEngage blocks as a customer_id"
    assert parse_identifier({"identifier_type": "id", "identifier": text}) == Identifier(IdentifierType.ID, text)


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize("kind", ["customer_id", "id"])
def test_awkward_identifiers(kind: str, text: str) -> None:
    """Any other text is an identifier, taken as it is."""
    taken = parse_identifier({"identifier_type": kind, "identifier": text})
    assert taken == Identifier(IdentifierType(kind), text)


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("", "identifier must not be empty"),
        ("   ", "identifier must not be empty"),
        ("\u00a0\t", "identifier must not be empty"),
        ("x" * 513, "identifier must have at most 512 characters"),
        ("a\0b", "identifier must not hold control characters"),
        ("a\nb", "identifier must not hold control characters"),
        ("a\x7fb", "identifier must not hold control characters"),
        ("a\x85b", "identifier must not hold control characters"),
        ("a\ud800b", "identifier must not hold control characters"),
        (None, "identifier must be a string"),
        (12345, "identifier must be a string"),
        (True, "identifier must be a string"),
        (["C-1"], "identifier must be a string"),
        ({}, "identifier must be a string"),
        ({"identifier": 7}, "identifier must be a string"),
        ({"identifier": "C-1", "identifier_type": "email"}, "identifier_type must be customer_id, id or moengage_id"),
        ({"identifier": "C-1", "identifier_type": ["id"]}, "identifier_type must be customer_id, id or moengage_id"),
        ({"identifier": "C-1", "identifier_type": None}, "identifier_type must be customer_id, id or moengage_id"),
    ],
)
def test_broken_rules(raw: object, rule: str) -> None:
    """What can never be sent reports the rule that it breaks."""
    assert reason(raw) == rule


def test_spellings() -> None:
    """A bare text is a customer id, and `moengage_id` another word for `id`."""
    assert parse_identifier("C-1") == customer("C-1")
    assert parse_identifier({"identifier": "C-1"}) == customer("C-1")
    expected = Identifier(IdentifierType.ID, "62e7")
    assert parse_identifier({"identifier_type": "moengage_id", "identifier": "62e7"}) == expected
    assert parse_identifier({"identifier_type": "id", "identifier": "62e7"}) == expected


def test_invalid_keeps_its_input() -> None:
    """An unusable entry repeats its value, shortened, its type and its line."""
    entry = parse_identifier({"identifier_type": "id", "identifier": "y" * 1000}, line=7)
    assert entry == InvalidIdentifier("y" * 200, "identifier must have at most 512 characters", "id", 7)


@given(values())
def test_anything_is_identified(raw: Json) -> None:
    """Any JSON value becomes an identifier that can be sent, or an entry that can be written down."""
    assert_usable(parse_identifier(raw))


@given(values() | TEXTS, values() | st.sampled_from(["customer_id", "id", "moengage_id"]))
def test_any_object_is_identified(identifier: Json, identifier_type: Json) -> None:
    """The same holds for any pair of type and value."""
    assert_usable(parse_identifier({"identifier_type": identifier_type, "identifier": identifier}))


def assert_usable(entry: validation.ParsedIdentifier) -> None:
    if isinstance(entry, Identifier):
        assert 1 <= len(entry.identifier) <= 512
        assert len(entry.identifier.encode()) <= 2048  # what DynamoDB takes as a key
        assert entry.identifier.strip()
        assert entry.identifier not in BLOCKED or entry.identifier_type is IdentifierType.ID
        assert json.loads(exact_json.dumps(entry.identifier)) == entry.identifier
    else:
        assert entry.reason
        assert len(entry.excerpt) <= 200
        assert len(entry.identifier_type) <= 200
        (entry.excerpt + entry.identifier_type).encode()
