"""Asking MoEngage for a set of identifiers: a grant for every call, and after every fault what helps against it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from lookup.access import Credentials
from lookup.errors import (
    AwsTrouble,
    Closed,
    KeyRejected,
    Misconfigured,
    NotNow,
    Rejected,
    TooLarge,
    VendorFault,
    VendorTrouble,
)
from lookup.gate import Grant
from lookup.model import PAYLOAD_LIMIT, Attributes, Identifier, Terms
from lookup.moengage import Question
from lookup.moengage_answer import Answer
from lookup.pairing import Paired, pair
from lookup.stopping import STOPPING
from lookup.vendor import Heard, Vendor

TROUBLES_BORNE = 3  # calls that may fail by the vendor's trouble before the work is given back
LAST_CALL = 3.0  # seconds that a call may take beyond the time that its caller has
FIRST_PAUSE = 0.5  # seconds; doubles with every trouble, jittered


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call settled. `fetched_at` is when its request left (epoch seconds)."""

    fetched_at: float
    found: Mapping[Identifier, Attributes] = field(default_factory=dict)
    not_found: Sequence[Identifier] = ()
    failed: Mapping[Identifier, str] = field(default_factory=dict)
    unmatched: Sequence[Attributes] = ()


class Asking:
    """One run of asking. `until` (epoch seconds) bounds every wait; `before_sending` is told of every payload."""

    def __init__(
        self,
        vendor: Vendor,
        wanted: Iterable[Identifier],
        terms: Terms,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None],
    ) -> None:
        self._vendor = vendor
        self._terms = terms
        self._until = until
        self._before_sending = before_sending
        self._pending = deque(wanted)
        self._alone: deque[Identifier] = deque()  # once in neither list of an answer: asked once more, by itself
        self._cap = PAYLOAD_LIMIT
        self._troubles = 0
        self._trouble: VendorTrouble | None = None  # since the last answer

    def replies(self) -> Iterator[Reply]:
        """Give replies until nothing is left to ask.

        Raises `NotNow` or `Closed` when the gate's wait is too long, `VendorTrouble` when the vendor stays in
        trouble, or was when the time ran out, `Misconfigured` when there are no credentials, `AwsTrouble` when they
        cannot be read now. What had no reply then is still to be asked.
        """
        while self._pending or self._alone:
            if self._vendor.is_stopping():
                raise NotNow(self._vendor.clock(), STOPPING)
            reply = self._ask_in_time()
            if reply is not None:
                yield reply

    def _ask_in_time(self) -> Reply | None:
        """Ask; who has no time left after the vendor's trouble hears of that, because it is where the time went."""
        if (now := self._vendor.clock()) >= self._until:
            raise self._trouble or NotNow(now, "out_of_time")
        try:
            return self._ask()
        except Closed:
            raise
        except NotNow as refusal:
            raise (self._trouble or refusal) from None

    def _ask(self) -> Reply | None:
        vendor, line = self._vendor, self._alone or self._pending
        credentials = vendor.credentials.of(self._terms.workspace)
        size = 1 if line is self._alone else min(self._cap, len(line))
        grant = vendor.gate.admit(size, lane=self._terms.lane, wait_until=self._until)
        payload = [line[index] for index in range(grant.users)]
        sent_at = self._told(payload, grant)
        if sent_at > min(grant.not_after, self._until):  # too late: for the vendor's minute, or for whoever waits
            self._let_go(grant)
            return None
        try:
            answer = self._export(payload, credentials)
        except KeyRejected as fault:
            self._rekeyed(fault, grant, credentials)
            return None
        except VendorFault as fault:
            return self._remedied(fault, grant, payload, line)
        vendor.gate.report(grant, None)
        self._trouble = None
        return self._settled(pair(payload, answer), line, sent_at)

    def _told(self, payload: Sequence[Identifier], grant: Grant) -> float:
        """Tell of a payload before it is sent; give the time. What is raised then is raised, and nothing is sent."""
        try:
            self._before_sending(payload)
        except Exception:
            self._let_go(grant)
            raise
        return self._vendor.clock()

    def _let_go(self, grant: Grant) -> None:
        self._vendor.gate.release(grant)
        self._vendor.unused(grant.users)

    def _export(self, payload: Sequence[Identifier], credentials: Credentials) -> Answer:
        """Ask once, and tell how it ended."""
        vendor, asked_at = self._vendor, self._vendor.clock()
        heard = partial(Heard, self._terms.workspace, len(payload))
        question = Question(payload, self._terms.fields, self._terms.forwarded_for)
        try:
            within = max(self._until - asked_at, 0.0) + LAST_CALL
            answer = vendor.client.export(question, credentials, within=within)
        except VendorFault as fault:
            vendor.heard(heard(vendor.clock() - asked_at, fault))
            raise
        vendor.heard(heard(vendor.clock() - asked_at))
        return answer

    def _settled(self, paired: Paired, line: deque[Identifier], sent_at: float) -> Reply:
        _drop(line, len(paired.found) + len(paired.not_found) + len(paired.unaccounted))
        failed: dict[Identifier, str] = {}
        if line is self._alone:
            failed = dict.fromkeys(paired.unaccounted, "unaccounted")
        else:
            self._alone.extend(paired.unaccounted)
        return Reply(sent_at, paired.found, paired.not_found, failed, paired.unmatched)

    def _remedied(
        self, fault: VendorFault, grant: Grant, payload: Sequence[Identifier], line: deque[Identifier]
    ) -> Reply | None:
        """Do what helps, and leave the payload in line unless the same again is useless."""
        self._vendor.gate.report(grant, fault)
        if isinstance(fault, TooLarge) and len(payload) > 1:
            self._cap = len(payload) // 2
            return None
        if isinstance(fault, TooLarge | Rejected):
            _drop(line, len(payload))
            return Reply(grant.stamp, failed=dict.fromkeys(payload, fault.reason))
        if isinstance(fault, VendorTrouble):
            self._bear(fault)
        return None

    def _rekeyed(self, fault: KeyRejected, grant: Grant, rejected: Credentials) -> None:
        """With another key in the secret go on at once: what was rejected says nothing about this one.

        Who cannot read the secret now cannot say that a person must act: the gate stays open, `AwsTrouble` is raised.
        """
        try:
            is_rejected = not self._vendor.credentials.renewed(self._terms.workspace, rejected)
        except Misconfigured:
            is_rejected = True
        except AwsTrouble:
            self._vendor.gate.release(grant)
            raise
        if is_rejected:
            self._vendor.gate.report(grant, fault)
        else:
            self._vendor.gate.release(grant)

    def _bear(self, fault: VendorTrouble) -> None:
        self._troubles, self._trouble = self._troubles + 1, fault
        pause = random.uniform(0.5, 1.0) * FIRST_PAUSE * 2**self._troubles  # noqa: S311 - jitter
        if self._troubles >= TROUBLES_BORNE or self._vendor.clock() + pause >= self._until:
            raise fault
        self._vendor.sleep(pause)


def _drop(line: deque[Identifier], number: int) -> None:
    for _ in range(number):
        line.popleft()
