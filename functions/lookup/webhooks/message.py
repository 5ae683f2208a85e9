"""One event of the bus as the webhook that a partner gets: its id, its type, its body.

Id and body follow from what the event is about, not from its delivery: whatever is published, delivered or tried twice
has the same. Bodies hold counts and links, never an attribute, an identifier or a key in S3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.results.events import COMPLETED, READY, REFUSED, TEST
from lookup.webhook_settings import EventType, webhook_id_of

Detail = Mapping[str, Any]
Data = dict[str, Any]
CHANGES = "Changes Ready"  # what the rule calls a `Results Ready` with changes, for the second webhook that it makes
COUNTS = ("requested", "found", "not_found", "invalid", "failed")


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """What is sent to a partner; `occurred_at` is when that happened, ISO 8601 in UTC."""

    partner: str
    event: EventType
    webhook_id: str
    occurred_at: str
    data: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        """The payload, the same bytes for every attempt (Standard Webhooks, "Payload structure")."""
        return exact_json.dumps({"type": self.event.value, "timestamp": self.occurred_at, "data": self.data})


def parse_message(body: str) -> WebhookMessage:
    """Parse an event as EventBridge puts it on the queue. Raise `InvalidInput` naming what it lacks."""
    try:
        read = exact_json.loads(body)
    except ValueError:
        raise InvalidInput("body", "must be JSON") from None
    match read:
        case {"detail-type": str(kind), "detail": dict(detail)} if kind in _READERS:
            event, subject, moment, data = _READERS[kind]
        case _:
            raise InvalidInput("body", "must be an event of this service that webhooks are for")
    partner, occurred_at = _text(detail, "partner"), _text(detail, moment)
    webhook_id = webhook_id_of(partner, event, _text(detail, subject), occurred_at)
    return WebhookMessage(partner, event, webhook_id, occurred_at, data(detail))


def _completed(detail: Detail) -> Data:
    state = {"state": _text(detail, "state"), "counts": _counts(detail)}
    return {**_lookup(detail), **state, "links": _links(detail)}


def _ready(detail: Detail) -> Data:
    sizes = {"counts": _counts(detail), "files": _number(detail, "files"), "bytes": _number(detail, "bytes")}
    return {**_lookup(detail), **sizes, "links": _links(detail)}


def _changed(detail: Detail) -> Data:
    links = _links(detail)
    changes = {"lookup": links["lookup"], "results": f"{links['results']}?only=changed"}
    return {**_lookup(detail), "changed": _number(detail, "changed"), "links": changes}


def _refused(detail: Detail) -> Data:
    """Name the schedule as its partner does: in EventBridge Scheduler the partner's name stands before it."""
    name = _text(detail, "schedule").removeprefix(f"{_text(detail, 'partner')}.")
    facts = {"schedule": name, "workspace": _text(detail, "workspace"), "reason": _text(detail, "reason")}
    return {**facts, "links": {"schedule": f"/v1/schedules/{quote(name, safe='')}"}}


def _test(_: Detail) -> Data:
    return {"links": {"deliveries": "/v1/webhooks/deliveries"}}


Read = Callable[[Detail], Data]
# By detail type: the webhook's event, what it is about and when it happened (members of the detail), and its data.
_READERS: Mapping[str, tuple[EventType, str, str, Read]] = {
    COMPLETED: (EventType.LOOKUP_COMPLETED, "lookup_id", "finished_at", _completed),
    READY: (EventType.RESULTS_READY, "lookup_id", "ready_at", _ready),
    CHANGES: (EventType.PROFILES_CHANGED, "lookup_id", "ready_at", _changed),
    REFUSED: (EventType.SCHEDULE_REFUSED, "lookup_id", "due_at", _refused),
    TEST: (EventType.TEST, "test_id", "requested_at", _test),
}


def _lookup(detail: Detail) -> Data:
    return {"lookup_id": _text(detail, "lookup_id"), "workspace": _text(detail, "workspace")}


def _links(detail: Detail) -> dict[str, str]:
    path = f"/v1/lookups/{quote(_text(detail, 'lookup_id'), safe='')}"
    return {"lookup": path, "results": f"{path}/results"}


def _counts(detail: Detail) -> Data:
    counts = detail.get("counts")
    if not isinstance(counts, Mapping):
        raise InvalidInput("detail.counts", "must be an object")
    return {name: _number(counts, name) for name in COUNTS}


def _text(detail: Detail, name: str) -> str:
    value = detail.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"detail.{name}", "must be a text")
    return value


def _number(detail: Detail, name: str) -> int:
    value = detail.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"detail.{name}", "must be a whole number")
    return value
