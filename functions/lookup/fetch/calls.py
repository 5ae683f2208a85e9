"""One run's calls to MoEngage: reports of each, and neutral calls that show whether an error is the account's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from lookup.errors import RetryLater, VendorBadRequest, VendorError, VendorPayloadTooLarge, VendorUnavailable
from lookup.fetch.neutral_calls import NEUTRAL_PAYLOAD
from lookup.fetch.vendor_access import CallRecord, VendorAccess
from lookup.gate.grant import Grant
from lookup.model import Identifier, LookupRequest
from lookup.moengage.credentials import Credentials
from lookup.moengage.matching import Matches

OUT_OF_TIME = "out_of_time"  # the reason of `RetryLater` when the time is over
GRACE_SECONDS = 3.0  # that a call may take beyond its caller's time
POLL_SECONDS = 0.5  # between reads of the result of another process's neutral call


@dataclass(frozen=True, slots=True)
class NeutralFailure:
    """The error of a neutral call, with its grant and credentials."""

    error: VendorError
    grant: Grant
    credentials: Credentials

    def effective(self, suspected: VendorError | None) -> NeutralFailure:
        """Return the effective error: `suspected` when even the neutral call was rejected as a bad request."""
        if suspected is None or not isinstance(self.error, VendorPayloadTooLarge | VendorBadRequest):
            return self
        return NeutralFailure(suspected, self.grant, self.credentials)


class Calls:
    """The calls of one run. `until` (epoch seconds) bounds every wait."""

    def __init__(self, vendor: VendorAccess, request: LookupRequest, until: float) -> None:
        self._vendor = vendor
        self._request = request
        self._until = until
        self._succeeded_at = 0.0

    @property
    def succeeded_at(self) -> float:
        """When the latest known successful call was sent, of any process."""
        return self._succeeded_at

    def export(self, payload: Sequence[Identifier], credentials: Credentials) -> Matches:
        """Send one call, and report its result. A neutral call has nothing of the request. Raises `VendorError`."""
        vendor, sent_at = self._vendor, self._vendor.clock()
        is_neutral = payload is NEUTRAL_PAYLOAD
        on_call = partial(CallRecord, self._request.workspace, len(payload), is_neutral=is_neutral)
        fields, forwarded_for = self._request.fields, self._request.forwarded_for
        try:
            matches = vendor.client.export(
                payload,
                credentials,
                fields=None if is_neutral else fields,
                forwarded_for=None if is_neutral else forwarded_for,
                max_seconds=max(self._until - sent_at, 0.0) + GRACE_SECONDS,
            )
        except VendorError as error:
            vendor.on_call(on_call(vendor.clock() - sent_at, error))
            raise
        vendor.on_call(on_call(vendor.clock() - sent_at))
        return matches

    def is_late(self, sent_at: float, grant: Grant) -> bool:
        """Return whether a grant is too late, for its window or for the caller; then it is released."""
        is_late = sent_at > min(grant.not_after, self._until)
        if is_late:
            self.release_unused(grant)
        return is_late

    def release_unused(self, grant: Grant) -> None:
        """Release a grant without a call."""
        self._vendor.gate.release(grant)
        self._vendor.on_unused_grant(grant.users)

    def report_success(self, grant: Grant, sent_at: float) -> None:
        """Report a successful call."""
        self._vendor.gate.report(grant, None)
        self._vendor.failures.clear()
        self._succeeded_at = max(self._succeeded_at, sent_at)

    def report_error(self, grant: Grant, error: VendorError) -> None:
        """Report a call whose error is the account's or MoEngage's, or shows that MoEngage responds."""
        self._vendor.gate.report(grant, error)
        if isinstance(error, VendorUnavailable):
            self._vendor.failures.in_a_row += 1
        else:
            self._vendor.failures.clear()

    def report_held(self, failure: NeutralFailure) -> None:
        """Report the held errors, now that a neutral call has failed too."""
        if isinstance(failure.error, VendorUnavailable):
            for grant, error, _ in self._vendor.failures.held:
                self._vendor.gate.report(replace(grant, probe=False), error)  # a probe was released
        self._vendor.failures.held.clear()

    def neutral_failure_since(self, moment: float, suspected: VendorError | None) -> NeutralFailure | None:
        """Return a neutral call's failure, None when any call sent since `moment` has succeeded.

        If that is not known, a neutral call is made: one in `INTERVAL` over all processes, the others wait for its
        result. If it is rejected as well, `suspected` is the account's. Raises `RetryLater` when there is no time.
        """
        vendor = self._vendor
        while not self._succeeded_since(moment):
            if vendor.clock() >= self._until:  # a claim would keep others from a call
                raise RetryLater(vendor.clock(), OUT_OF_TIME)
            if vendor.neutral_calls.claim(vendor.clock()):
                failure = self.call_neutral()
                return None if failure is None else failure.effective(suspected)
            pause = random.uniform(0.5, 1.0) * POLL_SECONDS  # noqa: S311 - jitter
            if vendor.is_stopping() or vendor.clock() + pause >= self._until:
                raise RetryLater(vendor.clock() + pause, OUT_OF_TIME)
            vendor.sleep(pause)
        return None

    def check_held(self) -> NeutralFailure | None:
        """Return the failure of a neutral call for errors that an earlier run held; None when it succeeds.

        Without a claim the run continues: its own call shows as much.
        """
        held = self._vendor.failures.held
        if not held or self._succeeded_since(held[-1][2]) or not self._vendor.neutral_calls.claim(self._vendor.clock()):
            return None
        return self.call_neutral()

    def _succeeded_since(self, moment: float) -> bool:
        if self._succeeded_at < moment:
            self._succeeded_at = max(self._succeeded_at, self._vendor.neutral_calls.answered_at())
            self._vendor.failures.clear_before(self._succeeded_at)
        return self._succeeded_at >= moment

    def call_neutral(self) -> NeutralFailure | None:
        """Make a neutral call, for a user that does not exist, with a grant of its own. Return its failure, if any."""
        vendor = self._vendor
        while True:
            credentials = vendor.credentials.of(self._request.workspace)
            grant = vendor.gate.admit(1, lane=self._request.lane, wait_until=self._until)
            sent_at = vendor.clock()
            if not self.is_late(sent_at, grant):
                return self.call_neutral_with(grant, credentials, sent_at)
            if sent_at >= self._until:
                raise RetryLater(sent_at, OUT_OF_TIME)

    def call_neutral_with(self, grant: Grant, credentials: Credentials, sent_at: float) -> NeutralFailure | None:
        """Make a neutral call with this grant. Return its failure, if any."""
        try:
            self.export(NEUTRAL_PAYLOAD, credentials)
        except VendorError as error:
            return NeutralFailure(error, grant, credentials)
        self.report_success(grant, sent_at)
        self._vendor.neutral_calls.record_success(sent_at)
        return None
