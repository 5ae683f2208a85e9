"""The files of a lookup over HTTP: listed once they are ready, each with an address that can be kept."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
import urllib3

import on_results
from tests.handlers.calling import Call, kind_of, serve_parts_queue
from tests.handlers.conftest import forget
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record


def ended(deployed: Stage, call: Call, context: LambdaContext) -> dict[str, Any]:
    """Return a lookup of 101 identifiers that has ended, one of them junk."""
    names = [f"user-{number}" for number in range(100)]
    _, lookup, _ = call("POST", "/v1/lookups", {"identifiers": ["null", *names]})
    assert lookup["results"] is None
    assert call("GET", lookup["links"]["results"])[1] == {"state": "running", "files": [], "next": None}
    serve_parts_queue(deployed, context)
    found: dict[str, Any] = call("GET", lookup["links"]["self"])[1]
    return found


def collect(deployed: Stage, lookup: dict[str, Any], context: LambdaContext) -> None:
    """Hand a lookup's end to the function that collects results, as EventBridge and SQS do."""
    url, unhurried = deployed.settings.results_queue_url or "", replace(context, remaining_seconds=900.0)
    deployed.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"lookup_id": lookup["lookup_id"]}))
    for message in deployed.messages(url):
        event = {"Records": [sqs_record(message, "results")]}
        assert on_results.handler(event, unhurried) == {"batchItemFailures": []}


def test_files_are_listed_once_they_are_ready(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """A lookup that has ended is collecting, then ready; its files come with records, bytes, SHA-256 and a good URL."""
    lookup = ended(deployed, call, context)
    assert lookup["results"] == {
        "state": "collecting", "files": 0, "bytes": 0, "ready_at": None, "failed_because": None,
    }  # fmt: skip
    assert call("GET", lookup["links"]["results"])[1] == {"state": "collecting", "files": [], "next": None}
    collect(deployed, lookup, context)
    results = call("GET", lookup["links"]["self"])[1]["results"]
    page = call("GET", lookup["links"]["results"])[1]
    assert (results["state"], results["files"], page["state"]) == ("ready", 4, "ready")
    assert {(one["format"], one["records"]) for one in page["files"]} == {("ndjson", 101), ("parquet", 101)}
    for file in page["files"]:
        body = urllib3.PoolManager().request("GET", file["url"]).data
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])


def test_files_by_format_and_of_changes(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """`format` and `only` choose files; those of changes hold who is new."""
    lookup = ended(deployed, call, context)
    collect(deployed, lookup, context)
    address = lookup["links"]["results"]
    (file,) = call("GET", f"{address}?format=ndjson&only=changed")[1]["files"]
    records = gzip.decompress(urllib3.PoolManager().request("GET", file["url"]).data).splitlines()
    assert (len(records), file["records"], file["only"]) == (100, 100, "changed")
    assert kind_of(call("GET", f"{address}?format=xlsx"))[0] == 422
    assert kind_of(call("GET", f"{address}?only=new"))[0] == 422


def test_csv_is_written_when_the_lookup_asks_for_it(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """`formats` of a lookup adds CSV to its files, with a byte order mark if that is asked for; others are refused."""
    order = {"identifiers": ["user-1"], "fields": ["name"], "formats": ["csv_bom"]}
    _, lookup, _ = call("POST", "/v1/lookups", order, prefer="respond-async")
    serve_parts_queue(deployed, context)
    collect(deployed, lookup, context)
    (file,) = call("GET", f"{lookup['links']['results']}?format=csv_bom")[1]["files"]
    assert call("GET", f"{lookup['links']['results']}?format=csv")[0] == 409
    text = gzip.decompress(urllib3.PoolManager().request("GET", file["url"]).data).decode()
    assert text.startswith("\ufeffidentifier_type,identifier,outcome")
    assert text.splitlines()[0].endswith(",changed_fields,name")
    assert kind_of(call("POST", "/v1/lookups", order | {"formats": ["xlsx"]}))[0] == 422
    assert kind_of(call("POST", "/v1/lookups", order | {"formats": ["csv", "csv"]}))[0] == 422


def test_parts_are_listed_when_asked_for(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """`parts=true` lists the parts that are done, a page at a time."""
    lookup = ended(deployed, call, context)
    first = call("GET", f"{lookup['links']['results']}?parts=true&limit=1")
    assert (first[1]["state"], len(first[1]["files"])) == ("parts", 1)
    second = call("GET", first[2]["Link"].partition(">")[0].removeprefix("<"))[1]
    assert [one["part"] for one in (*first[1]["files"], *second["files"])] == ["00000001", "00000002"]


def test_parts_are_not_chosen_by_format(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """`format` and `only` beside `parts=true` are refused by name: parts are gzip NDJSON, and hold all records."""
    lookup = ended(deployed, call, context)
    for name, value in (("format", "csv"), ("only", "changed")):
        status, problem, _ = call("GET", f"{lookup['links']['results']}?parts=true&{name}={value}")
        assert (status, problem["errors"][0]["field"]) == (422, f"query.{name}")
        assert "parts=true" in problem["errors"][0]["rule"]


def test_a_saved_address_goes_on_being_good(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """A file's own address redirects to a URL that is signed now, under which a browser saves it by its name."""
    lookup = ended(deployed, call, context)
    address = f"{lookup['links']['results']}/{lookup['lookup_id']}-00001.parquet"
    assert kind_of(call("GET", address)) == (409, "conflict")
    collect(deployed, lookup, context)
    status, _, headers = call("GET", address)
    assert status == 303
    answer = urllib3.PoolManager().request("GET", headers["Location"])
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{lookup["lookup_id"]}-00001.parquet"'
    assert answer.data[:4] == answer.data[-4:] == b"PAR1"
    assert kind_of(call("GET", f"{lookup['links']['results']}/other.parquet")) == (404, "not-found")


def test_changes_are_unknown_where_no_profile_is_kept(
    deployed: Stage, call: Call, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workspace that keeps no profiles nobody knows what changed: that is said, not answered with nothing."""
    lookup = ended(deployed, call, context)
    unkept = replace(deployed.settings.workspace("default"), keep_profiles=False)
    written = replace(deployed.settings, workspaces={"default": unkept}).to_environment()
    monkeypatch.setenv("WORKSPACES", written["WORKSPACES"])
    forget()
    assert kind_of(call("GET", f"{lookup['links']['results']}?only=changed")) == (409, "conflict")
