"""Asking MoEngage for a set of identifiers: a grant for every call, and after every fault what helps against it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from lookup.aws.lambda_lifecycle import SHUTTING_DOWN
from lookup.errors import (
    AwsUnavailable,
    GateClosed,
    Misconfigured,
    RetryLater,
    VendorBadRequest,
    VendorError,
    VendorPayloadTooLarge,
    VendorUnauthorized,
    VendorUnavailable,
)
from lookup.fetch.calls import OUT_OF_TIME, Calls, Met
from lookup.fetch.isolation import NOBODY_DOUBTED, UNREADABLE, CallQueue
from lookup.fetch.neutral_calls import EVERY
from lookup.fetch.vendor_access import VendorAccess
from lookup.gate.breaker import FAILURES_TO_CLOSE, UNAVAILABLE
from lookup.gate.grant import CONTENTION, QUOTA, Gate, Grant
from lookup.model import FetchOptions, Identifier, Lane
from lookup.moengage.credentials import Credentials
from lookup.moengage.matching import Matches, match_users

TROUBLES_BORNE = 3  # calls that may fail by the vendor's trouble before the work is given back
FIRST_PAUSE = 0.5  # seconds; doubles with every trouble, jittered
TURN = 1.0  # seconds; about a slot of the gate
# The gate, users of this call, users in all, until when; for how many the gate may be asked.
Turn = Callable[[Gate, int, int, float], int]


class VendorCalls:
    """One run of asking. `until` (epoch seconds) bounds every wait; `before_sending` is told of every payload."""

    def __init__(
        self,
        vendor: VendorAccess,
        wanted: Iterable[Identifier],
        terms: FetchOptions,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None],
        turn: Turn | None = None,
        doubted: Mapping[Identifier, int] = NOBODY_DOUBTED,
    ) -> None:
        """`turn` is asked before the gate is: it waits until it is this asker's turn, or raises.

        `doubted` are those that an earlier run doubted, with its calls for each alone.
        """
        self._turn = turn
        self._vendor = vendor
        self._terms = terms
        self._until = until
        self._before_sending = before_sending
        self._line = CallQueue(wanted, doubted)
        self._calls = Calls(vendor, terms, until)
        self._troubles = 0
        self._trouble: VendorUnavailable | None = None  # since the last answer
        self.failed: dict[Identifier, str] = {}  # and why; complete when `results` ends or raises

    @property
    def doubted(self) -> Mapping[Identifier, int]:
        """Those among whom somebody was still searched for when asking ended, who spoils the others' calls.

        With each how many calls for it alone met trouble.
        """
        return {one: self._line.in_vain(one) for one in self._line.doubted}

    def results(self) -> Iterator[Matches]:
        """Return what each answered call matched, until nothing is left to ask.

        Raises `RetryLater` or `GateClosed` when the gate's wait is too long, `VendorUnavailable` when the vendor stays
        unavailable, or was when the time ran out, `Misconfigured` when there are no credentials, `AwsUnavailable`
        when they cannot be read now. Who neither matched nor failed then is still to be asked for.
        """
        if self._line:
            self._in_time(self._settle_earlier)
        while self._line or self._line.blamed:
            if self._vendor.is_stopping():
                raise RetryLater(self._vendor.clock(), SHUTTING_DOWN)
            matches = self._in_time(self._ask if self._line else self._judge)
            if matches is not None:  # else the queue tells what is asked next: the same again, less of it, or others
                yield matches

    def _in_time(self, step: Callable[[], Matches | None]) -> Matches | None:
        """Go on; who has no time left after the vendor's trouble hears of that, because it is where the time went."""
        if (now := self._vendor.clock()) >= self._until:
            raise self._trouble or RetryLater(now, OUT_OF_TIME)
        try:
            return step()
        except GateClosed:
            raise
        except RetryLater as refusal:
            raise (self._trouble or refusal) from None

    def _settle_earlier(self) -> None:
        """Learn whether troubles of earlier runs, which had no time left to learn it, are MoEngage's."""
        if (met := self._calls.met_by_now()) is not None:
            self._take_as_theirs(met, ())

    def _ask(self) -> Matches | None:
        """Call once for the next ones in line; None when that brought no answer."""
        vendor, calls = self._vendor, self._calls
        self._rest_until(self._line.ready_at)
        credentials = vendor.credentials.of(self._terms.workspace)
        payload = self._line.next()
        grant = self._granted(len(payload))
        if grant.probe and grant.closed_by == UNAVAILABLE:
            self._probe(grant, credentials)
            return None
        payload = payload[: grant.users]
        sent_at = self._told(payload, grant)
        if calls.is_late(sent_at, grant):
            return None
        try:
            answer = calls.export(payload, credentials)
        except VendorError as fault:
            self._failed(fault, grant, credentials, payload, sent_at)
            return None
        calls.answered(grant, sent_at)
        self._trouble = None
        return self._settled(match_users(payload, answer, fetched_at=sent_at))

    def _rest_until(self, moment: float) -> None:
        """Wait; who has no time for that gives the work back."""
        pause = moment - self._vendor.clock()
        if pause <= 0:
            return
        if moment >= self._until:
            raise RetryLater(moment, OUT_OF_TIME)
        self._vendor.sleep(pause)

    def _probe(self, grant: Grant, credentials: Credentials) -> None:
        """Ask for nobody with the probe of a gate that trouble closed: who is wanted cannot keep it closed."""
        sent_at = self._vendor.clock()
        if self._calls.is_late(sent_at, grant):
            return
        self._vendor.unused(grant.users - 1)
        if (met := self._calls.ask_for_nobody_with(grant, credentials, sent_at)) is not None:
            self._take_as_theirs(met, ())

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
            except GateClosed:  # whoever waits for the gate to open takes nothing from the others who wait
                return vendor.gate.admit(most, lane=lane, wait_until=self._until)
            except RetryLater as refusal:
                if refusal.reason not in {QUOTA, CONTENTION} or refusal.retry_at > self._until:
                    raise

    def _told(self, payload: Sequence[Identifier], grant: Grant) -> float:
        """Tell of a payload before it is sent; give the time. What is raised then is raised, and nothing is sent."""
        try:
            self._before_sending(payload)
        except Exception:
            self._calls.let_go(grant)
            raise
        return self._vendor.clock()

    def _settled(self, paired: Matches) -> Matches:
        failed = dict.fromkeys(paired.unreadable, UNREADABLE)
        if self._line.is_alone:
            failed |= dict.fromkeys(paired.unaccounted, "unaccounted")
        known = len(paired.found) + len(paired.not_found) + len(paired.unreadable)
        self._line.answered(known + len(paired.unaccounted), paired.unaccounted)
        self.failed |= failed | self._line.condemned(self._calls.well_at)
        return paired

    def _failed(
        self, fault: VendorError, grant: Grant, credentials: Credentials, payload: Sequence[Identifier], sent_at: float
    ) -> None:
        """Do what helps; before what a payload holds counts as the account's fault, learn whose it is."""
        if isinstance(fault, VendorUnavailable):
            self._trouble = fault
            if not fault.may_be_content:
                self._troubled(fault, grant, payload, sent_at)
                return
        if not fault.may_be_content:
            self._after_error(fault, grant, credentials, payload)
            return
        if grant.probe:  # it says nothing of the account; the neutral call may be the probe
            self._vendor.gate.release(grant)
        self._doubt(fault, payload, sent_at, since=sent_at - EVERY)

    def _troubled(self, fault: VendorUnavailable, grant: Grant, payload: Sequence[Identifier], sent_at: float) -> None:
        """Bear trouble as MoEngage's while that closes no gate; before it does, learn whether the payload is why.

        Three in a row need an answer to a later call: when MoEngage has just gone, an earlier one says nothing.
        """
        troubles, line = self._vendor.troubles, self._line
        is_last = self._troubles + 1 >= TROUBLES_BORNE
        if not (is_last or line.is_searched or troubles.would_close(grant, fault, self._vendor.clock())):
            line.borne(payload)
            self._calls.failed(grant, fault)
            self._back_off(fault)
            return
        troubles.hold(grant, fault, sent_at)
        if grant.probe:
            self._vendor.gate.release(grant)
        is_fresh = line.is_searched and troubles.in_a_row < FAILURES_TO_CLOSE
        self._doubt(fault, payload, sent_at, since=sent_at - EVERY if is_fresh else sent_at)

    def _doubt(self, fault: VendorError, payload: Sequence[Identifier], sent_at: float, *, since: float) -> None:
        """Search among a payload if MoEngage has answered somebody `since` then; else heed what a neutral call met."""
        if (met := self._calls.met_since(since, fault)) is not None:
            self._take_as_theirs(met, payload)
            return
        self._trouble = None
        times = self._line.in_vain(payload[0]) + 1 if len(payload) == 1 else 0
        self._line.doubt(payload, fault, sent_at, rest=_pause(times))
        if self._line.is_hopeless:  # no gate closes by it: it may be odd ones all the same
            raise fault
        self.failed |= self._line.condemned(self._calls.well_at)

    def _take_as_theirs(self, met: Met, payload: Sequence[Identifier]) -> None:
        """Take what a neutral call met as the account's, or MoEngage's."""
        self._line.absolve()
        self._calls.confirmed(met)
        self._after_error(met.fault, met.grant, met.credentials, payload)

    def _judge(self) -> None:
        """Learn whether those fail who were asked for alone in vain, when nobody else is left to ask for."""
        last = max(one.at for one in self._line.blamed)
        if (met := self._calls.met_since(last, None)) is not None:
            self._take_as_theirs(met, ())
        else:
            self.failed |= self._line.condemned(self._calls.well_at)

    def _after_error(
        self, fault: VendorError, grant: Grant, credentials: Credentials, payload: Sequence[Identifier]
    ) -> None:
        """Do what helps, and leave the payload in line unless the same again is useless."""
        if isinstance(fault, VendorUnauthorized):
            self._after_unauthorized(fault, grant, credentials)
            return
        self._calls.failed(grant, fault)
        if isinstance(fault, VendorPayloadTooLarge) and len(payload) > 1:
            self._line.split(len(payload))
        elif isinstance(fault, VendorPayloadTooLarge | VendorBadRequest):
            self._line.drop(len(payload))
            self.failed |= dict.fromkeys(payload, fault.reason)
        elif isinstance(fault, VendorUnavailable):
            self._back_off(fault)

    def _after_unauthorized(self, fault: VendorUnauthorized, grant: Grant, rejected: Credentials) -> None:
        """With another key in the secret go on at once: what was rejected says nothing about this one.

        Raises `AwsUnavailable` when the secret cannot be read: the gate stays open, who must act is not known.
        """
        try:
            is_rejected = not self._vendor.credentials.refresh(self._terms.workspace, rejected)
        except Misconfigured:
            is_rejected = True
        except AwsUnavailable:
            self._vendor.gate.release(grant)
            raise
        if is_rejected:
            self._calls.failed(grant, fault)
        else:
            self._vendor.gate.release(grant)

    def _back_off(self, fault: VendorUnavailable) -> None:
        self._troubles, self._trouble = self._troubles + 1, fault
        pause = _pause(self._troubles)
        if self._troubles >= TROUBLES_BORNE or self._vendor.clock() + pause >= self._until:
            raise fault
        self._vendor.sleep(pause)


def _pause(times: int) -> float:
    """Return the seconds after which to ask again what has met trouble so often."""
    return random.uniform(0.5, 1.0) * FIRST_PAUSE * float(2**times)  # noqa: S311 - jitter
