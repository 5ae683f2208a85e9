"""Exports over HTTP: asked for by a partner, made by the results queue's function, listed among the lookup's files."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import urllib3

import on_results
from lookup.collection.formats.spreadsheet import FACTS
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.collecting.export_ledger import LIMIT
from lookup.ledger.items import lookup_key, serialize
from lookup.ledger.model import PARTS_SECONDS
from tests.handlers.calling import Call, kind_of, serve_parts_queue
from tests.handlers.conftest import CLIENT_ID, Grant, forget
from tests.handlers.test_results import collect
from tests.lambda_context import LambdaContext
from tests.lookup.collection.world import World
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record

Load = Callable[[str], dict[str, Any]]
CSV = {"formats": ["csv"]}
ORDER = {"identifiers": ["user-1", "user-2"], "fields": ["name"]}


@pytest.fixture
def ready(deployed: Stage, call: Call, context: LambdaContext) -> dict[str, Any]:
    """Return a lookup whose results are ready."""
    _, lookup, _ = call("POST", "/v1/lookups", ORDER, prefer="respond-async")
    serve_parts_queue(deployed, context)
    collect(deployed, lookup, context)
    found: dict[str, Any] = call("GET", lookup["links"]["self"])[1]
    return found


def exports_of(lookup: dict[str, Any]) -> str:
    return f"{lookup['links']['self']}/exports"


def make(deployed: Stage, lookup: dict[str, Any], context: LambdaContext, written_as: str = "csv") -> None:
    """Hand the request to the function that makes exports, as EventBridge and SQS do."""
    body = json.dumps({"lookup_id": lookup["lookup_id"], "export": written_as})
    deployed.sqs.send_message(QueueUrl=deployed.settings.results_queue_url or "", MessageBody=body)
    for message in deployed.messages(deployed.settings.results_queue_url or ""):
        event = {"Records": [sqs_record(message, "results")]}
        patient = replace(context, remaining_seconds=900.0)
        assert on_results.handler(event, patient) == {"batchItemFailures": []}


def test_csv_later(deployed: Stage, call: Call, context: LambdaContext, ready: dict[str, Any]) -> None:
    """An export is 202 with its state in the lookup; once it is ready its files are listed, and can be downloaded."""
    status, problem, _ = call("GET", f"{ready['links']['results']}?format=csv")
    assert (status, problem["detail"].endswith(exports_of(ready))) == (409, True)
    status, asked, headers = call("POST", exports_of(ready), CSV)
    assert (status, headers["Location"]) == (202, ready["links"]["self"])
    (export,) = asked["results"]["exports"]
    assert (export["format"], export["state"], export["files"], export["ready_at"]) == ("csv", "collecting", 0, None)
    page = call("GET", f"{ready['links']['results']}?format=csv")[1]
    assert (page["state"], page["files"]) == ("collecting", [])
    assert call("GET", ready["links"]["results"])[1]["state"] == "ready"
    make(deployed, ready, context)
    (export,) = call("GET", ready["links"]["self"])[1]["results"]["exports"]
    assert (export["state"], export["files"]) == ("ready", 2)
    listed = call("GET", f"{ready['links']['results']}?format=csv")[1]["files"]
    assert [(one["records"], one["only"]) for one in listed] == [(2, None)]
    address = call("GET", listed[0]["links"]["self"])[2]["Location"]
    text = gzip.decompress(urllib3.PoolManager().request("GET", address).data).decode()
    assert [row["identifier"] for row in csv.DictReader(io.StringIO(text))] == ["user-1", "user-2"]
    (changed,) = call("GET", f"{ready['links']['results']}?format=csv&only=changed")[1]["files"]
    assert changed["records"] == 2
    status, again, _ = call("POST", exports_of(ready), CSV)
    assert (status, again["results"]["exports"]) == (202, [export])


def test_bad_input(call: Call, ready: dict[str, Any]) -> None:
    """Formats that there are not, none or two of them, and unknown members are refused by name."""
    bodies: list[dict[str, Any]] = [
        {"formats": one} for one in (["xlsx"], [], ["csv", "csv_bom"], ["csv", "csv"], "csv")
    ]
    for body in (*bodies, {}, CSV | {"more": 1}):
        status, problem, _ = call("POST", exports_of(ready), body)
        assert (status, problem["type"].rpartition(":")[2]) == (422, "invalid")
        assert problem["errors"][0]["field"].split(".")[1] in {"formats", "more"}
    assert "exports" not in call("GET", ready["links"]["self"])[1]["results"]


def test_of_a_lookup_that_runs(call: Call, deployed: Stage, context: LambdaContext) -> None:
    """While a lookup runs, and until its results are ready, an export is a conflict."""
    _, lookup, _ = call("POST", "/v1/lookups", ORDER, prefer="respond-async")
    status, problem, _ = call("POST", exports_of(lookup), CSV)
    assert (status, problem["detail"]) == (409, "this lookup has not ended")
    serve_parts_queue(deployed, context)
    status, problem, _ = call("POST", exports_of(lookup), CSV)
    assert (status, problem["detail"]) == (409, "the files of this lookup are not ready: collecting")


def test_of_files_that_are_deleted(call: Call, deployed: Stage, ready: dict[str, Any]) -> None:
    """Once its files are deleted by their age, a lookup's results and exports are 410, not an empty list."""
    for key in deployed.keys("results/"):
        deployed.s3.delete_object(Bucket=deployed.settings.bucket_name, Key=key)
    file = f"{ready['links']['results']}/{ready['lookup_id']}-00001.parquet"
    for answer in (call("POST", exports_of(ready), CSV), call("GET", ready["links"]["results"]), call("GET", file)):
        assert kind_of(answer) == (410, "expired")


