"""Calls to MoEngage for a set of identifiers: a grant for each, and the remedy after each error."""

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
from lookup.fetch.calls import OUT_OF_TIME, Calls, NeutralFailure
from lookup.fetch.isolation import NO_SUSPECTS, UNREADABLE, CallQueue
from lookup.fetch.neutral_calls import INTERVAL
from lookup.fetch.vendor_access import VendorAccess
from lookup.gate.breaker import FAILURES_TO_CLOSE, UNAVAILABLE
from lookup.gate.grant import CONTENTION, QUOTA, Gate, Grant
from lookup.model import Identifier, Lane, LookupRequest
from lookup.moengage.credentials import Credentials
from lookup.moengage.matching import Matches

MAX_FAILED_CALLS = 3  # with `VendorUnavailable` before it is raised
FIRST_PAUSE = 0.5  # seconds; doubles with every failure, jittered
TURN_SECONDS = 1.0  # seconds; about a slot of the gate
# (gate, users of this call, users in all, until) -> users to request of the gate.
TakeTurn = Callable[[Gate, int, int, float], int]


class VendorCalls:
    """One run of calls. `until` (epoch seconds) bounds every wait; `before_sending` is called with every payload."""

    def __init__(
        self,
        vendor: VendorAccess,
        wanted: Iterable[Identifier],
        request: LookupRequest,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None],
        turn: TakeTurn | None = None,
        doubted: Mapping[Identifier, int] = NO_SUSPECTS,
    ) -> None:
        """`turn` is called before the gate: it waits for this caller's turn, or raises.

        `doubted` are the suspects of an earlier run, with its unanswered calls for each alone.
        """
        self._turn = turn
        self._vendor = vendor
        self._request = request
        self._until = until
        self._before_sending = before_sending
        self._queue = CallQueue(wanted, doubted)
        self._calls = Calls(vendor, request, until)
        self._failures = 0
        self._last_error: VendorUnavailable | None = None  # since the last success
        self.failed: dict[Identifier, str] = {}  # with reasons; complete when `results` ends or raises

    @property
    def doubted(self) -> Mapping[Identifier, int]:
        """The suspects when the run ended: identifiers that may fail the calls of others.

        Each with its number of unanswered calls for it alone.
        """
        return {one: self._queue.unanswered_calls(one) for one in self._queue.doubted}

    def results(self) -> Iterator[Matches]:
        """Yield the matches of each successful call until nothing is left to send.

        Raises `RetryLater` or `GateClosed` when the gate's wait is too long, `VendorUnavailable` when the vendor stays
        unavailable, or was when the time ran out, `Misconfigured` when there are no credentials, `AwsUnavailable`
        when they cannot be read now. Identifiers that neither matched nor failed then are still to be sent.
        """
        if self._queue:
            self._before_deadline(self._check_held)
        while self._queue or self._queue.refused:
            if self._vendor.is_stopping():
                raise RetryLater(self._vendor.clock(), SHUTTING_DOWN)
            matches = self._before_deadline(self._call if self._queue else self._settle_refused)
            if matches is not None:  # otherwise the queue determines the next payload
                yield matches

    def _before_deadline(self, step: Callable[[], Matches | None]) -> Matches | None:
        """Take a step. When time runs out after vendor errors, raise the last of them."""
        if (now := self._vendor.clock()) >= self._until:
            raise self._last_error or RetryLater(now, OUT_OF_TIME)
        try:
            return step()
        except GateClosed:
            raise
        except RetryLater as refusal:
            raise (self._last_error or refusal) from None

    def _check_held(self) -> None:
        """Make a neutral call for the errors that earlier runs held."""
        if (failure := self._calls.check_held()) is not None:
            self._apply_failure(failure, ())

    def _call(self) -> Matches | None:
        """Make one call for the next payload; None when it failed."""
        vendor, calls = self._vendor, self._calls
        self._wait_until(self._queue.ready_at)
        credentials = vendor.credentials.of(self._request.workspace)
        payload = self._queue.next()
        grant = self._admit(len(payload))
        if grant.probe and grant.closed_by == UNAVAILABLE:
            self._probe(grant, credentials)
            return None
        payload = payload[: grant.users]
        sent_at = self._announce(payload, grant)
        if calls.is_late(sent_at, grant):
            return None
        try:
            matches = calls.export(payload, credentials)
        except VendorError as error:
            self._handle_error(error, grant, credentials, payload, sent_at)
            return None
        calls.report_success(grant, sent_at)
        self._last_error = None
        return self._record(matches)

    def _wait_until(self, moment: float) -> None:
        """Wait until `moment`. Raises `RetryLater` when there is no time."""
        pause = moment - self._vendor.clock()
        if pause <= 0:
            return
        if moment >= self._until:
            raise RetryLater(moment, OUT_OF_TIME)
        self._vendor.sleep(pause)

    def _probe(self, grant: Grant, credentials: Credentials) -> None:
        """Use the probe of a gate closed by unavailability for a neutral call: content cannot keep the gate closed."""
        sent_at = self._vendor.clock()
        if self._calls.is_late(sent_at, grant):
            return
        self._vendor.on_unused_grant(grant.users - 1)
        if (failure := self._calls.call_neutral_with(grant, credentials, sent_at)) is not None:
            self._apply_failure(failure, ())

    def _admit(self, size: int) -> Grant:
        """Return a grant. With `turn` wait for that first; on demand a turn is at most `TURN_SECONDS` at the gate."""
        vendor, lane = self._vendor, self._request.lane
        if self._turn is None or lane is Lane.BULK:
            most = size if self._turn is None else self._turn(vendor.gate, size, len(self._queue), self._until)
            return vendor.gate.admit(most, lane=lane, wait_until=self._until)
        while True:
            most = self._turn(vendor.gate, size, len(self._queue), self._until)
            try:
                return vendor.gate.admit(most, lane=lane, wait_until=min(self._until, vendor.clock() + TURN_SECONDS))
            except GateClosed:  # a wait for the gate to open takes nothing from other callers
                return vendor.gate.admit(most, lane=lane, wait_until=self._until)
            except RetryLater as refusal:
                if refusal.reason not in {QUOTA, CONTENTION} or refusal.retry_at > self._until:
                    raise

    def _announce(self, payload: Sequence[Identifier], grant: Grant) -> float:
        """Call `before_sending`, and return the time. If it raises, release the grant: nothing is sent."""
        try:
            self._before_sending(payload)
        except Exception:
            self._calls.release_unused(grant)
            raise
        return self._vendor.clock()

    def _record(self, matches: Matches) -> Matches:
        failed = dict.fromkeys(matches.unreadable, UNREADABLE)
        if self._queue.is_alone:
            failed |= dict.fromkeys(matches.unaccounted, "unaccounted")
        known = len(matches.found) + len(matches.not_found) + len(matches.unreadable)
        self._queue.answered(known + len(matches.unaccounted), matches.unaccounted)
        self.failed |= failed | self._queue.settle_refused(self._calls.succeeded_at)
        return matches

    def _handle_error(
        self, error: VendorError, grant: Grant, credentials: Credentials, payload: Sequence[Identifier], sent_at: float
    ) -> None:
        """Apply the remedy; before an error counts as the account's, check whether the content is the cause."""
        if isinstance(error, VendorUnavailable):
            self._last_error = error
            if not error.may_be_content:
                self._handle_unavailable(error, grant, payload, sent_at)
                return
        if not error.may_be_content:
            self._after_error(error, grant, credentials, payload)
            return
        if grant.probe:  # it says nothing of the account; the neutral call may be the probe
            self._vendor.gate.release(grant)
        self._search(error, payload, sent_at, since=sent_at - INTERVAL)

    def _handle_unavailable(
        self, error: VendorUnavailable, grant: Grant, payload: Sequence[Identifier], sent_at: float
    ) -> None:
        """Report unavailability while that closes no gate; before it does, check whether the payload is the cause.

        Three in a row need a success of a later call: an earlier one does not show that MoEngage still responds.
        """
        failures, queue = self._vendor.failures, self._queue
        is_last = self._failures + 1 >= MAX_FAILED_CALLS
        if not (is_last or queue.is_searched or failures.would_close(grant, error, self._vendor.clock())):
            queue.mark_unanswered(payload)
            self._calls.report_error(grant, error)
            self._back_off(error)
            return
        failures.hold(grant, error, sent_at)
        if grant.probe:
            self._vendor.gate.release(grant)
        is_fresh = queue.is_searched and failures.in_a_row < FAILURES_TO_CLOSE
        self._search(error, payload, sent_at, since=sent_at - INTERVAL if is_fresh else sent_at)

    def _search(self, error: VendorError, payload: Sequence[Identifier], sent_at: float, *, since: float) -> None:
        """Search a payload if any call has succeeded `since` then; otherwise apply the neutral call's failure."""
        if (failure := self._calls.neutral_failure_since(since, error)) is not None:
            self._apply_failure(failure, payload)
            return
        self._last_error = None
        times = self._queue.unanswered_calls(payload[0]) + 1 if len(payload) == 1 else 0
        self._queue.doubt(payload, error, sent_at, rest=_pause(times))
        if self._queue.is_exhausted:  # the gate stays open: the content may be the cause all the same
            raise error
        self.failed |= self._queue.settle_refused(self._calls.succeeded_at)

    def _apply_failure(self, failure: NeutralFailure, payload: Sequence[Identifier]) -> None:
        """Apply the error of a neutral call, which is the account's or MoEngage's."""
        self._queue.clear_suspects()
        self._calls.report_held(failure)
        self._after_error(failure.error, failure.grant, failure.credentials, payload)

    def _settle_refused(self) -> None:
        """Settle the refused identifiers when no others are left to send."""
        last = max(one.at for one in self._queue.refused)
        if (failure := self._calls.neutral_failure_since(last, None)) is not None:
            self._apply_failure(failure, ())
        else:
            self.failed |= self._queue.settle_refused(self._calls.succeeded_at)

    def _after_error(
        self, error: VendorError, grant: Grant, credentials: Credentials, payload: Sequence[Identifier]
    ) -> None:
        """Apply the remedy, and keep the payload in the queue unless a retry is useless."""
        if isinstance(error, VendorUnauthorized):
            self._after_unauthorized(error, grant, credentials)
            return
        self._calls.report_error(grant, error)
        if isinstance(error, VendorPayloadTooLarge) and len(payload) > 1:
            self._queue.split(len(payload))
        elif isinstance(error, VendorPayloadTooLarge | VendorBadRequest):
            self._queue.drop(len(payload))
            self.failed |= dict.fromkeys(payload, error.reason)
        elif isinstance(error, VendorUnavailable):
            self._back_off(error)

    def _after_unauthorized(self, error: VendorUnauthorized, grant: Grant, rejected: Credentials) -> None:
        """Read the secret again: with other credentials continue at once, with the same ones report the error.

        Raises `AwsUnavailable` when the secret cannot be read: the gate stays open, for the cause is not known.
        """
        try:
            is_rejected = not self._vendor.credentials.refresh(self._request.workspace, rejected)
        except Misconfigured:
            is_rejected = True
        except AwsUnavailable:
            self._vendor.gate.release(grant)
            raise
        if is_rejected:
            self._calls.report_error(grant, error)
        else:
            self._vendor.gate.release(grant)

    def _back_off(self, error: VendorUnavailable) -> None:
        self._failures, self._last_error = self._failures + 1, error
        pause = _pause(self._failures)
        if self._failures >= MAX_FAILED_CALLS or self._vendor.clock() + pause >= self._until:
            raise error
        self._vendor.sleep(pause)


def _pause(times: int) -> float:
    """Return the pause (seconds) after so many failures."""
    return random.uniform(0.5, 1.0) * FIRST_PAUSE * float(2**times)  # noqa: S311 - jitter
