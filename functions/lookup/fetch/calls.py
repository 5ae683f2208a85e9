"""One run's calls to MoEngage: what is heard of each, and the calls for nobody that show whose fault a fault is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from lookup.errors import RetryLater, VendorBadRequest, VendorError, VendorPayloadTooLarge, VendorUnavailable
from lookup.fetch.neutral_calls import QUESTION
from lookup.fetch.vendor_access import CallRecord, VendorAccess
from lookup.gate.grant import Grant
from lookup.model import FetchOptions, Identifier
from lookup.moengage.credentials import Credentials
from lookup.moengage.responses import ExportResponse

OUT_OF_TIME = "out_of_time"  # why work is given back for which there is no time left
LAST_CALL = 3.0  # seconds that a call may take beyond the time that its caller has
LOOK = 0.5  # seconds between two looks for the answer to somebody else's neutral call


@dataclass(frozen=True, slots=True)
class Met:
    """The fault that a neutral call met, with its grant and the credentials that it carried."""

    fault: VendorError
    grant: Grant
    credentials: Credentials

    def heeding(self, suspected: VendorError | None) -> Met:
        """Return what is to be heeded: where even a neutral call is rejected, the refusal that it was made for."""
        if suspected is None or not isinstance(self.fault, VendorPayloadTooLarge | VendorBadRequest):
            return self
        return Met(suspected, self.grant, self.credentials)


class Calls:
    """The calls of one run. `until` (epoch seconds) bounds every wait."""

    def __init__(self, vendor: VendorAccess, terms: FetchOptions, until: float) -> None:
        self._vendor = vendor
        self._terms = terms
        self._until = until
        self._well_at = 0.0

    @property
    def well_at(self) -> float:
        """When a call left that MoEngage answered as if all were well, by anybody's as far as is known here."""
        return self._well_at

    def export(self, payload: Sequence[Identifier], credentials: Credentials) -> ExportResponse:
        """Ask once, and report how it ended. A neutral call holds nothing of whoever asks. Raises `VendorError`."""
        vendor, asked_at = self._vendor, self._vendor.clock()
        is_neutral = payload is QUESTION
        heard = partial(CallRecord, self._terms.workspace, len(payload), is_neutral=is_neutral)
        fields, forwarded_for = self._terms.fields, self._terms.forwarded_for
        try:
            answer = vendor.client.export(
                payload,
                credentials,
                fields=None if is_neutral else fields,
                forwarded_for=None if is_neutral else forwarded_for,
                max_seconds=max(self._until - asked_at, 0.0) + LAST_CALL,
            )
        except VendorError as fault:
            vendor.heard(heard(vendor.clock() - asked_at, fault))
            raise
        vendor.heard(heard(vendor.clock() - asked_at))
        return answer

    def is_late(self, sent_at: float, grant: Grant) -> bool:
        """Return whether a grant comes too late, for the vendor's minute or for whoever waits; then it is let go."""
        is_late = sent_at > min(grant.not_after, self._until)
        if is_late:
            self.let_go(grant)
        return is_late

    def let_go(self, grant: Grant) -> None:
        """Use a grant for nothing."""
        self._vendor.gate.release(grant)
        self._vendor.unused(grant.users)

    def answered(self, grant: Grant, sent_at: float) -> None:
        """Report a call that was answered as if all were well."""
        self._vendor.gate.report(grant, None)
        self._vendor.troubles.clear()
        self._well_at = max(self._well_at, sent_at)

    def failed(self, grant: Grant, fault: VendorError) -> None:
        """Report a call whose fault is the account's or MoEngage's, or says that MoEngage is alive."""
        self._vendor.gate.report(grant, fault)
        if isinstance(fault, VendorUnavailable):
            self._vendor.troubles.in_a_row += 1
        else:
            self._vendor.troubles.clear()

    def confirmed(self, met: Met) -> None:
        """Report the troubles that are held back, now that a neutral call has met trouble too."""
        if isinstance(met.fault, VendorUnavailable):
            for grant, fault, _ in self._vendor.troubles.held:
                self._vendor.gate.report(replace(grant, probe=False), fault)  # a probe was released
        self._vendor.troubles.held.clear()

    def met_since(self, moment: float, suspected: VendorError | None) -> Met | None:
        """Return what a neutral call met if MoEngage has answered nobody since a moment; None when it has.

        If that is not known, nobody is asked for: once in a while over all processes, the others wait for the answer.
        A neutral call that is not understood either says that `suspected` is the account's. Raises `RetryLater` when
        there is no time to wait.
        """
        vendor = self._vendor
        while not self._is_well_since(moment):
            if vendor.clock() >= self._until:  # a claim would be taken from those who can use it
                raise RetryLater(vendor.clock(), OUT_OF_TIME)
            if vendor.neutral_calls.claim(vendor.clock()):
                met = self.ask_for_nobody()
                return None if met is None else met.heeding(suspected)
            pause = random.uniform(0.5, 1.0) * LOOK  # noqa: S311 - jitter
            if vendor.is_stopping() or vendor.clock() + pause >= self._until:
                raise RetryLater(vendor.clock() + pause, OUT_OF_TIME)
            vendor.sleep(pause)
        return None

    def met_by_now(self) -> Met | None:
        """Return what a neutral call meets that an earlier run had no time for; None when all is well.

        Who cannot make it at once goes on: the own call shows as much.
        """
        held = self._vendor.troubles.held
        if not held or self._is_well_since(held[-1][2]) or not self._vendor.neutral_calls.claim(self._vendor.clock()):
            return None
        return self.ask_for_nobody()

    def _is_well_since(self, moment: float) -> bool:
        if self._well_at < moment:
            self._well_at = max(self._well_at, self._vendor.neutral_calls.answered_at())
            self._vendor.troubles.clear_before(self._well_at)
        return self._well_at >= moment

    def ask_for_nobody(self) -> Met | None:
        """Ask, with a grant like any other, for somebody who does not exist; return the fault if it is not answered."""
        vendor = self._vendor
        while True:
            credentials = vendor.credentials.of(self._terms.workspace)
            grant = vendor.gate.admit(1, lane=self._terms.lane, wait_until=self._until)
            sent_at = vendor.clock()
            if not self.is_late(sent_at, grant):
                return self.ask_for_nobody_with(grant, credentials, sent_at)
            if sent_at >= self._until:
                raise RetryLater(sent_at, OUT_OF_TIME)

    def ask_for_nobody_with(self, grant: Grant, credentials: Credentials, sent_at: float) -> Met | None:
        """Ask so with a grant that is there."""
        try:
            self.export(QUESTION, credentials)
        except VendorError as fault:
            return Met(fault, grant, credentials)
        self.answered(grant, sent_at)
        self._vendor.neutral_calls.answer(sent_at)
        return None
