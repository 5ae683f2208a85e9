"""Webhooks over HTTP: what was sent to a partner, and tests; and events on their way from the bus to the receiver."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

import on_request
import on_schedule
import on_webhook
from lookup.webhook_settings import SELECTABLE
from tests.handlers.calling import Call, serve_parts_queue
from tests.handlers.conftest import Grant, LambdaContext
from tests.handlers.test_exports import ORDER
from tests.handlers.test_ready_event import heard, listening
from tests.handlers.test_results import collect
from tests.lookup.stage import Stage
from tests.lookup.webhooks.receivers import HOST, Authority, Receiver, receiver, sender_to
from tests.sqs_records import sqs_record

__all__ = ["listening"]
DELIVERIES, TEST = "/v1/webhooks/deliveries", "/v1/webhooks/test"
KEY = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
SECRET = "webhook/acme"
URL = f"https://{HOST}/moengage"
WEBHOOK = {"url": URL, "events": list(SELECTABLE), "secret_id": SECRET}


@pytest.fixture
def called(deployed: Stage, grant: Grant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """The receiver of acme's webhook."""
    deployed.secretsmanager.create_secret(Name=SECRET, SecretString=json.dumps({"current": KEY}))
    grant(webhook=WEBHOOK)
    authority = Authority.of(tmp_path_factory.mktemp("tls"), HOST)
    with receiver(authority) as one:
        on_webhook.services().sender = sender_to(one.port, authority.client)
        yield one


def deliver(deployed: Stage, context: LambdaContext, url: str, *, also_changes: bool = False) -> None:
    """Serve the events of the bus as the stack's rules put them on the webhook queue."""
    for message in deployed.messages(url):
        event = json.loads(message["Body"])
        bodies = [message["Body"]]
        if also_changes and event["detail"].get("changed"):
            bodies.append(json.dumps({"detail-type": "Changes Ready", "detail": event["detail"]}))
        if event["detail-type"] in {"Lookup Completed", "Results Ready", "Schedule Refused", "Webhook Test"}:
            records = [sqs_record(message, "webhooks") | {"body": body} for body in bodies]
            for record in records:
                assert on_webhook.handler({"Records": [record]}, context) == {"batchItemFailures": []}


def received(called: Receiver) -> list[dict[str, Any]]:
    return [Webhook(KEY).verify(one.body, one.headers) for one in called.received]


def test_a_partner_tests_its_webhook(
    deployed: Stage, call: Call, context: LambdaContext, called: Receiver, listening: str
) -> None:
    """A test is 202, arrives signed under the id that was answered, and is in the list; the next one is 429."""
    status, body, _ = call("POST", TEST)
    assert (status, body["event"], body["links"]) == (202, "webhook.test", {"deliveries": DELIVERIES})
    deliver(deployed, context, listening)
    ((got,), (payload,)) = called.received, received(called)
    assert (got.headers["webhook-id"], payload["type"]) == (body["webhook_id"], "webhook.test")
    status, listed, _ = call("GET", DELIVERIES)
    (delivery,) = listed["deliveries"]
    assert (status, listed["next"], listed["webhook"]["state"]) == (200, None, "called")
    assert delivery | {"occurred_at": "", "attempted_at": ""} == {
        "webhook_id": body["webhook_id"],
        "event": "webhook.test",
        "occurred_at": "",
        "state": "delivered",
        "attempts": 1,
        "last_status": 204,
        "last_error": None,
        "attempted_at": "",
        "next_attempt_at": None,
    }
    status, problem, headers = call("POST", TEST)
    assert (status, problem["violated-policies"]) == (429, ["tests"])
    assert 1 <= int(headers["Retry-After"]) <= 30


def test_without_a_webhook(call: Call) -> None:
    """A partner without a webhook sees that there is none, and cannot test it."""
    assert call("GET", DELIVERIES)[1] == {"webhook": None, "deliveries": [], "next": None}
    status, problem, _ = call("POST", TEST)
    assert (status, problem["type"].rpartition(":")[2]) == (409, "conflict")


