"""Stamps ahead of a slow item: as slow an answer as the last one is in time, and nobody waits for nothing."""

from __future__ import annotations

import pytest

from lookup.gate.attempt import LEAD_MARGIN, MAX_LEAD
from lookup.gate.window import MAX_AHEAD
from lookup.quota import Quota
from tests.lookup.gate.callers import Callers, Step

QUOTA = Quota()
PATIENCE = MAX_LEAD * QUOTA.window  # for a grant that takes effect later
MOMENT = 0.001  # seconds


def test_slow_answers_are_late_once() -> None:
    """After one answer that came too late, grants are stamped ahead: as slow an answer is in time, and sent then."""
    callers = Callers(QUOTA, [0.0])
    slow = Step(0, users=5, flight=0.4)
    assert callers.ask(slow) is None
    lead = LEAD_MARGIN * 0.8 - (QUOTA.send_spread - QUOTA.transit)
    callers.now, callers.patience = callers.now + 1, PATIENCE
    asked_at = callers.now
    grant = callers.ask(slow)
    assert grant is not None
    assert grant.effective_at - asked_at == pytest.approx(lead * 0.5 ** (1 / 30))
    assert callers.now == grant.effective_at


def test_nobody_stamps_further_ahead_than_half_of_what_counts_as_jumped() -> None:
    """However long the window and slow the answers, a grant takes effect within three seconds: no jumped clock's."""
    callers = Callers(Quota(window=600, pace_window=30), [0.0], patience=9)
    assert callers.ask(Step(0, users=1, flight=2.0)) is None
    asked_at = callers.now
    assert callers.ask(Step(0, users=1)) is not None
    assert callers.sent[-1].stamped_at == pytest.approx(asked_at + MAX_AHEAD / 2, abs=MOMENT)


def test_a_stamp_ahead_keeps_to_the_callers_patience() -> None:
    """A caller whose maximum wait is too short is refused before any charge; after a while there is no wait."""
    callers = Callers(QUOTA, [0.0])
    assert callers.ask(Step(0, users=5, flight=0.4)) is None
    charged = callers.granted()
    assert callers.ask(Step(0, users=5)) is None
    assert (callers.refusals[-1].reason, callers.granted()) == ("late", charged)
    callers.now += 600
    asked_at = callers.now
    grant = callers.ask(Step(0, users=5))
    assert grant is not None
    assert (grant.effective_at, callers.now) == (asked_at, asked_at)
