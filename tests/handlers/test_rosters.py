"""Rosters over HTTP: one file of the declared size for one id, kept while it is needed, deleted with its copies."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
import urllib3

import on_request
from lookup.rosters.keys import SCHEDULE_TAG, UPLOAD_TAG, copies_of
from tests.handlers.calling import Call, kind_of, serve_parts_queue, uploaded
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

LINES = b"user-1\nuser-2\n"
HOURLY = {"expression": "rate(1 hour)"}


def put(upload: dict[str, Any], body: bytes, headers: dict[str, str]) -> int:
    return urllib3.PoolManager().request("PUT", upload["url"], body=body, headers=headers, retries=False).status


def tag_of(deployed: Stage, roster_id: str) -> str:
    answer = deployed.s3.get_object_tagging(Bucket=deployed.settings.bucket_name, Key=f"rosters/acme/{roster_id}")
    (tag,) = answer["TagSet"]
    return f"{tag['Key']}={tag['Value']}"


def versions(deployed: Stage, prefix: str) -> list[int]:
    page = deployed.s3.list_object_versions(Bucket=deployed.settings.bucket_name, Prefix=prefix)
    return [one["Size"] for one in page.get("Versions", [])]


def test_an_upload_is_what_was_declared(deployed: Stage, call: Call) -> None:
    """The URL takes exactly the declared bytes, with the headers that were signed, and nothing else."""
    roster = call("POST", "/v1/rosters", {"bytes": len(LINES)})[1]
    upload, headers = roster["upload"], roster["upload"]["headers"]
    assert put(upload, LINES + b"user-3\n", headers) == 403
    assert put(upload, LINES[:-1], headers) == 403
    for missing in headers:
        assert put(upload, LINES, {name: value for name, value in headers.items() if name != missing}) == 403
    assert put(upload, LINES, headers | {"x-amz-tagging": SCHEDULE_TAG}) == 403
    assert deployed.keys("rosters/") == []
    assert put(upload, LINES, headers) == 200
    assert tag_of(deployed, roster["roster_id"]) == UPLOAD_TAG


def test_an_id_has_one_content(deployed: Stage, call: Call) -> None:
    """A second upload of the same size is refused, also after the roster was deleted."""
    roster = call("POST", "/v1/rosters", {"bytes": len(LINES)})[1]
    upload, path = roster["upload"], f"/v1/rosters/{roster['roster_id']}"
    assert put(upload, LINES, upload["headers"]) == 200
    assert put(upload, LINES.upper(), upload["headers"]) == 412
    assert versions(deployed, f"rosters/acme/{roster['roster_id']}") == [len(LINES)]
    assert call("DELETE", path)[0] == 204
    assert put(upload, LINES, upload["headers"]) == 412
    assert versions(deployed, f"rosters/acme/{roster['roster_id']}") == [0]
    assert call("POST", "/v1/lookups", {"roster_id": roster["roster_id"]})[0] == 422
    assert kind_of(call("DELETE", path)) == (404, "not-found")


@pytest.mark.parametrize(
    "order", [None, {}, {"bytes": 0}, {"bytes": "9"}, {"bytes": 256 * 1024 * 1024 + 1}, {"size": 9}]
)
def test_a_size_that_is_none(deployed: Stage, call: Call, order: object) -> None:
    """Without a size, or above the stage's, there is no address."""
    status, problem, _ = call("POST", "/v1/rosters", order)
    assert status == 422
    assert {one["field"] for one in problem["errors"]} & {"bytes", "body.bytes", "body"}


def test_a_roster_is_kept_while_a_schedule_names_it(deployed: Stage, call: Call) -> None:
    """Its tag says so; it expires again when the last schedule has another or is gone, and only then may be deleted."""
    deployed.session.client("scheduler").create_schedule_group(Name="group")
    first, second = uploaded(call, LINES), uploaded(call, LINES)
    for name in ("one", "two"):
        assert call("PUT", f"/v1/schedules/{name}", HOURLY | {"roster_id": first})[0] == 201
    assert tag_of(deployed, first) == SCHEDULE_TAG
    assert call("PUT", "/v1/schedules/one", HOURLY | {"roster_id": second})[0] == 200
    assert (tag_of(deployed, first), tag_of(deployed, second)) == (SCHEDULE_TAG, SCHEDULE_TAG)
    status, problem, _ = call("DELETE", f"/v1/rosters/{first}")
    assert (status, problem["detail"]) == (409, "the schedule 'two' names this roster: delete or change it first")
    assert call("DELETE", "/v1/schedules/two")[0] == 204
    assert (tag_of(deployed, first), tag_of(deployed, second)) == (UPLOAD_TAG, SCHEDULE_TAG)
    assert call("DELETE", f"/v1/rosters/{first}")[0] == 204
    assert call("PUT", "/v1/schedules/one", HOURLY | {"roster_id": second, "expression": "never"})[0] == 422
    assert tag_of(deployed, second) == SCHEDULE_TAG


def test_a_schedule_that_was_deleted_elsewhere_keeps_nothing(deployed: Stage, call: Call) -> None:
    """What EventBridge Scheduler does not know any more is no reason to keep a roster."""
    scheduler = deployed.session.client("scheduler")
    scheduler.create_schedule_group(Name="group")
    roster_id = uploaded(call, LINES)
    assert call("PUT", "/v1/schedules/gone", HOURLY | {"roster_id": roster_id})[0] == 201
    scheduler.delete_schedule(GroupName="group", Name="acme.gone")
    assert call("DELETE", f"/v1/rosters/{roster_id}")[0] == 204


def test_a_roster_is_deleted_when_no_lookup_needs_it(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """Not while a lookup over it has not ended; then with every version, and with the copy of a packed one."""
    roster_id = uploaded(call, gzip.compress(LINES))
    lookup = call("POST", "/v1/lookups", {"roster_id": roster_id})[1]
    copies = copies_of(f"rosters/acme/{roster_id}")
    progress = on_request.services().whole.lookups.get(lookup["lookup_id"])
    assert progress is not None
    bucket = deployed.settings.bucket_name
    deployed.s3.put_object(Bucket=bucket, Key=f"{copies}{lookup['lookup_id']}", Body=LINES)
    status, problem, _ = call("DELETE", f"/v1/rosters/{roster_id}")
    assert (status, problem["detail"]) == (409, f"the lookup {lookup['lookup_id']} has not ended: cancel it, or wait")
    assert call("PATCH", lookup["links"]["self"], {"action": "cancel"})[0] == 200
    serve_parts_queue(deployed, context)
    assert call("DELETE", f"/v1/rosters/{roster_id}")[0] == 204
    assert versions(deployed, copies) == []
    assert versions(deployed, f"rosters/acme/{roster_id}") == [0]


def test_another_partner_s_is_not_deleted(deployed: Stage, call: Call) -> None:
    """Another partner's roster is a 404 like one that never was, and stays."""
    key = "rosters/other/" + "a" * 32
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key=key, Body=LINES)
    for name in ("a" * 32, "b" * 32):
        assert kind_of(call("DELETE", f"/v1/rosters/{name}")) == (404, "not-found")
    assert call("DELETE", "/v1/rosters/..%2Fother%2F" + "a" * 32)[0] == 422
    assert deployed.keys("rosters/other/") == [key]
