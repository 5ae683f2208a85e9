"""Asking MoEngage for a set of identifiers: a grant for every call, and after every fault what helps against it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from lookup.access import Credentials
from lookup.doubts import UNREADABLE, Line
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
from lookup.gate_grant import Gate, Grant
from lookup.gate_turn import CONTENTION, QUOTA
from lookup.model import Attributes, Identifier, Lane, Terms
from lookup.moengage import Question
from lookup.moengage_answer import Answer
from lookup.neutral import EVERY, QUESTION
from lookup.pairing import Paired, pair
from lookup.stopping import STOPPING
from lookup.vendor import Heard, Vendor

TROUBLES_BORNE = 3  # calls that may fail by the vendor's trouble before the work is given back
OUT_OF_TIME = "out_of_time"  # why work is given back for which there is no time left
LAST_CALL = 3.0  # seconds that a call may take beyond the time that its caller has
FIRST_PAUSE = 0.5  # seconds; doubles with every trouble, jittered
LOOK = 0.5  # seconds between two looks for the answer to somebody else's neutral call


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call settled. `fetched_at` is when its request left (epoch seconds)."""

    fetched_at: float
    found: Mapping[Identifier, Attributes] = field(default_factory=dict)
    not_found: Sequence[Identifier] = ()
    failed: Mapping[Identifier, str] = field(default_factory=dict)
    unmatched: Sequence[Attributes] = ()


