"""Callers whose every move a test decides: clocks that differ, requests overtaken in flight, replies that are lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ReadTimeoutError

from lookup.errors import RetryLater
from lookup.gate.limiter import Grant, QuotaGate
from lookup.gate.table import GateTable
from lookup.model import Lane
from lookup.quota import Quota
from tests.lookup.gate.fake_table import FakeTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

START = 1_800_000_000.0


class Fate(Enum):
    """What becomes of a charging request."""

    ANSWERED = "answered"
    REPLY_LOST = "applied, reply lost"
    LOST = "never applied"


@dataclass(frozen=True)
class Step:
    """After `gap` seconds one caller requests; others act between its request and the item, and before its response.

    Its clock steps to an error of `step_to` between the two.
    """

    caller: int
    gap: float = 0.0
    lane: Lane = Lane.ON_DEMAND
    users: int = 20
    times: int = 1
    fate: Fate = Fate.ANSWERED
    flight: float = 0.0
    vendor_delay: float = 0.0
    step_to: float | None = None
    before: Sequence[Step] = ()
    after: Sequence[Step] = ()


@dataclass(frozen=True)
class Sent:
    """A grant in true time: when it was stamped and when the vendor counts it."""

    stamped_at: float
    counted_at: float
    users: int


@dataclass
class Callers:
    """Some callers of one gate, with `patience` in seconds. `offsets` are their clocks' errors in seconds.

    With `is_steady` they have a clock that never steps, by which they measure the time; `date_error` (seconds) is drawn
    for the clock of the host that answers.
    """

    quota: Quota
    offsets: list[float]
    now: float = START
    patience: float = 0.0
    jitter: float = 0.5
    is_steady: bool = False
    date_error: Callable[[], float] = lambda: 0.0
    sent: list[Sent] = field(default_factory=list)
    charged: list[tuple[float, int]] = field(default_factory=list)
    refusals: list[RetryLater] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = FakeTable(lambda: self.now + self.date_error())
        self._flights: list[Step] = []
        self.gates = [self._gate(number) for number in range(len(self.offsets))]

    def _gate(self, number: int) -> QuotaGate:
        clock = lambda: self.now + self.offsets[number]  # noqa: E731 - a clock is a function
        steady = (lambda: self.now - START) if self.is_steady else lambda: 0.0
        table = GateTable(cast("DynamoDBClient", self), "ledger", "default", self.quota, clock, steady)
        return QuotaGate(table, self.quota, clock=clock, sleep=self._wait, jitter=lambda: self.jitter)

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.now += step.gap
            for _ in range(step.times):
                self.ask(step)

    def ask(self, step: Step) -> Grant | None:
        """Request with the caller's maximum wait, and count what was granted within the send spread at the vendor."""
        offset = self.offsets[step.caller]
        until = self.now + offset + self.patience
        self._flights.append(step)
        try:
            grant = self.gates[step.caller].admit(step.users, lane=step.lane, wait_until=until)
        except RetryLater as refusal:
            self.refusals.append(refusal)
            return None
        finally:
            self._flights.pop()
        stamped_at = grant.effective_at - offset
        last = grant.not_after - self.offsets[step.caller] + self.quota.transit  # the call leaves in time, by its clock
        counted_at = max(self.now, stamped_at + step.vendor_delay * (last - stamped_at))
        self.sent.append(Sent(stamped_at, counted_at, grant.users))
        return grant

    def granted(self) -> int:
        return int(self.table.items["gate#default"]["g"]["N"])

    def get_item(self, **request: Any) -> Any:
        return self.table.get_item(**request)

    def put_item(self, **request: Any) -> Any:
        return self.table.put_item(**request)

    def update_item(self, **request: Any) -> Any:
        """Carry a request to the item, with all that happens on its way."""
        step = self._flights[-1] if self._flights else Step(0)
        self._pass(step, step.before)
        if step.step_to is not None:
            self.offsets[step.caller] = step.step_to
        if step.fate is Fate.LOST:
            raise ReadTimeoutError(endpoint_url="simulated")
        before = self.granted()
        try:
            return self.table.update_item(**request)
        finally:
            if self.granted() > before:
                self.charged.append((self.now, self.granted() - before))
            self._pass(step, step.after)
            if step.fate is Fate.REPLY_LOST:
                raise ReadTimeoutError(endpoint_url="simulated")

    def _wait(self, seconds: float) -> None:
        """Wait for the moment that a grant is stamped for, or for room; nobody has patience for more."""
        assert 0 < seconds <= self.patience + 2 * self.quota.clock_skew + 1e-6  # its clock may step meanwhile
        self.now += seconds

    def _pass(self, step: Step, others: Sequence[Step]) -> None:
        self.now += step.flight
        self.play(others)


def fullest(events: Sequence[tuple[float, int]], window: float, tolerance: float = 1e-5) -> int:
    """Count the users in the fullest window. Events at exactly the window's length apart are not in one."""
    ordered = sorted(events)
    most = in_window = first = 0
    for at, users in ordered:
        in_window += users
        while ordered[first][0] <= at - window + tolerance:
            in_window -= ordered[first][1]
            first += 1
        most = max(most, in_window)
    return most
