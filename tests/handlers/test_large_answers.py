"""A response over 5 MB holds outcomes and a link to the archived object, and no attributes."""

from __future__ import annotations

import gzip
import json

import pytest
import urllib3

from infra.local.simulator.process import Simulator
from lookup.api.responses import ANSWER_LIMIT, LAMBDA_LIMIT, is_too_large
from tests.handlers.calling import Call

HUGE = {"customer_id": "C-1", "text": "x" * (5 * 1024 * 1024 + 1)}


@pytest.mark.parametrize("path", ["?max_age=0", "?max_age=60"])
def test_one_huge_profile(simulator: Simulator, call: Call, path: str) -> None:
    """One profile over 5 MB is answered by a link, fetched or stored; the object holds it whole."""
    simulator.set_user("C-1", HUGE)
    call("GET", "/v1/profiles/customer_id/C-1")
    status, body, headers = call("GET", f"/v1/profiles/customer_id/C-1{path}")
    assert (status, body["attributes_omitted"], "user_attributes" in body) == (200, True, False)
    assert headers["ETag"]
    archived = urllib3.PoolManager().request("GET", body["links"]["results"], retries=False)
    (record,) = [json.loads(line) for line in gzip.decompress(archived.data).splitlines()]
    assert record["user_attributes"]["text"] == HUGE["text"]


def test_a_list_with_a_huge_profile(simulator: Simulator, call: Call) -> None:
    """A list that is too large together keeps every outcome and count."""
    simulator.set_user("C-1", HUGE)
    status, body, _ = call("POST", "/v1/lookups", {"identifiers": ["C-1", "C-2", "null"]})
    assert (status, body["counts"]["found"], body["attributes_omitted"]) == (200, 2, True)
    assert [one["outcome"] for one in body["outcomes"]] == ["found", "found", "invalid"]
    assert not [one for one in body["outcomes"] if "user_attributes" in one]
    archived = urllib3.PoolManager().request("GET", body["links"]["results"], retries=False)
    assert len(gzip.decompress(archived.data).splitlines()) == 3


def test_what_is_too_large() -> None:
    """5 MB fit; what grows over Lambda's 6 MB when it is written as a JSON string does not."""
    assert not is_too_large(b"x" * ANSWER_LIMIT)
    assert is_too_large(b"x" * (ANSWER_LIMIT + 1))
    assert not is_too_large(b'"' * (LAMBDA_LIMIT // 2))
    assert is_too_large(b'"\\' * (LAMBDA_LIMIT // 4 + 1))
