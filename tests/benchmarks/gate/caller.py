"""One caller of any contender: one client, one retry code, and a record of where its time went."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import urllib3

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID
from lookup.errors import RetryLater, VendorError, VendorThrottled, VendorUnavailable
from lookup.gate.limiter import Grant
from lookup.model import Identifier, IdentifierType, Lane
from lookup.moengage.client import MoEngage
from lookup.moengage.credentials import Credentials, DataCenter
from tests.benchmarks.gate.meter import Meter, Stopped
from tests.benchmarks.gate.plan import FIRST_PAUSE, LONGEST_PAUSE, Plan

CREDENTIALS = Credentials(WORKSPACE_ID, DATA_API_KEY, DataCenter.DC_01)
FIELDS = ("name",)  # a small answer: what is measured is admission, not the size of responses


class Leave(NamedTuple):
    """Leave to send `users` in a call that goes out at or before `not_after` (epoch seconds)."""

    users: int
    not_after: float
    grant: Grant | None = None


class Limiter(Protocol):
    """Admits the calls of one caller."""

    def admit(self, users: int, lane: Lane, /) -> Leave:
        """Wait for leave to send up to so many users. Raises `Stopped`, or `RetryLater` to be called again later."""

    def report(self, leave: Leave, fault: VendorError | None, /) -> None:
        """Report the vendor's response."""


class Record(NamedTuple):
    """One call from the first wish for it to its acceptance. Times are epoch seconds, spans seconds.

    `sent` is when the accepted attempt left, or when the run ended without one (`accepted` is 0 then).
    `gate`, `quota`, `requests` and `unused` are the meter's; `refused` counts the vendor's 429 on the way.
    """

    kind: str
    requested_at: float
    sent: float
    settled: float
    accepted: int
    gate: float
    quota: float
    requests: int
    unused: int
    refused: int

    @property
    def waited(self) -> float:
        """The whole wait, in seconds."""
        return self.sent - self.requested_at

    @property
    def scheduling(self) -> float:
        """The wait that neither requests nor quota explain: the machine's own."""
        return max(0.0, self.waited - self.gate - self.quota)


class Caller:
    """Asks for users until the vendor has accepted them. `kind` names the traffic that it is part of."""

    def __init__(self, limiter: Limiter, client: MoEngage, meter: Meter, plan: Plan, chance: random.Random) -> None:
        self._limiter = limiter
        self._client = client
        self._meter = meter
        self._plan = plan
        self._chance = chance

    def call(self, kind: str, users: int, lane: Lane, requested_at: float | None = None) -> Record:
        """Get up to so many users accepted; `requested_at` when they were wanted earlier than now."""
        self._meter.reset()
        requested_at = time.time() if requested_at is None else requested_at
        refused = 0
        try:
            for refused in itertools.count():
                leave = self._leave(users, lane)
                sent = time.time()
                if self._accepted(leave, refused):
                    return self._record(kind, requested_at, sent, leave.users, refused)
        except Stopped:
            pass
        return self._record(kind, requested_at, time.time(), 0, refused)

    def _leave(self, users: int, lane: Lane) -> Leave:
        for times in itertools.count():
            try:
                leave = self._limiter.admit(users, lane)
            except RetryLater as refusal:  # a retry that is already due means an error, not quota: yield
                self._meter.sleep(max(refusal.retry_at - time.time(), self._pause(times)))
                continue
            if time.time() <= leave.not_after:
                return leave
        raise AssertionError

    def _accepted(self, leave: Leave, refused: int) -> bool:
        """Send once. A refusal's round trip and the jittered pause after it are time that quota has cost."""
        started = time.perf_counter()
        names = (f"C-{self._chance.randrange(10**9)}" for _ in range(leave.users))
        users = [Identifier(IdentifierType.CUSTOMER_ID, name) for name in names]
        try:
            self._client.export(users, CREDENTIALS, fields=FIELDS)
        except (VendorThrottled, VendorUnavailable) as fault:
            self._meter.quota += time.perf_counter() - started
            self._limiter.report(leave, fault)
            self._meter.sleep(self._pause(refused))
            return False
        self._limiter.report(leave, None)
        return True

    def _pause(self, refused: int) -> float:
        """Full jitter: anything up to twice as much with every refusal in a row."""
        longest = min(FIRST_PAUSE * 2.0 ** min(refused, 16), LONGEST_PAUSE)
        return self._plan.real(self._chance.uniform(0.0, longest))

    def _record(self, kind: str, requested_at: float, sent: float, accepted: int, refused: int) -> Record:
        meter = self._meter
        split = (meter.gate, meter.quota, meter.requests, meter.unused)
        return Record(kind, requested_at, sent, time.time(), accepted, *split, refused)


def client_factory(endpoint_url: str, connections: int) -> Callable[[], MoEngage]:
    """Return what makes the shared client: one pool of connections per process."""
    pool = urllib3.PoolManager(maxsize=connections, retries=False)
    return lambda: MoEngage(pool, endpoint_url=endpoint_url, moengage_id_name="id", clock=time.time)
