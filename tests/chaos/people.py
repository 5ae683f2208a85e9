"""Who comes by the doors: other systems with messages, partners with requests, and EventBridge Scheduler.

They do what one does when a service fails: ask again. So a request whose answer was lost may have been served before.
"""

from __future__ import annotations

import json
import queue
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from lookup import wire
from tests.chaos.clock import REAL_SLEEP, FastClock
from tests.chaos.crew import PROJECT, Post
from tests.chaos.entries import Entry, json_values
from tests.chaos.orders import Call, Listed, Message, Orders

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PARTNER = "acme"
PROFILE = "/v1/profiles/{identifier_type}/{identifier+}"
ENTITLED: dict[str, Any] = json.loads((PROJECT / "events/on_request/post_lookups.json").read_text())
CLIENT_ID = ENTITLED["requestContext"]["authorizer"]["jwt"]["claims"]["client_id"]
TICK = 60.0  # service seconds between two looks of the schedule `feeder-tick`
PAUSE = 0.2  # real seconds before somebody asks again
TRIES = 200


@dataclass
class Diary:
    """What those who came were told. `sent`: message ids; `accepted`: lookup ids; `answered`: outcomes at once."""

    sent: dict[str, Message] = field(default_factory=dict)
    accepted: list[tuple[str, tuple[Entry, ...]]] = field(default_factory=list)
    answered: list[tuple[tuple[Entry, ...], list[dict[str, Any]]]] = field(default_factory=list)
    refused: int = 0  # requests and firings that had to be repeated


def send_messages(orders: Orders, clock: FastClock, sqs: SQSClient, queue_url: str, diary: Diary) -> None:
    """Be another system: send each message at its time."""
    for message in sorted(orders.messages, key=lambda one: one.at):
        clock.wait_until(message.at)
        answer = sqs.send_message(QueueUrl=queue_url, MessageBody=message.body)
        diary.sent[answer["MessageId"]] = message


@dataclass
class Partner:
    """Asks over HTTP, as API Gateway hands it over: requests that wait for their answer, and lists."""

    post: Post
    clock: FastClock
    diary: Diary

    def run(self, requests: queue.SimpleQueue[Call | Listed]) -> None:
        """Make one request after the other until there are none."""
        while True:
            try:
                request = requests.get_nowait()
            except queue.Empty:
                return
            self.clock.wait_until(request.at)
            answer = self._asked(_event(request))
            self._note(request, answer["statusCode"], wire.loads(answer["body"]))  # type: ignore[arg-type]  # an object

    def _asked(self, event: dict[str, Any]) -> dict[str, Any]:
        """Ask until there is an answer that means something. Raises `TimeoutError`."""
        for _ in range(TRIES):
            told = self.post.invoke(event)
            answer: dict[str, Any] | None = told and told.get("answer")
            if answer is not None and answer["statusCode"] < 500:
                return answer
            self.diary.refused += 1
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"{event['routeKey']}: no answer in {TRIES} tries, the last one {told}")

    def _note(self, request: Call | Listed, status: int, body: dict[str, Any]) -> None:
        if status == 202:
            self.diary.accepted.append((body["lookup_id"], request.entries))
        elif isinstance(request, Listed) or (status != 200 and not request.single):
            raise ValueError(f"a valid request got {status}: {body}")
        else:
            self.diary.answered.append((request.entries, _outcomes(request, status, body)))


def _outcomes(call: Call, status: int, body: dict[str, Any]) -> list[dict[str, Any]]:
    if not call.single:
        return list(body["outcomes"])
    if status == 404:
        kind, text = call.entries[0]
        return [{"identifier_type": kind, "identifier": text, "outcome": "not_found"}]
    return [body]


def _event(request: Call | Listed) -> dict[str, Any]:
    if isinstance(request, Call) and request.single:
        kind, text = request.entries[0]
        # An HTTP API decodes all of a path but the per cent signs.
        return _http("GET", PROFILE.replace("{identifier_type}", kind), None, identifier=text.replace("%", "%25"))
    if isinstance(request, Call):
        return _http("POST", "/v1/lookups", json.dumps({"identifiers": json_values(request.asked)}))
    if request.door == "inline":
        return _http("POST", "/v1/lookups", request.body.decode(), prefer="respond-async")
    return _http("POST", "/v1/lookups", json.dumps({"roster_id": request.name}))


def _http(
    method: str, route: str, body: str | None, *, prefer: str = "wait=10", identifier: str | None = None
) -> dict[str, Any]:
    path = route.replace("{identifier+}", identifier or "")
    key = f"{method} {route if identifier is None else PROFILE}"
    http = ENTITLED["requestContext"]["http"] | {"method": method, "path": path}
    context = ENTITLED["requestContext"] | {"http": http, "routeKey": key}
    return ENTITLED | {
        "rawPath": path,
        "routeKey": key,
        "headers": ENTITLED["headers"] | {"prefer": prefer},
        "requestContext": context,
        "body": body,
    }


@dataclass
class Scheduler:
    """Fires schedules, at least once each, every one of them twice, and the tick; repeats what failed."""

    post: Post
    clock: FastClock
    diary: Diary

    def run(self, lists: Sequence[Listed], is_over: Any) -> None:
        """Fire what is due until it is over."""
        due = sorted(lists, key=lambda one: one.at)
        for tick in count(1):
            next_tick = tick * TICK / self.clock.factor
            while due and due[0].at <= next_tick:
                self._fire(due.pop(0))
            self.clock.wait_until(next_tick)
            self.post.invoke({"task": "feed"})
            if is_over.is_set() and not due:
                return

    def _fire(self, listed: Listed) -> None:
        self.clock.wait_until(listed.at)
        moment = datetime.fromtimestamp(int(self.clock.now()), UTC)
        event = {
            "schedule": listed.name,
            "scheduled_time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "roster": roster_key(listed),
            "max_age": 0,
        }
        for _ in range(2):
            told = self._until_taken(event)
        self.diary.accepted.append((told["lookup_id"], listed.entries))

    def _until_taken(self, event: dict[str, Any]) -> dict[str, Any]:
        for _ in range(TRIES):
            told = self.post.invoke(event)
            if told is not None and "answer" in told:
                answer: dict[str, Any] = told["answer"]
                return answer
            self.diary.refused += 1
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"schedule {event['schedule']}: not taken in {TRIES} tries")


def roster_key(listed: Listed) -> str:
    """Name the object of a list that is not sent inline."""
    return f"rosters/{PARTNER}/{listed.name}"
