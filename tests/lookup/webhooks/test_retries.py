"""What follows from an answer: delays that grow for three days, few tries of what is refused, bounded pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.webhooks import retries
from lookup.webhooks.queue import LONGEST_VISIBILITY
from lookup.webhooks.retries import FEW_TRIES, LONGEST_ATTEMPTS, Delivered, GiveUp, TryAgain, judge
from lookup.webhooks.sender import Answer

DAY = 24 * 3600


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    """A receiver that answers 2xx has taken it."""
    assert judge(Answer(status), tries=1, age=0, retry_after=None) == Delivered()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304, 400, 401, 403, 404, 409, 422])
def test_what_is_refused_is_tried_a_few_times(status: int) -> None:
    """A redirect or a 4xx is tried four times in some minutes, then given up with its status."""
    waits = []
    for tries in range(1, FEW_TRIES):
        verdict = judge(Answer(status), tries=tries, age=0, retry_after=None)
        assert isinstance(verdict, TryAgain)
        waits.append(verdict.seconds)
    assert sum(waits) < 600
    assert judge(Answer(status), tries=FEW_TRIES, age=0, retry_after=None) == GiveUp(f"HTTP {status} in 4 tries")


def test_gone_disables_at_once() -> None:
    """A receiver that answers 410 is given up at the first try, and nothing more is sent to it."""
    verdict = judge(Answer(410), tries=1, age=0, retry_after=None)
    assert verdict == GiveUp("HTTP 410: the receiver wants no webhooks any more", disables=True)


@pytest.mark.parametrize("answer", [Answer(500), Answer(503), Answer(408), Answer(429), Answer(None, "timeout")])
def test_what_may_pass_is_tried_for_three_days(answer: Answer) -> None:
    """The pauses grow from seconds to half a day, none longer than SQS hides a message, for about three days."""
    age, tries, waits = 0.0, 0, list[float]()
    while True:
        tries += 1
        verdict = judge(answer, tries=tries, age=age, retry_after=None)
        if isinstance(verdict, GiveUp):
            break
        assert isinstance(verdict, TryAgain)
        waits.append(verdict.seconds)
        age += verdict.seconds
    assert 5 <= waits[0] < 6
    assert sorted(waits[:10]) == waits[:10]
    assert max(waits) < LONGEST_VISIBILITY
    assert 2.4 * DAY < age <= 3 * DAY
    assert 12 <= tries <= 15
    assert verdict.reason.endswith(f"in {tries} tries, for three days")


def test_retry_after_is_honoured_and_bounded() -> None:
    """A receiver's `Retry-After` lengthens the pause, to six hours at most, and never shortens it."""
    for asked, least, most in ((60.0, 60, 60), (1.0, 5, 6), (10 * DAY, 6 * 3600, 6 * 3600)):
        verdict = judge(Answer(503), tries=1, age=0, retry_after=asked)
        assert isinstance(verdict, TryAgain)
        assert least <= verdict.seconds <= most


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_every_pause_is_bounded(failures: int, received: int) -> None:
    """A pause lasts an hour at most, a wait for others five minutes, however often something failed or came."""
    assert retries.backoff(min(failures, 2)) == 0
    assert retries.backoff(3 + failures) <= 3600 * 1.05
    assert 0.5 <= retries.busy_delay(received) <= 300


def test_nothing_outlasts_the_queue() -> None:
    """The last attempt and its longest pause are over long before SQS deletes a message, after 14 days."""
    assert LONGEST_ATTEMPTS + LONGEST_VISIBILITY < 4 * DAY
