"""A partner's requests a second, as one instance counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.api.callers.request_rate import BURST_SECONDS, RequestRate
from lookup.errors import TooManyRequests
from lookup.partners import Partner
from tests.lookup.services import FakeClock

ACME = Partner("acme", requests_per_second=5)


@given(pauses=st.lists(st.floats(0, 1.5), min_size=1, max_size=60), rate=st.integers(1, 50))
def test_no_more_than_the_rate(pauses: list[float], rate: int) -> None:
    """In any span an instance admits at most the rate times the span plus one burst, and returns when to retry."""
    clock, partner = FakeClock(), Partner("acme", requests_per_second=rate)
    rates, admitted = RequestRate(clock), list[float]()
    for pause in pauses:
        clock.now += pause
        try:
            rates.admit(partner)
        except TooManyRequests as fault:
            clock.now = fault.retry_at + 1e-6
            rates.admit(partner)  # at its `retry_at`
        admitted.append(clock.now)
    for start in range(len(admitted)):
        span = admitted[-1] - admitted[start]
        assert len(admitted) - start <= rate * span + rate * BURST_SECONDS + 1.01


def test_partners_are_counted_apart() -> None:
    """One partner's flood takes nothing of another's, and who has no limit is not counted."""
    clock = FakeClock()
    rates = RequestRate(clock)
    for _ in range(10):
        rates.admit(ACME)
    with pytest.raises(TooManyRequests) as caught:
        rates.admit(ACME)
    assert (caught.value.policy, caught.value.limit, round(caught.value.retry_at - clock(), 3)) == ("requests", 5, 0.2)
    for _ in range(1000):
        rates.admit(Partner("free"))
    rates.admit(Partner("other", requests_per_second=1))
