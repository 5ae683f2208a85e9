"""Messages of the intake queue: plain text, a list, or the documented object."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json
from lookup.bulk.intake.message import MESSAGE_KEYS, parse_intake_message
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType, InvalidIdentifier, Json, Part
from tests.lookup.json_values import TEXTS, values

SENT_AT = 1_700_000_000.5  # 2023-11-14 22:13:20 UTC


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def read(body: str) -> Part:
    return parse_intake_message(body, message_id="m-1", sent_at=SENT_AT, default_workspace="default")


def error(body: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(body if isinstance(body, str) else json.dumps(body))
    return caught.value


@pytest.mark.parametrize(
    ("body", "identifiers"),
    [
        ("C-1", [customer("C-1")]),
        ("C-1\r\n", [customer("C-1")]),
        (" C 1/2?#%+ ", [customer(" C 1/2?#%+ ")]),
        ("12345", [customer("12345")]),
        ('"C-1"', [customer("C-1")]),
        (' "C-\\u0031"\n', [customer("C-1")]),
        ('\ufeff"C-1"', [customer("C-1")]),
        ("\ufeffC-1", [customer("C-1")]),
        ('\ufeff["C-1","C-2"]', [customer("C-1"), customer("C-2")]),
        ('\ufeff{"identifiers":["C-1"]}', [customer("C-1")]),
        ('[{"customer_id": "C-1"}, {"moengageId": "62e7"}]', [customer("C-1"), Identifier(IdentifierType.ID, "62e7")]),
        (
            '["C-1", {"identifier_type": "moengage_id", "identifier": "62e7"}]',
            [customer("C-1"), Identifier(IdentifierType.ID, "62e7")],
        ),
        ('\n {"identifier": "C-1"}', [customer("C-1")]),
        ('{"identifier_type": "id", "identifier": "62e7"}', [Identifier(IdentifierType.ID, "62e7")]),
        ('{"identifiers": ["C-1", "C-2", "C-1"]}', [customer("C-1"), customer("C-2"), customer("C-1")]),
    ],
)
def test_message_forms(body: str, identifiers: list[Identifier]) -> None:
    """A message holds a customer id as plain text, a JSON list, or the documented object."""
    part = read(body)
    assert part.identifiers == tuple(identifiers)
    assert part.invalid == ()


def test_whole_message() -> None:
    """A message is one part of its day's intake lookup, identified by its own id."""
    part = read(json.dumps({
        "identifiers": ["C-1", "null"],
        "workspace": "brand-b",
        "fields": ["name", "city", "name"],
        "max_age": 3600,
        "correlation_id": "order 7",
    }))  # fmt: skip
    assert part == Part(
        lookup_id="intake-2023-11-14",
        number="m-1",
        workspace="brand-b",
        identifiers=(customer("C-1"),),
        submitted_at=SENT_AT,
        fed_at=SENT_AT,
        max_age=3600.0,
        fields=("city", "name"),
        invalid=(InvalidIdentifier("null", "identifier is a value that MoEngage blocks as a customer_id"),),
        correlation_id="order 7",
    )


def test_defaults_of_a_message() -> None:
    """Defaults: the default workspace, all fields, fetched from the vendor."""
    part = read('{"identifiers": ["C-1"], "workspace": null, "fields": null, "max_age": null, "correlation_id": null}')
    assert (part.workspace, part.fields, part.max_age, part.correlation_id) == ("default", None, 0.0, None)


def test_invalid_entries_of_a_message() -> None:
    """Unusable entries do not spoil the usable ones of their message."""
    part = read('["C-1", 5, "", "C-2"]')
    assert part.identifiers == (customer("C-1"), customer("C-2"))
    assert [(entry.excerpt, entry.reason) for entry in part.invalid] == [
        ("5", "identifier must be a string"),
        ("", "identifier must not be empty"),
    ]


def test_junk_text_is_an_invalid_entry() -> None:
    """A plain message that is no usable identifier is an outcome, not an unreadable message."""
    part = read("")
    assert part.identifiers == ()
    assert [entry.reason for entry in part.invalid] == ["identifier must not be empty"]


@pytest.mark.parametrize("number", [1, 100])
def test_message_of_allowed_length(number: int) -> None:
    """A message holds 1 to 100 identifiers."""
    assert len(read(json.dumps([f"C-{n}" for n in range(number)])).identifiers) == number


@pytest.mark.parametrize(
    "body",
    [
        [],
        [f"C-{n}" for n in range(101)],
        {},
        {"identifiers": []},
        {"identifiers": "C-1"},
        {"identifiers": None},
        {"workspace": "w"},
    ],
    ids=lambda body: str(body)[:30],
)
def test_message_without_a_proper_list(body: Json) -> None:
    """No identifiers, or over 100 of them, is an error of the whole message."""
    assert error(body).field == "identifiers"


@pytest.mark.parametrize(
    "body", ["{", "[1,", '{"identifiers": [NaN]}', "[" * 100_000, "{C-1}"], ids=lambda body: body[:20]
)
def test_broken_json(body: str) -> None:
    """What starts like JSON and is none is unreadable, and never taken as an identifier."""
    assert str(error(body)) == "body: starts like JSON but is not readable as JSON"


