"""Events as webhooks: the payload of Standard Webhooks, thin, and the same id and bytes whoever delivers it again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lookup.errors import InvalidInput
from lookup.webhook_settings import EventType
from lookup.webhooks.message import parse_message

COUNTS = {"requested": 5, "found": 3, "not_found": 1, "invalid": 1, "failed": 0}
OF_A_LOOKUP: dict[str, Any] = {"lookup_id": "l-1", "workspace": "default", "partner": "acme", "counts": COUNTS}
COMPLETED = OF_A_LOOKUP | {"state": "completed", "parts": 1, "finished_at": "2026-11-29T02:00:00.000000Z"}
READY = OF_A_LOOKUP | {
    "files": 4, "bytes": 900, "changed": 2, "manifest": "results/…/l-1.manifest.json",
    "ready_at": "2026-11-29T02:01:00.000000Z",
}  # fmt: skip
REFUSED = {
    "lookup_id": "acme.nightly-20261129T020000Z", "schedule": "acme.nightly", "workspace": "default", "partner": "acme",
    "due_at": "2026-11-29T02:00:00.000000Z", "reason": "lane 'bulk' is not granted",
}  # fmt: skip
TEST = {"partner": "acme", "test_id": "t-1", "requested_at": "2026-11-29T02:02:00.000000Z"}
LINKS = {"lookup": "/v1/lookups/l-1", "results": "/v1/lookups/l-1/results"}


def event(kind: str, detail: object, **envelope: object) -> str:
    """Write an event as EventBridge puts it on a queue."""
    return json.dumps({"version": "0", "id": "e-1", "detail-type": kind, "detail": detail} | envelope)


@pytest.mark.parametrize(
    ("kind", "detail", "type_", "occurred_at", "data"),
    [
        (
            "Lookup Completed",
            COMPLETED,
            EventType.LOOKUP_COMPLETED,
            COMPLETED["finished_at"],
            {"lookup_id": "l-1", "workspace": "default", "state": "completed", "counts": COUNTS, "links": LINKS},
        ),
        (
            "Results Ready",
            READY,
            EventType.RESULTS_READY,
            READY["ready_at"],
            {"lookup_id": "l-1", "workspace": "default", "counts": COUNTS, "files": 4, "bytes": 900, "links": LINKS},
        ),
        (
            "Changes Ready",
            READY,
            EventType.PROFILES_CHANGED,
            READY["ready_at"],
            {
                "lookup_id": "l-1",
                "workspace": "default",
                "changed": 2,
                "links": {"lookup": "/v1/lookups/l-1", "results": "/v1/lookups/l-1/results?only=changed"},
            },
        ),
        (
            "Schedule Refused",
            REFUSED,
            EventType.SCHEDULE_REFUSED,
            REFUSED["due_at"],
            {
                "schedule": "nightly",
                "workspace": "default",
                "reason": "lane 'bulk' is not granted",
                "links": {"schedule": "/v1/schedules/nightly"},
            },
        ),
        (
            "Webhook Test",
            TEST,
            EventType.TEST,
            TEST["requested_at"],
            {"links": {"deliveries": "/v1/webhooks/deliveries"}},
        ),
    ],
)
def test_an_event_is_a_webhook(
    kind: str, detail: dict[str, Any], type_: EventType, occurred_at: str, data: dict[str, Any]
) -> None:
    """The payload is type, timestamp and data, with counts and links only."""
    message = parse_message(event(kind, detail))
    assert (message.partner, message.event) == ("acme", type_)
    assert json.loads(message.body) == {"type": type_.value, "timestamp": occurred_at, "data": data}
    assert len(message.body) < 2000


def test_a_second_delivery_is_the_same_webhook() -> None:
    """What EventBridge delivers twice, and what is published twice, has the same id and the same bytes."""
    first = parse_message(event("Lookup Completed", COMPLETED))
    again = parse_message(event("Lookup Completed", COMPLETED, id="e-2", time="2026-11-29T02:05:00Z"))
    assert (again.webhook_id, again.body) == (first.webhook_id, first.body)
    assert first.webhook_id.startswith("msg_")
    assert "." not in first.webhook_id  # it is signed behind one


def test_other_events_have_other_ids() -> None:
    """Another end of the same lookup, another event of it, another partner's: each has its own id."""
    later = COMPLETED | {"finished_at": "2026-11-29T03:00:00.000000Z"}
    ids = {
        parse_message(event(kind, detail)).webhook_id
        for kind, detail in (
            ("Lookup Completed", COMPLETED),
            ("Lookup Completed", later),
            ("Lookup Completed", COMPLETED | {"partner": "other"}),
            ("Results Ready", READY),
            ("Changes Ready", READY),
        )
    }
    assert len(ids) == 5


def test_a_link_holds_what_a_path_may() -> None:
    """A lookup's id is escaped in a link."""
    message = parse_message(event("Lookup Completed", COMPLETED | {"lookup_id": "a/../b?c"}))
    assert message.data["links"]["lookup"] == "/v1/lookups/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("[]", "body"),
        (event("Profiles Changed", {"partner": "acme"}), "body"),
        (event("Lookup Completed", []), "body"),
        (event("Lookup Completed", COMPLETED | {"partner": ""}), "detail.partner"),
        (event("Lookup Completed", COMPLETED | {"finished_at": None}), "detail.finished_at"),
        (event("Lookup Completed", COMPLETED | {"counts": None}), "detail.counts"),
        (event("Results Ready", READY | {"files": "4"}), "detail.files"),
        (event("Changes Ready", READY | {"changed": True}), "detail.changed"),
    ],
)
def test_what_is_no_event(body: str, field: str) -> None:
    """What lacks something, or is of another kind, is refused by name."""
    with pytest.raises(InvalidInput) as refused:
        parse_message(body)
    assert refused.value.field == field
