"""Promise 2: no more than the quota's users in any window of true time; and nobody is refused who has room."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import floor
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookup.gate.attempt import MAX_LEAD
from lookup.gate.window import MIN_SHARE
from lookup.model import Lane
from lookup.quota import Quota
from tests.lookup.gate.callers import START, Callers, Fate, Step, fullest

SKEW, SPREAD = Quota().clock_skew, Quota().send_spread
# Bulk as fast as the window allows; slots of exactly a second; or small, so that it is soon full.
WIDE = Quota(window=59.5, pace_factor=50, smooth_factor=50)
TIGHT = Quota(limit=90, headroom=20, quiet_headroom=2, pace_factor=50, smooth_factor=50)
# How long a grant may stand in the way: while the item answers slowly, it may be stamped ahead.
REACH = TIGHT.window + TIGHT.guard + TIGHT.slot + 2 * SKEW + MAX_LEAD * TIGHT.window
MOMENT = 0.001  # seconds
HOST_ERROR = 0.02  # seconds that the clocks of DynamoDB's hosts may be off
PATIENCE = MAX_LEAD * TIGHT.window  # for a grant that takes effect later

offsets = st.lists(st.floats(-SKEW, SKEW), min_size=4, max_size=4)
gaps = st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 0.2), st.floats(55, 65), st.floats(20, 300))


def steps_of(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        caller=st.integers(0, 3),
        gap=gaps if more else st.floats(0, 0.05),
        lane=st.sampled_from(Lane),
        users=st.integers(1, 20),
        times=st.integers(1, 6),
        fate=st.sampled_from([Fate.ANSWERED] * 6 + [Fate.REPLY_LOST, Fate.LOST]),
        flight=st.one_of(st.floats(0, 0.12), st.floats(0, 1)),
        vendor_delay=st.floats(0, 1),
        **more,
    )


overtaking = st.lists(steps_of(), max_size=2)
histories = st.lists(steps_of(before=overtaking, after=overtaking), max_size=25)
stepping = st.lists(
    steps_of(before=overtaking, after=overtaking, step_to=st.none() | st.floats(-SKEW, SKEW)), max_size=25
)


def eager_history(random: Random, seconds: float = 200.0, slowest: float = 0.12) -> list[Step]:
    """Several windows of callers who always want more: what comes free is taken within a fraction of a slot.

    As unkind as it can be: callers 0 and 1, whose calls the vendor counts late, take one window; callers 2 and 3,
    whose calls it counts at once, the next.
    """
    steps, at = [], 0.0
    while at < seconds:
        gap = random.uniform(20, 70) if random.random() < 0.002 else random.uniform(0, 0.4)
        at += gap
        late = int(at / 60.5) % 2 == 0
        overtaking = [Step(random.randrange(4), users=random.randint(1, 20))] if random.random() < 0.1 else []
        steps.append(
            Step(
                caller=random.randrange(2) + (0 if late else 2),
                gap=gap,
                lane=random.choices(list(Lane), [5, 1])[0],
                users=random.randint(1, 20),
                fate=random.choices(list(Fate), [100, 1, 1])[0],
                flight=random.choice([0.0, random.uniform(0, 0.12), random.uniform(0, slowest)]),
                vendor_delay=random.uniform(0.9, 1) if late else 0,
                before=overtaking,
            )
        )
    return steps


def assert_promise_kept(callers: Callers) -> None:
    quota = callers.quota
    assert fullest([(s.stamped_at, s.users) for s in callers.sent], quota.window) <= quota.limit
    assert fullest([(s.counted_at, s.users) for s in callers.sent], quota.window) <= quota.limit


@settings(max_examples=80, deadline=None)
@given(offsets=offsets, history=histories)
def test_no_window_holds_more_than_the_limit(offsets: list[float], history: list[Step]) -> None:
    """However callers interleave, no window of true time holds more, by the gate's times or the vendor's count."""
    callers = Callers(TIGHT, offsets, patience=PATIENCE)
    callers.play(history)
    assert_promise_kept(callers)


@settings(max_examples=10, deadline=None)
@given(offsets=offsets, seed=st.integers(0, 2**32), slowest=st.floats(0, 1))
def test_no_window_holds_more_than_the_limit_in_long_histories(offsets: list[float], seed: int, slowest: float) -> None:
    """The same over hundreds of grants and several full windows, also when requests to the item are slow."""
    callers = Callers(WIDE, offsets, patience=PATIENCE)
    callers.play(eager_history(Random(seed), slowest=slowest))
    assert_promise_kept(callers)


def measured_callers(quota: Quota, offsets: list[float], random: Random, *, answers: int = 80) -> Callers:
    """Make callers that have measured the time, by hosts whose clocks are as far off as they may be."""
    date_error = partial(random.uniform, -HOST_ERROR, HOST_ERROR)
    callers = Callers(quota, list(offsets), patience=PATIENCE, is_steady=True, date_error=date_error)
    for _ in range(answers):
        callers.now += random.uniform(0, 1)
        for gate in callers.gates:
            gate.state()
    return callers


@settings(max_examples=40, deadline=None)
@given(offsets=offsets, history=stepping, seed=st.integers(0, 2**32), answers=st.sampled_from([0, 5, 80]))
def test_no_window_holds_more_by_measured_clocks(
    offsets: list[float], history: list[Step], seed: int, answers: int
) -> None:
    """The same while all, some or none have measured the time, and when their clocks step within the skew."""
    callers = measured_callers(TIGHT, offsets, Random(seed), answers=answers)
    callers.play(history)
    assert_promise_kept(callers)


@settings(max_examples=20, deadline=None)
@given(offsets=offsets, seed=st.integers(0, 2**32), slowest=st.floats(0, 0.3), stepping=st.sampled_from([0.0, 0.02]))
def test_no_window_holds_more_by_measured_clocks_in_long_histories(
    offsets: list[float], seed: int, slowest: float, stepping: float
) -> None:
    """The same over hundreds of grants, with every window taken as soon as it comes free, as unkind as may be."""
    random = Random(seed)
    callers = measured_callers(WIDE, offsets, random)
    history = eager_history(random, slowest=slowest)
    for number, one in enumerate(history):
        if random.random() < stepping:
            history[number] = replace(one, step_to=random.uniform(-SKEW, SKEW))
    callers.play(history)
    assert_promise_kept(callers)


def test_measured_clocks_leave_just_enough_of_the_guard() -> None:
    """By measured clocks a window is free again a third of a second sooner, and not a tenth sooner than it may be.

    As unkind as can be: one caller's hosts are as far behind, and its calls counted as late, as may be; the other's
    hosts are as far ahead, and it asks all the time.
    """
    behind, ahead = partial(float, -HOST_ERROR), partial(float, HOST_ERROR)
    waited, worst, broken = [], 0, 0
    for phase in range(20):
        callers, random = Callers(WIDE, [SKEW, -SKEW], is_steady=True), Random(phase)
        callers.play([Step(0, users=1), Step(1, users=1), Step(0, gap=70, users=1), Step(1, gap=70, users=1)])
        callers.now, callers.sent = callers.now + 70, []
        for _ in range(200):
            callers.now += random.uniform(0, 0.5)
            for gate, error in zip(callers.gates, (behind, ahead), strict=True):
                callers.date_error = error
                gate.state()
        callers.now = floor(callers.now) + phase / 20
        spent_at, callers.date_error = callers.now, behind
        callers.play([Step(0, times=50, vendor_delay=1)])
        assert callers.sent[-1].counted_at - spent_at == pytest.approx(0.3)  # 50 ms until it leaves, and the transit
        callers.date_error = ahead
        while len(callers.sent) == 50:
            callers.now += MOMENT if callers.now - spent_at > WIDE.window else 0.3
            callers.ask(Step(1))
            if callers.now - spent_at <= WIDE.window:
                callers.gates[1].state()
        waited.append(callers.now - spent_at)
        first = [(sent.counted_at, sent.users) for sent in callers.sent]
        later = [(at + 0.1 * (number < 50), users) for number, (at, users) in enumerate(first)]
        worst, broken = max(worst, fullest(first, WIDE.window)), max(broken, fullest(later, WIDE.window))
    assert min(waited) <= WIDE.window + WIDE.guard - 1 / 3
    assert (worst, broken) == (WIDE.limit, WIDE.limit + 20)


def test_a_clock_that_steps_on_the_way_makes_no_use_of_its_grant() -> None:
    """A grant that was made by a measured time is not used when the time is in doubt before its response."""
    callers = measured_callers(TIGHT, [0.0], Random(1))
    assert callers.ask(Step(0, users=5)) is not None
    callers.patience = 0
    assert callers.ask(Step(0, users=5, step_to=-0.1)) is None
    assert (callers.refusals[-1].reason, callers.granted()) == ("late", 10)


def test_guard_is_just_enough() -> None:
    """Clocks as far off as the guard allows keep the promise to the last user; a little further, the same breaks it."""
    # A window is spent at the end of a slot by a clock that is behind, and counted as late as may be; the next is asked
    # for by a clock that is ahead, at the first moment at which it sees room.

    def fullest_with(skew: float) -> int:
        callers = Callers(WIDE, [-skew, skew])
        spent = Step(0, gap=WIDE.slot - MOMENT + skew, times=50, vendor_delay=1)
        callers.play([spent, Step(1, gap=MOMENT + WIDE.window + WIDE.guard - 2 * skew, vendor_delay=0)])
        assert len(callers.sent) == 51
        return fullest([(s.counted_at, s.users) for s in callers.sent], WIDE.window)

    assert fullest_with(SKEW) == WIDE.limit
    assert fullest_with(SKEW + 2 * MOMENT) == WIDE.limit + 20


@settings(max_examples=60, deadline=None)
@given(offsets=offsets, history=histories, gap=gaps, users=st.integers(1, 20), caller=st.integers(0, 3))
def test_room_is_granted_at_once(
    offsets: list[float], history: list[Step], gap: float, users: int, caller: int
) -> None:
    """After any history and gap, however old its copy, a caller with room in the true window is granted at once."""
    callers = Callers(TIGHT, offsets, patience=PATIENCE)
    callers.play(history)
    callers.now += gap
    in_use = sum(n for at, n in callers.charged if at > callers.now - REACH)
    if in_use + users <= TIGHT.limit:
        grant = callers.ask(Step(caller, users=users))
        assert grant is not None
        assert grant.users == users


@settings(max_examples=40, deadline=None)
@given(offsets=offsets, history=histories, gap=gaps, users=st.integers(1, 20))
def test_bulk_gets_what_is_left(offsets: list[float], history: list[Step], gap: float, users: int) -> None:
    """Bulk gets what it requests, or what is left of a small limit beside its headroom."""
    callers = Callers(TIGHT, offsets, patience=PATIENCE)
    callers.play(history)
    callers.now += gap
    room = TIGHT.limit - TIGHT.headroom - sum(n for at, n in callers.charged if at > callers.now - REACH)
    if room >= max(TIGHT.limit // MIN_SHARE, 1):
        grant = callers.ask(Step(0, lane=Lane.BULK, users=users))
        assert grant is not None
        assert min(users, room) <= grant.users <= users


@settings(max_examples=40, deadline=None)
@given(offsets=offsets, history=histories)
def test_everything_charged_is_counted_once(offsets: list[float], history: list[Step]) -> None:
    """The counter is the sum of what was charged: what was sent, and what lost replies left unused."""
    callers = Callers(TIGHT, offsets, patience=PATIENCE)
    callers.play(history)
    total = callers.granted() if callers.table.items else 0
    assert total == sum(n for _, n in callers.charged)
    assert total >= sum(sent.users for sent in callers.sent)


def test_lost_reply_is_charged_and_not_repeated() -> None:
    """A caller whose reply is lost does not know whether it was charged: it is, and the same charge is not repeated."""
    callers = Callers(TIGHT, [0.0])
    assert callers.ask(Step(0, users=7, fate=Fate.REPLY_LOST)) is None
    assert (callers.granted(), callers.sent) == (7, [])
    assert callers.refusals[0].reason == "unanswered"
    assert callers.refusals[0].retry_at > callers.now


def test_late_grant_is_charged_but_not_used() -> None:
    """A grant whose response comes too late to send within the spread is charged, and another one is requested."""
    callers = Callers(TIGHT, [0.0])
    late = Step(0, users=5, flight=0.2)
    assert callers.ask(late) is None
    assert (callers.sent, callers.granted()) == ([], 5)
    assert callers.refusals[0].reason == "late"


@pytest.mark.parametrize(("lane", "first", "last"), [(Lane.ON_DEMAND, 0.0, 0.1), (Lane.BULK, 0.1, 0.35)])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_a_waiter_retries_within_half_a_slot(lane: Lane, first: float, last: float, jitter: float) -> None:
    """Capacity frees in mid-slot: on-demand retries in the next tenth of a slot, bulk after it, all in time."""
    callers = Callers(WIDE, [0.0, 0.0], patience=70, jitter=jitter)
    callers.play([Step(0, times=50), Step(1, gap=1, lane=lane)])
    free_at = START + WIDE.slot + WIDE.guarded
    waited = callers.sent[-1].stamped_at - free_at
    assert waited == pytest.approx(first if jitter == 0 else last, abs=MOMENT)
    assert waited < WIDE.slot / 2
