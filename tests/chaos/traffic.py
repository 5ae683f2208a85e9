"""The traffic of a run: other systems' messages, partners' requests, and EventBridge Scheduler.

They retry when the service fails. So a request whose response was lost may have been served before;
one with an Idempotency-Key must then not be served twice.
"""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from lookup import exact_json
from tests.chaos.clock import REAL_SLEEP, FastClock
from tests.chaos.entries import CUSTOMER, Entry
from tests.chaos.http_events import event_of, roster_key
from tests.chaos.orders import Call, Listed, Message, Orders
from tests.chaos.processes import ProcessSlot
from tests.waiting import GIVE_UP

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TICK = 60.0  # service seconds between two firings of the schedule `feeder-tick`
PAUSE = 0.2  # real seconds before a retry
AGAIN_EVERY = 4  # keyed requests are sent once more although they were answered
IN_USE = "idempotency-key-in-use"  # the process that served it was killed, or has not answered yet


@dataclass(frozen=True)
class Answer:
    """What was answered at once. `marks` name the tries by the address that MoEngage got, the last one answered."""

    entries: tuple[Entry, ...]
    outcomes: Sequence[dict[str, Any]]
    marks: tuple[str, ...] = ()


@dataclass
class TrafficLog:
    """What the callers got. `sent`: message ids; `accepted`: lookup ids; `answered`: outcomes at once.

    `named` are the lookups of all final answers to a request, by its Idempotency-Key; `again` the marks of tries that
    were made when there was such an answer already. `exported` are lookups by whose id an export is accepted, and its
    format.
    """

    sent: dict[str, Message] = field(default_factory=dict)
    accepted: list[tuple[str, tuple[Entry, ...]]] = field(default_factory=list)
    answered: list[Answer] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    refused: int = 0  # requests and firings that had to be repeated


def send_messages(orders: Orders, clock: FastClock, sqs: SQSClient, queue_url: str, traffic: TrafficLog) -> None:
    """Send each intake message at its time."""
    for message in sorted(orders.messages, key=lambda one: one.at):
        clock.wait_until(message.at)
        answer = sqs.send_message(QueueUrl=queue_url, MessageBody=message.body)
        traffic.sent[answer["MessageId"]] = message


@dataclass
class ExtraSender:
    """Another system that requests one more user on demand: one that nothing else requests."""

    token: str
    clock: FastClock
    sqs: SQSClient
    queue_url: str
    traffic: TrafficLog
    extras: int = 0

    def send_one_more(self) -> None:
        """Send one more message."""
        self.extras += 1
        name = f"{self.token}-knock-{self.extras:06}"
        answer = self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=name)
        self.traffic.sent[answer["MessageId"]] = Message(self.clock.passed(), name, ((CUSTOMER, name),))


@dataclass
class Partner:
    """Sends requests as API Gateway's events: on demand, and lists."""

    slot: ProcessSlot
    clock: FastClock
    traffic: TrafficLog
    tries: int = 0

    def run(self, requests: queue.SimpleQueue[Call | Listed]) -> None:
        """Send one request after the other until there are none."""
        while True:
            try:
                request = requests.get_nowait()
            except queue.Empty:
                return
            self.clock.wait_until(request.at)
            marks: list[str] = []
            status, body = self._answer_to(request, marks)
            self._note(request, status, body, tuple(marks))
            if request.key in self.traffic.named and self.tries % AGAIN_EVERY == 0:
                self._answer_to(request, self.traffic.again)

    def _answer_to(self, request: Call | Listed, marks: list[str]) -> tuple[int, dict[str, Any]]:
        """Send a request until it has a usable response. Raises `TimeoutError`."""
        event = event_of(request)
        until = self.clock.passed() + GIVE_UP
        while self.clock.passed() < until:
            self.tries += 1
            marks.append(f"{self.slot.name}.{self.tries}")
            event["requestContext"]["http"]["sourceIp"] = marks[-1]
            reply = self.slot.invoke(event)
            answer: dict[str, Any] | None = reply and reply.get("answer")
            if answer is not None and answer["statusCode"] < 500 and IN_USE not in answer["body"]:
                body: dict[str, Any] = exact_json.loads(answer["body"])  # type: ignore[assignment]  # an object
                self._name(request, body)
                return answer["statusCode"], body
            self.traffic.refused += 1
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"{event['routeKey']}: no answer in {GIVE_UP:.0f} s, the last one {reply}")

    def _name(self, request: Call | Listed, body: dict[str, Any]) -> None:
        if request.key is not None and _is_final(body):
            self.traffic.named.setdefault(request.key, []).append(body["lookup_id"])

    def _note(self, request: Call | Listed, status: int, body: dict[str, Any], marks: tuple[str, ...]) -> None:
        if status == 202:
            self.traffic.accepted.append((body["lookup_id"], request.entries))
        elif isinstance(request, Listed) or (status != 200 and not request.single):
            raise ValueError(f"a valid request got {status}: {body}")
        else:
            self.traffic.answered.append(Answer(request.entries, _outcomes(request, status, body), marks))


def _is_final(body: dict[str, Any]) -> bool:
    """Return whether a response is stored for replay: one that a retry may improve is not."""
    return all(one["reason"] != "vendor_trouble" for one in body.get("outcomes", ()))


def _outcomes(call: Call, status: int, body: dict[str, Any]) -> list[dict[str, Any]]:
    if not call.single:
        return list(body["outcomes"])
    if status == 404:
        kind, text = call.entries[0]
        return [{"identifier_type": kind, "identifier": text, "outcome": "not_found"}]
    if status == 422:  # a valid identifier gets it for no other reason
        kind, text = call.entries[0]
        return [{"identifier_type": kind, "identifier": text, "outcome": "failed", "reason": body["reason"]}]
    return [body]


@dataclass
class Scheduler:
    """Fires each schedule twice, and the tick; retries what failed."""

    slot: ProcessSlot
    clock: FastClock
    traffic: TrafficLog

    def run(self, lists: Sequence[Listed], is_over: Any) -> None:
        """Fire what is due until the run is over."""
        due = sorted(lists, key=lambda one: one.at)
        for tick in count(1):
            next_tick = tick * TICK / self.clock.factor
            while due and due[0].at <= next_tick:
                self._fire(due.pop(0))
            self.clock.wait_until(next_tick)
            self.slot.invoke({"task": "feed"})
            if is_over.is_set() and not due:
                return

    def _fire(self, listed: Listed) -> None:
        self.clock.wait_until(listed.at)
        moment = datetime.fromtimestamp(int(self.clock.now()), UTC)
        event = {
            "schedule": listed.name,
            "scheduled_time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "roster": roster_key(listed.name),
            "max_age": 0,
        }
        for _ in range(2):
            reply = self._until_taken(event)
        self.traffic.accepted.append((reply["lookup_id"], listed.entries))

    def _until_taken(self, event: dict[str, Any]) -> dict[str, Any]:
        until = self.clock.passed() + GIVE_UP
        while self.clock.passed() < until:
            reply = self.slot.invoke(event)
            if reply is not None and "answer" in reply:
                answer: dict[str, Any] = reply["answer"]
                return answer
            self.traffic.refused += 1
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"schedule {event['schedule']}: not taken in {GIVE_UP:.0f} s")
