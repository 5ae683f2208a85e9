"""The `VendorUnavailable` errors of one process since its last success, and those held back from the gate.

The content of a call may be the cause. The gate closes after three in a row, or one with `Retry-After`. So the first
two are reported at once, and one that would close it only after a neutral call has failed too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lookup.errors import VendorUnavailable
from lookup.gate.breaker import FAILURES_TO_CLOSE, closes_at_once
from lookup.gate.grant import Grant

MAX_HELD = FAILURES_TO_CLOSE  # as many as close the gate


@dataclass(slots=True)
class RecentFailures:
    """Of one workspace. `held` are grants, the errors of their calls, and when these were sent (epoch seconds)."""

    in_a_row: int = 0
    held: list[tuple[Grant, VendorUnavailable, float]] = field(default_factory=list)

    def would_close(self, grant: Grant, error: VendorUnavailable, now: float) -> bool:
        """Return whether the gate might close if one more is reported."""
        return grant.probe or closes_at_once(error, now) or self.in_a_row + 1 >= FAILURES_TO_CLOSE

    def hold(self, grant: Grant, error: VendorUnavailable, sent_at: float) -> None:
        """Hold an error back; only the latest ones are kept."""
        self.in_a_row += 1
        self.held = [*self.held, (grant, error, sent_at)][-MAX_HELD:]

    def clear(self) -> None:
        """Clear all after a success."""
        self.in_a_row = 0
        self.held = []

    def clear_before(self, answered_at: float) -> None:
        """Clear all if a call sent at `answered_at`, in another process, succeeded after the last held one was sent."""
        if self.held and self.held[-1][2] <= answered_at:
            self.clear()
