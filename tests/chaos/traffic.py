"""Who comes by the doors: other systems with messages, partners with requests, and EventBridge Scheduler.

They do what one does when a service fails: ask again. So a request whose answer was lost may have been served before;
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
from tests.chaos.processes import Post
from tests.waiting import GIVE_UP

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TICK = 60.0  # service seconds between two looks of the schedule `feeder-tick`
PAUSE = 0.2  # real seconds before somebody asks again
AGAIN_EVERY = 4  # keyed requests are sent once more although they were answered
IN_USE = "idempotency-key-in-use"  # whoever served it died, or lives and has not answered


@dataclass(frozen=True)
class Answer:
    """What was answered at once. `marks` name the tries by what MoEngage was told of them, the last one answered."""

    entries: tuple[Entry, ...]
    outcomes: Sequence[dict[str, Any]]
    marks: tuple[str, ...] = ()


@dataclass
class Diary:
    """What those who came were told. `sent`: message ids; `accepted`: lookup ids; `answered`: outcomes at once.

    `named` are the lookups of all final answers to a request, by its Idempotency-Key; `again` the marks of tries that
    were made when there was such an answer already.
    """

    sent: dict[str, Message] = field(default_factory=dict)
    accepted: list[tuple[str, tuple[Entry, ...]]] = field(default_factory=list)
    answered: list[Answer] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    refused: int = 0  # requests and firings that had to be repeated


def send_messages(orders: Orders, clock: FastClock, sqs: SQSClient, queue_url: str, diary: Diary) -> None:
    """Be another system: send each message at its time."""
    for message in sorted(orders.messages, key=lambda one: one.at):
        clock.wait_until(message.at)
        answer = sqs.send_message(QueueUrl=queue_url, MessageBody=message.body)
        diary.sent[answer["MessageId"]] = message


@dataclass
class Knocker:
    """Another system that asks for one more user whenever it is told to: one that nobody else asks for."""

    token: str
    clock: FastClock
    sqs: SQSClient
    queue_url: str
    diary: Diary
    knocks: int = 0

    def knock(self) -> None:
        """Send one more message."""
        self.knocks += 1
        name = f"{self.token}-knock-{self.knocks:06}"
        answer = self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=name)
        self.diary.sent[answer["MessageId"]] = Message(self.clock.passed(), name, ((CUSTOMER, name),))


@dataclass
class Partner:
    """Asks over HTTP, as API Gateway hands it over: requests that wait for their answer, and lists."""

    post: Post
    clock: FastClock
    diary: Diary
    tries: int = 0

    def run(self, requests: queue.SimpleQueue[Call | Listed]) -> None:
        """Make one request after the other until there are none."""
        while True:
            try:
                request = requests.get_nowait()
            except queue.Empty:
                return
            self.clock.wait_until(request.at)
            marks: list[str] = []
            status, body = self._asked(request, marks)
            self._note(request, status, body, tuple(marks))
            if request.key in self.diary.named and self.tries % AGAIN_EVERY == 0:
                self._asked(request, self.diary.again)

    def _asked(self, request: Call | Listed, marks: list[str]) -> tuple[int, dict[str, Any]]:
        """Ask until there is an answer that means something. Raises `TimeoutError`."""
        event = event_of(request)
        until = self.clock.passed() + GIVE_UP
        while self.clock.passed() < until:
            self.tries += 1
            marks.append(f"{self.post.name}.{self.tries}")
            event["requestContext"]["http"]["sourceIp"] = marks[-1]
            told = self.post.invoke(event)
            answer: dict[str, Any] | None = told and told.get("answer")
            if answer is not None and answer["statusCode"] < 500 and IN_USE not in answer["body"]:
                body: dict[str, Any] = exact_json.loads(answer["body"])  # type: ignore[assignment]  # an object
                self._name(request, body)
                return answer["statusCode"], body
            self.diary.refused += 1
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"{event['routeKey']}: no answer in {GIVE_UP:.0f} s, the last one {told}")

    def _name(self, request: Call | Listed, body: dict[str, Any]) -> None:
        if request.key is not None and _is_final(body):
            self.diary.named.setdefault(request.key, []).append(body["lookup_id"])

    def _note(self, request: Call | Listed, status: int, body: dict[str, Any], marks: tuple[str, ...]) -> None:
        if status == 202:
            self.diary.accepted.append((body["lookup_id"], request.entries))
        elif isinstance(request, Listed) or (status != 200 and not request.single):
            raise ValueError(f"a valid request got {status}: {body}")
        else:
            self.diary.answered.append(Answer(request.entries, _outcomes(request, status, body), marks))


def _is_final(body: dict[str, Any]) -> bool:
    """Return whether an answer is kept for whoever sends the same key again: one that may get better is not."""
    return all(one["reason"] != "vendor_trouble" for one in body.get("outcomes", ()))


def _outcomes(call: Call, status: int, body: dict[str, Any]) -> list[dict[str, Any]]:
    if not call.single:
        return list(body["outcomes"])
    if status == 404:
        kind, text = call.entries[0]
        return [{"identifier_type": kind, "identifier": text, "outcome": "not_found"}]
    if status == 422:  # no other is said of a valid identifier
        kind, text = call.entries[0]
        return [{"identifier_type": kind, "identifier": text, "outcome": "failed", "reason": body["reason"]}]
    return [body]


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
            "roster": roster_key(listed.name),
            "max_age": 0,
        }
        for _ in range(2):
            told = self._until_taken(event)
        self.diary.accepted.append((told["lookup_id"], listed.entries))

    def _until_taken(self, event: dict[str, Any]) -> dict[str, Any]:
        until = self.clock.passed() + GIVE_UP
        while self.clock.passed() < until:
            told = self.post.invoke(event)
            if told is not None and "answer" in told:
                answer: dict[str, Any] = told["answer"]
                return answer
            self.diary.refused += 1
            REAL_SLEEP(PAUSE)
        raise TimeoutError(f"schedule {event['schedule']}: not taken in {GIVE_UP:.0f} s")