def test_unknown_key() -> None:
    """A key that is not documented is refused, and not repeated: a misspelt option must not pass in silence."""
    seen = error({"identifiers": ["C-1"], "max_agee": 5})
    assert seen.field == "body"
    assert seen.rule.startswith("holds an unknown key; known are correlation_id, fields,")
    assert "max_agee" not in f"{seen}{seen.sender_message}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("workspace", ""), ("workspace", 5), ("workspace", "w" * 513), ("workspace", ["w"]), ("workspace", "a\0b"),
        ("correlation_id", {}), ("correlation_id", "c" * 513), ("correlation_id", "\ud800"),
        ("max_age", -1), ("max_age", "60"), ("max_age", 1.5), ("max_age", True), ("max_age", []),
        ("max_age", 366 * 24 * 3600 + 1),
        ("fields", []), ("fields", "name"), ("fields", [1]), ("fields", [""]), ("fields", ["f" * 513]),
        ("fields", ["a\nb"]), ("fields", ["\udfff"]), ("fields", [f"f{n}" for n in range(501)]),
        ("fields", {"name": True}), ("fields", ["é" * 400 + str(n) for n in range(100)]),
    ],
    ids=lambda part: str(part)[:20].encode("ascii", "backslashreplace").decode(),
)  # fmt: skip
def test_senseless_options(key: str, value: Any) -> None:
    """An option of a wrong type, or out of its bounds, is an error that names it."""
    assert error({"identifiers": ["C-1"], key: value}).field == key


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_age", 0), ("max_age", 366 * 24 * 3600), ("workspace", "w" * 512), ("fields", [f"f{n}" for n in range(500)])],
    ids=lambda part: str(part)[:20],
)
def test_bounds_are_allowed(key: str, value: Any) -> None:
    """The bounds themselves are within the rules."""
    assert read(json.dumps({"identifiers": ["C-1"], key: value})).identifiers == (customer("C-1"),)


@given(values() | st.dictionaries(st.sampled_from(sorted(MESSAGE_KEYS)), values()))
def test_any_message(body: Json) -> None:
    """Any JSON is a part of at most 100 entries, or an unreadable message."""
    try:
        part = read(exact_json.dumps(body).decode())
    except InvalidInput as unreadable:
        str(unreadable).encode()
    else:
        assert 1 <= len(part.identifiers) + len(part.invalid) <= 100


@given(TEXTS.filter(lambda text: not text.lstrip().startswith(("{", "["))))
def test_any_plain_message(body: str) -> None:
    """Any other text is exactly one entry, or refused for what it shows."""
    with contextlib.suppress(InvalidInput):
        part = read(body)
        assert len(part.identifiers) + len(part.invalid) == 1


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("C-1,C-2", "cells between commas"),
        ("C-1;Ann", "cells between semicolons"),
        ("C-1\tAnn", "cells between tabs"),
        ("C-1|Ann", "cells between pipes"),
        ('"C-1', "quotes"),
        ("'C-1'", "quotes"),
        ("Customer ID", "a column's name"),
        ("<Error>AccessDenied</Error>", "markup (HTML or XML)"),
        ("customer_id=C-1", "a form or settings (key=value)"),
        ("customer_id: C-1", "YAML or a message's header (key: value)"),
        ("- C-1", "a list, heading or comment of a document"),
    ],
)
def test_plain_text_that_shows_structure(body: str, shown: str) -> None:
    """Plain text that holds more than one identifier is refused by its structure, and never requested."""
    seen = error(body)
    assert (seen.field, seen.rule) == ("body", f"shows {shown}: plain text is one customer id, anything else is JSON")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"identifiers":["C-9001"],"identifiers":["C-9002"]}', "identifiers"),
        ('{"identifiers": [{"customer_id": "C-1", "customer_id": "C-2"}]}', "customer_id"),
        ('[{"a": {"b": 1, "b": 1}}]', "b"),
    ],
)
def test_a_key_twice(body: str, key: str) -> None:
    """An object that has a key twice is refused, without repeating it: which one counts would be a guess."""
    seen = error(body)
    assert (seen.field, seen.rule) == ("body", "holds a key that occurs twice in one object")
    assert f"{key}:" not in str(seen)


@pytest.mark.parametrize("entry", [{"customer_id": "C-1", "customerId": "C-2"}, {"name": "Ann"}, {}])
def test_an_object_of_a_list_that_names_no_one_identifier(entry: Json) -> None:
    """An object that names two identifiers, or none, is an invalid entry; its neighbours are served."""
    part = read(exact_json.dumps([entry, "C-2"]).decode())
    assert (part.identifiers, len(part.invalid)) == ((customer("C-2"),), 1)


@pytest.mark.parametrize("other", [{"identifier": "C-2"}, {"identifier_type": "id"}])
def test_a_list_beside_one_identifier(other: dict[str, Json]) -> None:
    """Beside `identifiers` neither one identifier nor a type for all is understood: neither is dropped in silence."""
    seen = error({"identifiers": ["C-1"], **other})
    assert (seen.field, seen.rule) == (
        "body",
        "holds identifiers beside identifier or identifier_type: each entry names its own",
    )


@pytest.mark.parametrize("body", [{"identifiers": ["C-1"]}, ["C-1"], "C-1"])
def test_json_within_a_json_string(body: Json) -> None:
    """What was written as JSON twice is refused; a string that is no JSON itself is an identifier."""
    assert error(json.dumps(json.dumps(body))).rule == "is JSON within a JSON string: it was written as JSON twice"
    assert read(json.dumps("{C-1}")).identifiers == (customer("{C-1}"),)
