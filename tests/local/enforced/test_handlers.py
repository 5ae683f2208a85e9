"""Every handler works with its own role where IAM is enforced."""

from __future__ import annotations

import gzip
import tempfile
import time
from typing import Any

import urllib3

from lookup.ledger.collecting.collections import MARGIN, CollectionLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import PARTS_SECONDS
from lookup.ledger.table import LedgerTable
from lookup.schedules.part_expiry import PartExpiry
from tests.local.enforced.conftest import Enforced
from tests.lookup.services import customer
from tests.waiting import until

TICK: dict[str, object] = {"task": "feed"}


def submitted(enforced: Enforced, body: bytes) -> str:
    """Upload a roster and submit a lookup over it; return its path."""
    api = enforced.api()
    with tempfile.TemporaryFile() as file:
        file.write(body)
        roster_id = api.upload_roster(file)
    return str(api.submit({"roster_id": roster_id})["links"]["self"])


def test_requests_are_answered(enforced: Enforced) -> None:
    """One profile, and several at once."""
    enforced.put_secrets_and_grants()
    assert enforced.api().profile(customer("C-1"))[0] == 200
    status, answer = enforced.api().lookup(["C-3", "C-4"])
    assert (status, answer["counts"]["found"]) == (200, 2)


def test_the_intake_queue_is_served(enforced: Enforced) -> None:
    """A message becomes a stored profile."""
    enforced.put_secrets_and_grants()
    enforced.stage.clients.sqs.send_message(QueueUrl=enforced.stage.outputs["IntakeQueueUrl"], MessageBody="C-5")
    key = {"identifier": {"S": "C-5"}, "scope": {"S": "default#customer_id"}}
    table = enforced.stage.outputs["ProfilesTableName"]
    item = until(lambda: enforced.stage.clients.dynamodb.get_item(TableName=table, Key=key).get("Item"))
    assert item["status"] == {"S": "found"}


def test_a_lookup_over_a_roster_ends_and_its_results_can_be_read(enforced: Enforced) -> None:
    """Upload, feeding, parts, the end and the signed URL: each with the role of who does it."""
    enforced.put_secrets_and_grants()
    path = submitted(enforced, b"customer_id\n" + b"".join(b"R-%d\n" % number for number in range(120)))
    lookup = until(lambda: ended(enforced, path))
    assert (lookup["counts"]["found"], lookup["parts"]) == (120, 2)
    files = enforced.api().get(f"{path}/results?parts=true")["files"]
    answer = urllib3.PoolManager().request("GET", files[0]["url"])
    assert (answer.status, len(gzip.decompress(answer.data).splitlines())) == (200, 100)


def test_a_lookup_that_has_ended_is_collected(enforced: Enforced) -> None:
    """The event of its end comes to the function that collects, and publishes files; an export's makes CSV of them."""
    enforced.put_secrets_and_grants()
    path = submitted(enforced, b"customer_id\n" + b"".join(b"S-%d\n" % number for number in range(120)))
    files = until(lambda: enforced.api().get(f"{path}/results?format=ndjson")["files"] or None)
    (all_of_it,) = [file for file in files if file["only"] is None]
    answer = urllib3.PoolManager().request("GET", all_of_it["url"])
    assert (answer.status, len(gzip.decompress(answer.data).splitlines())) == (200, 120)
    assert enforced.call("POST", f"{path}/exports", {"formats": ["csv"]}) == 202
    exported = until(lambda: enforced.api().get(f"{path}/results?format=csv")["files"] or None)
    answer = urllib3.PoolManager().request("GET", exported[0]["url"])
    assert (answer.status, len(gzip.decompress(answer.data).splitlines())) == (200, 121)


def test_parts_are_deleted_with_the_role_of_the_tick(enforced: Enforced) -> None:
    """A week after a lookup's end the tick's role may delete its parts; its files, and all else, stay."""
    enforced.put_secrets_and_grants()
    path = submitted(enforced, b"customer_id\nD-1\nD-2\n")
    until(lambda: enforced.api().get(f"{path}/results?format=ndjson")["files"] or None)
    own = path.rpartition("/")[2]
    before = keys(enforced, "")
    (part,) = [key for key in before if key.startswith("parts/") and own in key]
    expiry = part_expiry(enforced)
    assert expiry.run() >= 1
    after = set(keys(enforced, ""))
    assert part not in after
    gone = {key for key in before if key not in after}
    assert all(key.startswith("parts/") for key in gone)
    assert {key for key in before if own in key and key.startswith("results/")} <= after
    assert expiry.run() == 0


def part_expiry(enforced: Enforced) -> PartExpiry:
    """Return what deletes parts, with the role of the function that does, and the clock of a week later."""
    role = enforced.assume("OnScheduleRole")
    outputs = enforced.stage.outputs

    def later() -> float:
        return time.time() + PARTS_SECONDS + 2 * MARGIN

    table = LedgerTable(enforced.client("dynamodb", role), outputs["LedgerTableName"], clock=later, sleep=time.sleep)
    return PartExpiry(
        enforced.client("s3", role),
        enforced.stage.bucket,
        collections=CollectionLedger(table),
        ledger=LookupLedger(table),
        clock=later,
        every=0.0,
    )