def test_a_lookup_calls_back_three_times(
    deployed: Stage, call: Call, context: LambdaContext, called: Receiver, listening: str
) -> None:
    """A lookup's end, its files and its changes are a webhook each, with its counts and no identifier or attribute."""
    _, lookup, _ = call("POST", "/v1/lookups", ORDER, prefer="respond-async")
    serve_parts_queue(deployed, context)
    collect(deployed, lookup, replace(context, remaining_seconds=900.0))
    deliver(deployed, context, listening, also_changes=True)
    payloads = {one["type"]: one["data"] for one in received(called)}
    assert set(payloads) == {"lookup.completed", "results.ready", "profiles.changed"}
    assert len(called.received) == 3
    links = {"lookup": lookup["links"]["self"], "results": lookup["links"]["results"]}
    counts = {"requested": 2, "found": 2, "not_found": 0, "invalid": 0, "failed": 0}
    facts = {"lookup_id": lookup["lookup_id"], "workspace": "default"}
    assert payloads["lookup.completed"] == facts | {"state": "completed", "counts": counts, "links": links}
    assert payloads["results.ready"]["files"] == 4
    assert payloads["profiles.changed"]["changed"] == 2
    for path in (links["lookup"], links["results"], *payloads["profiles.changed"]["links"].values()):
        assert call("GET", path)[0] == 200
    written = b"".join(one.body for one in called.received).decode()
    assert not any(name in written for name in ORDER["identifiers"])
    assert "results/workspace=" not in written


def test_a_refused_firing_calls_back(
    deployed: Stage, context: LambdaContext, called: Receiver, grant: Grant, listening: str
) -> None:
    """A schedule whose partner lost its lane calls the partner back, with the rule and the schedule's own name."""
    grant(webhook=WEBHOOK, lanes=["on_demand"])
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key="rosters/acme/one", Body=b"customer_id\nC-1\n")
    firing = {
        "schedule": "acme.nightly",
        "scheduled_time": "2026-11-29T02:00:00Z",
        "workspace": "default",
        "roster": "rosters/acme/one",
        "partner": "acme",
    }
    assert on_schedule.handler(firing, context)["refused_because"] == "lane 'bulk' is not granted"
    deliver(deployed, context, listening)
    (payload,) = received(called)
    assert payload == {
        "type": "schedule.refused",
        "timestamp": "2026-11-29T02:00:00.000000Z",
        "data": {
            "schedule": "nightly",
            "workspace": "default",
            "reason": "lane 'bulk' is not granted",
            "links": {"schedule": "/v1/schedules/nightly"},
        },
    }
    assert heard(deployed, listening, "Schedule Refused") == []


def test_deliveries_come_by_page_and_are_the_partner_s_own(deployed: Stage, call: Call, grant: Grant) -> None:
    """Pages follow each other by `next`; another partner's deliveries are in none of them."""
    from lookup.ledger.webhooks import DeliveryRecord, WebhookLedger  # noqa: PLC0415 - of this test alone
    from lookup.model import timestamp  # noqa: PLC0415 - as above

    services = on_request.services()
    ledger = WebhookLedger(services.whole.table)
    for partner, numbers in (("acme", range(5)), ("other", range(5, 7))):
        for number in numbers:
            at = timestamp(services.clock() - number)
            ledger.record(partner, DeliveryRecord(at, f"msg_{number:032x}", "results.ready"))
    _, first, headers = call("GET", f"{DELIVERIES}?limit=3")
    _, rest, _ = call("GET", f"{DELIVERIES}?limit=3&after={first['next']}")
    ids = [int(one["webhook_id"][4:], 16) for page in (first, rest) for one in page["deliveries"]]
    assert (ids, rest["next"]) == ([0, 1, 2, 3, 4], None)
    assert headers["Link"].startswith(f"<{DELIVERIES}?limit=3&after=")


@pytest.mark.parametrize("after", ["x", "AAAA", base64.urlsafe_b64encode(b"2026-11-29#msg_x").decode(), "_" * 400])
def test_a_mark_of_nobody(call: Call, after: str) -> None:
    """What is not the `next` of a page is refused by name."""
    status, problem, _ = call("GET", f"{DELIVERIES}?after={after.rstrip('=')}")
    assert (status, problem["errors"][0]["field"]) == (422, "after")


def test_a_disabled_webhook_says_so(call: Call, grant: Grant) -> None:
    """A partner sees that its receiver answered 410, and since when."""
    from lookup.ledger.webhooks import WebhookLedger  # noqa: PLC0415 - of this test alone

    grant(webhook=WEBHOOK)
    ledger = WebhookLedger(on_request.services().whole.table)
    seen = ledger.receiver("acme", URL)
    slot = ledger.acquire_slot("acme", seen)
    assert slot is not None
    ledger.record_call(slot, seen, disabled=True)
    webhook = call("GET", DELIVERIES)[1]["webhook"]
    assert (webhook["state"], webhook["paused_until"]) == ("disabled", None)
    assert webhook["disabled_at"].endswith("Z")
