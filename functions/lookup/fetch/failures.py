"""The vendor's troubles of one process since its last answer, and which of them the gate must not hear of yet.

What was asked for may be why. The gate closes after three in a row, or one that says until when. So the first two are
reported as they come, and what would close it only once a call for nobody has met trouble too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lookup.errors import VendorUnavailable
from lookup.gate.breaker import FAILURES_TO_CLOSE, closes_at_once
from lookup.gate.grant import Grant

MOST_HELD = FAILURES_TO_CLOSE  # as many as close the gate


@dataclass(slots=True)
class RecentFailures:
    """Of one workspace. `held` are grants, what their calls met, and when these left (epoch seconds)."""

    in_a_row: int = 0
    held: list[tuple[Grant, VendorUnavailable, float]] = field(default_factory=list)

    def would_close(self, grant: Grant, fault: VendorUnavailable, now: float) -> bool:
        """Return whether the gate might close if one more is reported."""
        return grant.probe or closes_at_once(fault, now) or self.in_a_row + 1 >= FAILURES_TO_CLOSE

    def hold(self, grant: Grant, fault: VendorUnavailable, sent_at: float) -> None:
        """Hold one back, the latest ones at most."""
        self.in_a_row += 1
        self.held = [*self.held, (grant, fault, sent_at)][-MOST_HELD:]

    def clear(self) -> None:
        """Forget all: MoEngage has answered."""
        self.in_a_row = 0
        self.held = []

    def clear_before(self, answered_at: float) -> None:
        """Forget all if a call that left then, in another process, was answered, and none failed that left later."""
        if self.held and self.held[-1][2] <= answered_at:
            self.clear()
