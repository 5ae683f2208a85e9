"""The preview of a roster: what a lookup would make of it, before any call."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

import on_request
from infra.local.simulator.process import Simulator
from lookup.rosters.keys import key_of
from tests.handlers.calling import Call, kind_of, uploaded
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

TABLE = "sep=;\r\nName;Customer ID\r\nAnn;C-9001\r\nBob;unknown\r\n;;\r\nCy; C-9002\r\nDi;C-9001\r\n"
FIRST = [{"identifier_type": "customer_id", "identifier": one} for one in ("C-9001", " C-9002", "C-9001")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_table(simulator: Simulator, call: Call, pack: Callable[[bytes], bytes]) -> None:
    """It returns format, delimiter, column, first entries, what is invalid and why, and what may not be meant."""
    body = pack(TABLE.encode())
    roster_id = uploaded(call, body)
    status, preview, _ = call("POST", f"/v1/rosters/{roster_id}/preview")
    assert status == 200
    assert preview == {
        "roster_id": roster_id,
        "bytes": len(body),
        "entries": 4,
        "entries_is_estimated": False,
        "format": "csv",
        "delimiter": ";",
        "column": "Customer ID",
        "type_column": None,
        "identifier_type": "customer_id",
        "read": 4,
        "first": FIRST,
        "invalid": 1,
        "first_invalid": [
            {"line": 4, "text": "unknown", "reason": "identifier is a value that MoEngage blocks as a customer_id"}
        ],
        "notes": [
            "1 of 4 begin or end with white space, which is part of them",
            "1 of 4 are there already, in the lines read",
        ],
    }
    assert simulator.counters().calls == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"C-1\nC-2\n", {"format": "plain", "identifier_type": "customer_id", "column": None, "read": 2}),
        (b'"C-1"\n{"id":"M-1"}\n', {"format": "ndjson", "identifier_type": None, "read": 2}),
        (b'[{"customer_id":"C-1"},7]', {"format": "json", "identifier_type": None, "read": 2, "invalid": 1}),
        (b"identifier_type,identifier\nid,M-1\n", {"column": "identifier", "type_column": "identifier_type"}),
        (b"id\n12345.0\n1.23E+11\n", {"notes": [
            "1 of 2 look like numbers that a spreadsheet has rounded",
            "1 of 2 end in .0, as numbers of a table do that has gaps",
        ]}),
    ],
)  # fmt: skip
def test_other_formats(call: Call, simulator: Simulator, body: bytes, expected: dict[str, object]) -> None:
    """Every format that is read says which it is."""
    preview = call("POST", f"/v1/rosters/{uploaded(call, body)}/preview")[1]
    assert {name: preview[name] for name in expected} == expected


def test_a_long_roster(call: Call, simulator: Simulator) -> None:
    """Of a roster of any length no more than its opening is read: entries are estimated, lists are short."""
    lines = b"".join(b"user-%06d\n" % number if number % 2 else b"unknown\n" for number in range(200_000))
    preview = call("POST", f"/v1/rosters/{uploaded(call, lines)}/preview")[1]
    assert preview["entries_is_estimated"]
    assert preview["entries"] == pytest.approx(200_000, rel=0.01)
    assert [len(preview["first"]), len(preview["first_invalid"])] == [10, 10]
    assert preview["read"] < 8_000
    assert [one["line"] for one in preview["first_invalid"]] == list(range(1, 21, 2))


@pytest.mark.parametrize("body", [b"Kunde;Name\n1;Ann\n", b"<html></html>", b"customer_id\n", b'["C-1"'])
def test_what_a_lookup_would_refuse(call: Call, simulator: Simulator, body: bytes) -> None:
    """The preview refuses it with the same words as the lookup."""
    roster_id = uploaded(call, body)
    preview = call("POST", f"/v1/rosters/{roster_id}/preview")
    assert kind_of(preview) == (422, "invalid")
    assert preview[1] == call("POST", "/v1/lookups", {"roster_id": roster_id})[1]


def test_rosters_of_others_and_unknown_ones(deployed: Stage, call: Call, simulator: Simulator) -> None:
    """Another partner's upload is answered as a missing one; an id that is none is named."""
    other = "9d3e0f1a2b3c4d5e6f708192a3b4c5d6"
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key=key_of("other", other), Body=b"C-1\n")
    for roster_id in (other, "none"):
        answer = call("POST", f"/v1/rosters/{roster_id}/preview")
        assert kind_of(answer) == (422, "invalid")
        assert answer[1]["errors"] == [{"field": "roster", "rule": "is unknown, or not uploaded yet"}]
    answer = call("POST", "/v1/rosters/..%2Fother/preview")
    assert answer[1]["errors"][0]["field"] == "roster_id"


def test_the_scope(call: Call, simulator: Simulator) -> None:
    """A client that may only read profiles sees no rosters."""
    assert kind_of(call("POST", "/v1/rosters/none/preview", scope="profiles/read")) == (403, "missing-scope")


def test_the_event_of_the_documents(
    deployed: Stage, simulator: Simulator, event: Callable[[str], dict[str, Any]], context: LambdaContext
) -> None:
    """The event file is answered."""
    received = event("on_request/post_preview.json")
    key = key_of("acme", received["pathParameters"]["roster_id"])
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key=key, Body=b"C-1\n")
    answer = on_request.handler(received, context)
    assert (answer["statusCode"], json.loads(answer["body"])["entries"]) == (200, 1)