def test_of_parts_that_are_deleted(call: Call, deployed: Stage, ready: dict[str, Any]) -> None:
    """Seven days after a lookup's end its parts are 410, and its failures can not be retried; its files are there."""
    key = lookup_key(ready["lookup_id"], "state")
    old = World(deployed).clock() - PARTS_SECONDS
    deployed.dynamodb.update_item(
        TableName=deployed.settings.ledger_table_name,
        Key=key,
        UpdateExpression="SET finished_at = :old",
        ExpressionAttributeValues=serialize({":old": old}),
    )
    assert kind_of(call("GET", f"{ready['links']['results']}?parts=true")) == (410, "expired")
    assert kind_of(call("PATCH", ready["links"]["self"], {"action": "retry_failed"})) == (410, "expired")


def test_of_fields_that_are_not_granted_any_more(call: Call, grant: Grant, ready: dict[str, Any]) -> None:
    """An export needs what reading results needs: every field of the lookup, and its workspace."""
    grant(workspaces=["default"], fields=["u_em"])
    forget()
    assert kind_of(call("POST", exports_of(ready), CSV)) == (403, "forbidden")
    grant(workspaces=["other"])
    forget()
    assert kind_of(call("POST", exports_of(ready), CSV)) == (403, "forbidden")


def test_of_another_partner(deployed: Stage, call: Call, ready: dict[str, Any]) -> None:
    """Another's lookup has no exports for a partner: it is told of it as of one that never was."""
    grants = {CLIENT_ID: {"name": "acme"}, "other-client": {"name": "other"}}
    deployed.session.client("ssm").put_parameter(
        Name=deployed.settings.partners_parameter_name, Value=json.dumps(grants), Type="String", Overwrite=True
    )
    forget()
    theirs = call("POST", exports_of(ready), CSV, client="other-client")
    never = call("POST", "/v1/lookups/lookup-none/exports", CSV, client="other-client")
    assert theirs[0] == never[0] == 404
    assert theirs[1]["detail"] == never[1]["detail"]


def test_so_many_at_once(deployed: Stage, call: Call, ready: dict[str, Any]) -> None:
    """Over its limit of exports under way a partner gets 429 with which limit that is."""
    busy = {f"lookup-{number}#csv" for number in range(LIMIT)}
    collections = CollectionLedger(World(deployed).table)
    for entry in busy:  # exports of other lookups, under way
        item = deployed.dynamodb.get_item(
            TableName=deployed.settings.ledger_table_name, Key=lookup_key(ready["lookup_id"], "results")
        )["Item"]
        other = item | lookup_key(entry.partition("#")[0], "results")
        asked = '{"requested_at":1.0,"state":"collecting","sets":0,"files":0,"bytes":0,"ready_at":null,"reason":null}'
        deployed.dynamodb.put_item(
            TableName=deployed.settings.ledger_table_name, Item=other | {"export_csv": {"S": asked}}
        )
    key = serialize({"pk": "exports#acme", "sk": "open"})
    deployed.dynamodb.put_item(TableName=deployed.settings.ledger_table_name, Item=key | serialize({"open": busy}))
    status, problem, _ = call("POST", exports_of(ready), CSV)
    assert (status, problem["owned"], problem["limit"]) == (429, "exports", LIMIT)
    assert collections.read(ready["lookup_id"]) is not None


def test_a_message_for_an_unknown_format(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A message that asks for a format that there is not is dead-lettered with the rule."""
    delivered = event("on_results/export.json")
    delivered["Records"][0]["body"] = '{"lookup_id": "l-1", "export": "parquet"}'
    assert on_results.handler(delivered, context) == {"batchItemFailures": []}
    (letter,) = deployed.messages(deployed.settings.results_dead_letter_queue_url or "")
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "export: must be csv or csv_bom"


def test_no_file_holds_what_is_not_granted(
    deployed: Stage, call: Call, grant: Grant, context: LambdaContext, tmp_path: Path
) -> None:
    """Of a partner with some fields no file of any format holds another attribute, though all were stored before."""
    everything, _, _ = call("GET", "/v1/profiles?identifier_type=customer_id&identifier=user-1")
    assert everything == 200
    grant(workspaces=["default"], fields=["u_em"])
    forget()
    _, lookup, _ = call("POST", "/v1/lookups", {"identifiers": ["user-1"], "max_age": 3600}, prefer="respond-async")
    serve_parts_queue(deployed, context)
    collect(deployed, lookup, context)
    assert call("POST", exports_of(lookup), CSV)[0] == 202
    make(deployed, lookup, context)
    listed = call("GET", lookup["links"]["results"])[1]["files"]
    bodies = {one["format"]: urllib3.PoolManager().request("GET", one["url"]).data for one in listed if not one["only"]}
    (record,) = map(json.loads, gzip.decompress(bodies["ndjson"]).splitlines())
    assert set(record["user_attributes"]) == {"u_em"}
    path = tmp_path / "one.parquet"
    path.write_bytes(bodies["parquet"])
    ((text,),) = duckdb.read_parquet(str(path)).project("user_attributes").fetchall()
    assert set(json.loads(text)) == {"u_em"}
    (row,) = csv.DictReader(io.StringIO(gzip.decompress(bodies["csv"]).decode()))
    assert [name for name in row if name not in FACTS] == ["u_em"]


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2F..%2Fmanifest", "x%0d%0aSet-Cookie:%20a", "%22;filename=%22x"])
def test_names_of_files_are_no_paths(call: Call, ready: dict[str, Any], name: str) -> None:
    """Only a name that is listed leads to a file; no other is looked for in the bucket, or repeated in a header."""
    status, _, headers = call("GET", f"{ready['links']['results']}/{name}")
    assert (status, "Location" in headers) == (404, False)
