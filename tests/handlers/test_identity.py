"""Whose profile is requested: what arrives is what was sent, or it is refused by name."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.process import Simulator
from lookup.api.query_string import read_query
from lookup.api.routes.profiles import IN_A_PATH
from lookup.errors import InvalidInput
from tests.handlers.calling import Answer, Call, Calling, kind_of
from tests.lookup.stage import Stage

ODD = ["a/b", "C-1?x", "50%", "a+b", "#7", "ä ö", "//x", "a//b", "C;1", "../x", "..", "%2F", "a,b", "a&b=c", "éa"]
IN_A_PATH_KEY = "GET /v1/profiles/{identifier_type}/{identifier+}"


def get(call: Calling, key: str, path: str, raw_query: str = "") -> Answer:
    """Send a request as API Gateway's event; its decoding of a query with a repeated name must not be read."""
    event = json.loads(json.dumps(call.template)) | {"body": None, "routeKey": key, "rawPath": path}
    event["requestContext"]["http"] |= {"method": "GET", "path": path}
    event |= {"rawQueryString": raw_query, "queryStringParameters": {"identifier": "C-9,C-8"} if raw_query else None}
    return call.answer(event, key)


def response_of(call: Calling, raw_query: str) -> Answer:
    return get(call, "GET /v1/profiles", "/v1/profiles", raw_query)


@pytest.mark.parametrize("encode", [quote, None], ids=["%20", "+"])
def test_a_query_carries_any_identifier(deployed: Stage, simulator: Simulator, call: Calling, encode: Any) -> None:
    """However a client encodes a query, MoEngage gets the identifier that it sent, and the response names it."""
    for identifier in ODD:
        given = {"identifier_type": "customer_id", "identifier": identifier}
        query = urlencode(given, quote_via=encode, safe="") if encode else urlencode(given)
        status, body, _ = response_of(call, query)
        assert (status, body["identifier"], body["user_attributes"]["customer_id"]) == (200, identifier, identifier)


@pytest.mark.parametrize(
    ("raw", "field", "rule"),
    [
        ("identifier=C-1&identifier=C-2&identifier_type=customer_id", "query.identifier", "must occur once"),
        ("identifier=C-1&identifier%5ftype=id&identifier_type=id", "query.identifier_type", "must occur once"),
        ("identifier_type=id&identifi%65r=C-1&identifier=C-1", "query.identifier", "must occur once"),
        ("identifier=C-1&identifier_type=id&max_age=1&max_age=2", "query.max_age", "must occur once"),
        ("identifier=%ff&identifier_type=id", "query.identifier", "must be percent-encoded UTF-8"),
        ("identifier=50%&identifier_type=id", "query.identifier", "must be percent-encoded UTF-8"),
        ("identifier=%zz&identifier_type=id", "query.identifier", "must be percent-encoded UTF-8"),
        ("identifier=+4912&identifier_type=id", "query.identifier", "must not begin or end with a bare +"),
        ("identifier=4912+&identifier_type=id", "query.identifier", "must not begin or end with a bare +"),
        ("identifier=&identifier_type=customer_id", "identifier", "identifier must not be empty"),
        ("identifier=C-1&identifier_type=", "identifier", "identifier_type must be customer_id, id or moengage_id"),
        ("identifier=C-1", "query.identifier_type", ""),
        ("identifier_type=customer_id", "query.identifier", ""),
        ("identifier=C-1&identifier_type=customer_id&fields=", "fields", "must be a list"),
        ("identifier=C-1&identifier_type=customer_id&workspace=", "query.workspace", ""),
        ("identifier=C-1&identifier_type=customer_id&max_age=", "query.max_age", ""),
        ("Identifier=C-1&identifier_type=customer_id", "query.identifier", ""),
    ],
)
def test_what_can_be_read_in_two_ways(
    deployed: Stage, simulator: Simulator, call: Calling, raw: str, field: str, rule: str
) -> None:
    """Parameters that occur twice, are empty, missing or not encoded are refused by name, and nothing is called."""
    status, body, _ = response_of(call, raw)
    errors = {one["field"]: one["rule"] for one in body["errors"]}
    assert (status, rule in errors[field]) == (422, True)
    assert simulator.counters().calls == 0


def test_a_parameter_that_occurs_twice_is_refused_everywhere(deployed: Stage, call: Calling) -> None:
    """No route takes the first, the last or both of two values."""
    for key, path in (("GET /v1/lookups", "/v1/lookups"), ("GET /v1/quota", "/v1/quota")):
        assert kind_of(get(call, key, path, "limit=1&limit=2")) == (422, "invalid")


@pytest.mark.parametrize(
    "decoded", ["a/b", "/x", "a//b", "C-1?x", "#7", "a+b", "50%25", "ä", "a b", "C;1", ".", "..", "C=1", "C-1\n"]
)
def test_a_path_takes_what_no_hop_changes(deployed: Stage, simulator: Simulator, call: Calling, decoded: str) -> None:
    """Any other identifier is refused with where it belongs; so is what is left of one that was changed on its way."""
    status, body, _ = get(call, IN_A_PATH_KEY, f"/v1/profiles/customer_id/{decoded}")
    assert (status, body["errors"][0]["field"]) == (422, "identifier")
    assert "GET /v1/profiles?identifier_type=…&identifier=…" in body["errors"][0]["rule"]
    assert simulator.counters().calls == 0


def test_a_path_of_safe_characters(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """The shorter form goes on to work, and names the same profile as the query."""
    for identifier in ("C-1001", "a.b_c~d", "ada@example.com", "urn:x:7", "...", ".a"):
        status, body, headers = call("GET", f"/v1/profiles/customer_id/{identifier}")
        assert (status, body["identifier"]) == (200, identifier)
        again = call("GET", f"/v1/profiles?identifier_type=customer_id&identifier={identifier}&max_age=600")
        assert (again[1]["source"], again[2]["ETag"]) == ("stored", headers["ETag"])


@given(
    pairs=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"])),
        max_size=5,
    )
)
def test_a_query_gives_its_values_back(pairs: dict[str, str]) -> None:
    """For any names and values the query that a client writes is read as it was meant, with `%20` and with `+`."""
    assert read_query({"rawQueryString": urlencode(pairs, quote_via=quote, safe="")}) == pairs
    tight = {name: value for name, value in pairs.items() if value == value.strip(" ")}
    assert read_query({"rawQueryString": urlencode(tight)}) == tight


@given(text=st.text(st.sampled_from("ab=&+%20fF;é?#/")))
def test_no_query_is_a_defect(text: str) -> None:
    """Whatever is sent as a query, it is read or refused, and never with a name twice."""
    with contextlib.suppress(InvalidInput):
        assert len(read_query({"rawQueryString": text})) == len([part for part in text.split("&") if part])


@given(identifier=st.text(max_size=20))
def test_what_a_path_takes_needs_no_escape(identifier: str) -> None:
    """What the path form takes is the same escaped or not, wherever it is decoded, and changes no level of the path."""
    if IN_A_PATH.fullmatch(identifier):
        assert quote(identifier, safe="@:") == identifier
        assert identifier not in {".", ".."}