def test_an_hour_is_collected(enforced: Enforced) -> None:
    """What a request puts on its queue is archived; the tick asks for the hour, which is collected."""
    enforced.put_secrets_and_grants()
    clients, outputs = enforced.stage.clients, enforced.stage.outputs
    assert enforced.api().profile(customer("H-1"))[0] == 200

    def archived() -> str | None:
        answers = (one for one in keys(enforced, "parts/") if "/answers-" in one)
        return next((one for one in answers if holds(enforced, one, "H-1")), None)

    key = until(archived)
    ledger = outputs["LedgerTableName"]
    notes = clients.dynamodb.query(
        TableName=ledger, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "hours"}}
    )
    for item in notes["Items"]:
        passed = "00000000001" + item["sk"]["S"][11:]  # as if its time had come
        clients.dynamodb.put_item(TableName=ledger, Item={**item, "sk": {"S": passed}})
    enforced.invoke("OnSchedule", TICK)
    day, hour = key.split("/")[2:4]
    name = f"results/workspace=default/{day}/ndjson/hour-{hour.removeprefix('hour=')}-00001.ndjson.gz"
    until(lambda: (name in keys(enforced, "results/") and holds(enforced, name, "H-1")) or None)


def test_a_packed_roster_is_converted_fed_and_deleted(enforced: Enforced) -> None:
    """Its own function unpacks it, the next tick feeds it, and its partner removes it with the copy."""
    enforced.put_secrets_and_grants()
    before = keys(enforced, "rosters/demo/")
    path = submitted(enforced, gzip.compress(b"customer_id\nG-1\nG-2\n"))
    (key,) = set(keys(enforced, "rosters/demo/")) - set(before)
    until(lambda: keys(enforced, "rosters/unpacked/demo/") or None)

    def fed() -> dict[str, Any] | None:
        enforced.invoke("OnSchedule", TICK)
        return ended(enforced, path)

    assert until(fed)["counts"]["found"] == 2
    assert enforced.call("DELETE", f"/v1/rosters/{key.rpartition('/')[2]}") == 204
    assert keys(enforced, "rosters/unpacked/demo/") == []


def holds(enforced: Enforced, key: str, identifier: str) -> bool:
    body = enforced.stage.clients.s3.get_object(Bucket=enforced.stage.bucket, Key=key)["Body"].read()
    return f'"identifier":"{identifier}"'.encode() in gzip.decompress(body)


def keys(enforced: Enforced, prefix: str) -> list[str]:
    page = enforced.stage.clients.s3.list_objects_v2(Bucket=enforced.stage.bucket, Prefix=prefix)
    return [one["Key"] for one in page.get("Contents", []) if one["Size"]]


def test_the_schedules_door_fires(enforced: Enforced) -> None:
    """A firing submits a lookup, if its partner may."""
    enforced.put_secrets_and_grants()
    enforced.stage.clients.s3.put_object(Bucket=enforced.stage.bucket, Key="rosters/fired.csv", Body=b"S-1\n")
    firing = {"schedule": "fired", "scheduled_time": "2026-11-23T19:00:00Z", "workspace": "default"}
    fired = enforced.invoke("OnSchedule", firing | {"roster": "rosters/fired.csv", "fields": None, "max_age": 0})
    assert fired == {"lookup_id": "fired-20261123T190000Z", "skipped_for": None, "refused_because": None}
    enforced.stage.clients.s3.put_object(Bucket=enforced.stage.bucket, Key="rosters/demo/fired", Body=b"S-1\n")
    partners = {"schedule": "demo.fired", "roster": "rosters/demo/fired", "partner": "demo", "fields": None}
    assert enforced.invoke("OnSchedule", firing | partners)["refused_because"] is None
    refused = enforced.invoke("OnSchedule", firing | partners | {"schedule": "gone.fired", "partner": "gone"})
    assert refused["refused_because"] == "this partner has no grants"


def test_partners_keep_schedules(enforced: Enforced) -> None:
    """A schedule is created, listed, read and deleted in the stage's own group."""
    enforced.stage.clients.s3.put_object(Bucket=enforced.stage.bucket, Key="rosters/demo/kept", Body=b"S-2\n")
    order = {"roster_id": "kept", "expression": "cron(0 3 * * ? *)", "time_zone": "UTC"}
    answers = [enforced.call("PUT", "/v1/schedules/nightly", order)]
    answers.append(enforced.call("GET", "/v1/schedules"))
    answers += [enforced.call(method, "/v1/schedules/nightly") for method in ("GET", "DELETE", "GET")]
    assert answers == [201, 200, 200, 204, 404]


def ended(enforced: Enforced, path: str) -> dict[str, Any] | None:
    lookup = enforced.api().get(path)
    return lookup if lookup["finished_at"] else None