TURN = 1.0  # seconds; about a slot of the gate
# The gate, users of this call, users in all, until when; for how many the gate may be asked.
Turn = Callable[[Gate, int, int, float], int]


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
        turn: Turn | None = None,
    ) -> None:
        """`turn` is asked before the gate is: it waits until it is this asker's turn, or raises."""
        self._turn = turn
        self._vendor = vendor
        self._terms = terms
        self._until = until
        self._before_sending = before_sending
        self._line = Line(wanted)
        self._troubles = 0
        self._trouble: VendorTrouble | None = None  # since the last answer
        self._well_at = 0.0  # when a call left that MoEngage answered as if all were well

    @property
    def doubted(self) -> frozenset[Identifier]:
        """Those among whom somebody was still searched for when asking ended, who spoils the others' calls."""
        return self._line.doubted

    def replies(self) -> Iterator[Reply]:
        """Give replies until nothing is left to ask.

        Raises `NotNow` or `Closed` when the gate's wait is too long, `VendorTrouble` when the vendor stays in
        trouble, or was when the time ran out, `Misconfigured` when there are no credentials, `AwsTrouble` when they
        cannot be read now. What had no reply then is still to be asked.
        """
        while self._line or self._line.blamed:
            if self._vendor.is_stopping():
                raise NotNow(self._vendor.clock(), STOPPING)
            reply = self._in_time(self._ask if self._line else self._judged)
            if reply is not None:
                yield reply

    def _in_time(self, step: Callable[[], Reply | None]) -> Reply | None:
        """Go on; who has no time left after the vendor's trouble hears of that, because it is where the time went."""
        if (now := self._vendor.clock()) >= self._until:
            raise self._trouble or NotNow(now, OUT_OF_TIME)
        try:
            return step()
        except Closed:
            raise
        except NotNow as refusal:
            raise (self._trouble or refusal) from None

    def _ask(self) -> Reply | None:
        vendor = self._vendor
        credentials = vendor.credentials.of(self._terms.workspace)
        payload = self._line.next()
        grant = self._granted(len(payload))
        payload = payload[: grant.users]
        sent_at = self._told(payload, grant)
        if self._is_late(sent_at, grant):
            return None
        try:
            answer = self._export(payload, credentials)
        except VendorFault as fault:
            return self._failed(fault, grant, credentials, payload, sent_at)
        vendor.gate.report(grant, None)
        self._trouble, self._well_at = None, max(self._well_at, sent_at)
        return self._settled(pair(payload, answer), sent_at)

    def _is_late(self, sent_at: float, grant: Grant) -> bool:
        """Let a grant go that comes too late: for the vendor's minute, or for whoever waits."""
        is_late = sent_at > min(grant.not_after, self._until)
        if is_late:
            self._let_go(grant)
        return is_late

    def _granted(self, size: int) -> Grant:
        """Get leave of the gate. Who has a turn waits for that; on demand it lasts so long at the gate at most."""
        vendor, lane = self._vendor, self._terms.lane
        if self._turn is None or lane is Lane.BULK:
            most = size if self._turn is None else self._turn(vendor.gate, size, len(self._line), self._until)
            return vendor.gate.admit(most, lane=lane, wait_until=self._until)
        while True:
            most = self._turn(vendor.gate, size, len(self._line), self._until)
            try:
                return vendor.gate.admit(most, lane=lane, wait_until=min(self._until, vendor.clock() + TURN))
            except Closed:  # whoever waits for the gate to open takes nothing from the others who wait
                return vendor.gate.admit(most, lane=lane, wait_until=self._until)
            except NotNow as refusal:
                if refusal.reason not in {QUOTA, CONTENTION} or refusal.retry_at > self._until:
                    raise

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
        """Ask once, and tell how it ended. A neutral call holds nothing of whoever asks."""
        vendor, asked_at = self._vendor, self._vendor.clock()
        is_neutral = payload is QUESTION
        heard = partial(Heard, self._terms.workspace, len(payload), is_neutral=is_neutral)
        question = Question(payload, self._terms.fields, self._terms.forwarded_for)
        try:
            within = max(self._until - asked_at, 0.0) + LAST_CALL
            answer = vendor.client.export(Question(payload) if is_neutral else question, credentials, within=within)
        except VendorFault as fault:
            vendor.heard(heard(vendor.clock() - asked_at, fault))
            raise
        vendor.heard(heard(vendor.clock() - asked_at))
        return answer

    def _settled(self, paired: Paired, sent_at: float) -> Reply:
        failed = dict.fromkeys(paired.unreadable, UNREADABLE)
        if self._line.is_alone:
            failed |= dict.fromkeys(paired.unaccounted, "unaccounted")
        known = len(paired.found) + len(paired.not_found) + len(paired.unreadable)
        self._line.answered(known + len(paired.unaccounted), paired.unaccounted)
        failed |= self._line.condemned(self._well_at)
        return Reply(sent_at, paired.found, paired.not_found, failed, paired.unmatched)

    def _failed(
        self, fault: VendorFault, grant: Grant, credentials: Credentials, payload: Sequence[Identifier], sent_at: float
    ) -> Reply | None:
        """Do what helps; before what a payload holds counts as the account's fault, learn whose it is."""
        if not fault.may_be_content:
            return self._remedied(fault, grant, credentials, payload)
        if grant.probe:  # it says nothing of the account; the neutral call may be the probe
            self._vendor.gate.release(grant)
        self._trouble = fault if isinstance(fault, VendorTrouble) else self._trouble
        if (met := self._met_since(sent_at - EVERY, fault)) is not None:
            return self._remedied(met.fault, met.grant, credentials, payload)
        self._trouble = None
        self._line.doubt(payload, fault, sent_at)
        failed = self._line.condemned(self._well_at)
        return Reply(sent_at, failed=failed) if failed else None

    def _judged(self) -> Reply | None:
        """Learn whether those fail who were asked for alone in vain, when nobody else is left to ask for."""
        last = max(one.at for one in self._line.blamed)
        met = self._met_since(last, None)
        if met is not None:
            return self._remedied(met.fault, met.grant, met.credentials, ())
        return Reply(last, failed=self._line.condemned(self._well_at))

    def _met_since(self, moment: float, suspected: VendorFault | None) -> _Met | None:
        """Learn whether MoEngage has answered anybody since a moment; None when it has.

        If that is not known, nobody is asked for: once in a while over all processes, the others wait for the answer.
        A neutral call that is not understood either says that `suspected` is the account's.
        """
        vendor = self._vendor
        while self._well_at < moment:
            self._well_at = max(self._well_at, vendor.neutral_calls.answered_at())
            if self._well_at >= moment:
                break
            if vendor.neutral_calls.claim(vendor.clock()):
                if (met := self._ask_for_nobody()) is None:
                    return None
                self._line.absolve()
                return met.heeding(suspected)
            pause = random.uniform(0.5, 1.0) * LOOK  # noqa: S311 - jitter
            if vendor.is_stopping() or vendor.clock() + pause >= self._until:
                raise NotNow(vendor.clock() + pause, OUT_OF_TIME)
            vendor.sleep(pause)
        return None

    def _ask_for_nobody(self) -> _Met | None:
        """Ask, with a grant like any other, for somebody who does not exist; give the fault if it is none's."""
        vendor = self._vendor
        while True:
            credentials = vendor.credentials.of(self._terms.workspace)
            grant = vendor.gate.admit(1, lane=self._terms.lane, wait_until=self._until)
            sent_at = vendor.clock()
            if not self._is_late(sent_at, grant):
                break
            if sent_at >= self._until:
                raise NotNow(sent_at, OUT_OF_TIME)
        try:
            self._export(QUESTION, credentials)
        except VendorFault as fault:
            return _Met(fault, grant, credentials)
        vendor.gate.report(grant, None)
        self._well_at = max(self._well_at, sent_at)
        vendor.neutral_calls.answer(sent_at)
        return None

    def _remedied(
        self, fault: VendorFault, grant: Grant, credentials: Credentials, payload: Sequence[Identifier]
    ) -> Reply | None:
        """Do what helps, and leave the payload in line unless the same again is useless."""
        if isinstance(fault, KeyRejected):
            self._rekeyed(fault, grant, credentials)
            return None
        self._vendor.gate.report(grant, fault)
        if isinstance(fault, TooLarge) and len(payload) > 1:
            self._line.split(len(payload))
            return None
        if isinstance(fault, TooLarge | Rejected):
            self._line.drop(len(payload))
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


@dataclass(frozen=True, slots=True)
class _Met:
    """The fault that a neutral call met, with its grant and the credentials that it carried."""

    fault: VendorFault
    grant: Grant
    credentials: Credentials

    def heeding(self, suspected: VendorFault | None) -> _Met:
        """Give what is to be heeded: where even a neutral call is rejected, the refusal that it was made for."""
        if suspected is None or not isinstance(self.fault, TooLarge | Rejected):
            return self
        return _Met(suspected, self.grant, self.credentials)
