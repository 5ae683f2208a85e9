"""The true time by DynamoDB's `Date`: bounds that hold whatever the clocks do, and are narrow while nothing is odd."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import floor
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookup.gate.server_time import (
    DOUBT_SECONDS,
    DRIFT,
    KEPT_SECONDS,
    STEADY,
    USEFUL,
    ServerTime,
    TimeBounds,
)

SKEW = 0.25
ERROR = 0.02  # of hosts' clocks
START = 1_800_000_000.0


@dataclass
class Machine:
    """A process's clocks in true time: the wall clock is `offset` off, the steady one began `begun` and runs `fast`."""

    offset: float = 0.0
    begun: float = START - 1000
    fast: float = 0.0
    frozen: float = 0.0  # seconds that the steady clock has missed
    now: float = START

    def __post_init__(self) -> None:
        self.time = ServerTime(SKEW, lambda: self.now + self.offset, self.steady)

    def steady(self) -> float:
        return (self.now - self.begun) * (1 + self.fast) - self.frozen

    def ask(self, there: float = 0.004, back: float = 0.004, error: float = 0.0) -> TimeBounds:
        """Ask DynamoDB, whose host's clock is `error` off; return the bounds after it."""
        sent_at = self.steady()
        self.now += there
        date = float(floor(self.now + error))
        self.now += back
        self.time.observe(sent_at, date)
        return self.time.bounds()

    def holds(self) -> bool:
        bounds = self.time.bounds()
        return bounds.earliest - 1e-5 <= self.now <= bounds.latest + 1e-5


moves = st.lists(
    st.tuples(
        st.floats(0, 3) | st.floats(0, 0.2) | st.floats(0, 200),  # seconds until the request
        st.floats(0, 0.2) | st.floats(0, 1),  # on its way there
        st.floats(0, 0.2) | st.floats(0, 1),  # and back
        st.floats(-ERROR, ERROR),  # of the host's clock
        st.none() | st.floats(-SKEW, SKEW),  # a step of the wall clock, before the request
        st.none() | st.floats(0.05, 30),  # a freeze: the steady clock stands still
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(offset=st.floats(-SKEW, SKEW), fast=st.floats(-DRIFT, DRIFT), history=moves)
def test_bounds_hold(
    offset: float,
    fast: float,
    history: list[tuple[float, float, float, float, float | None, float | None]],
) -> None:
    """While the wall clock stays within the skew, steps or not, the true time is always within the bounds."""
    machine = Machine(offset, fast=fast)
    for gap, there, back, error, step, freeze in history:
        machine.now += gap
        if freeze is not None:
            machine.now += freeze
            machine.frozen += freeze
        elif step is not None:  # not both at once: see the last test
            machine.offset = step
        assert machine.holds()
        machine.ask(there, back, error)
        assert machine.holds()


@pytest.mark.parametrize("offset", [-SKEW, -0.1, 0.0, 0.2, SKEW])
def test_many_answers_leave_little_doubt(offset: float) -> None:
    """After forty answers at random points of their seconds the bounds are little wider than errors and trips."""
    machine, chance = Machine(offset), Random(7)
    for _ in range(40):
        machine.now += chance.uniform(0, 1)
        bounds = machine.ask(error=chance.uniform(-ERROR, ERROR))
    assert bounds.is_measured
    assert bounds.latest - bounds.earliest <= 2 * ERROR + 0.008 + 0.1


def measured(offset: float = 0.0) -> Machine:
    machine, chance = Machine(offset), Random(3)
    for _ in range(60):
        machine.now += chance.uniform(0, 1)
        machine.ask()
    assert machine.time.bounds().is_measured
    return machine


def assumed(machine: Machine) -> TimeBounds:
    wall = machine.now + machine.offset
    return TimeBounds(wall - SKEW, wall + SKEW)


@pytest.mark.parametrize("step", [-0.2, -0.03, 0.03, 0.2])
def test_a_step_ends_the_measure_at_once(step: float) -> None:
    """When the wall clock has stepped, all of the skew is assumed again before any answer."""
    machine = measured()
    machine.offset = step
    assert machine.time.bounds() == assumed(machine)


def test_a_freeze_ends_the_measure_at_once() -> None:
    """When the process was frozen and its steady clock with it, all of the skew is assumed again."""
    machine = measured()
    machine.now += 5
    machine.frozen += 5
    assert machine.time.bounds() == assumed(machine)


@pytest.mark.parametrize("began_later", [5000.0, -5000.0])
def test_a_snapshot_goes_on_on_another_machine(began_later: float) -> None:
    """After a restore on a machine that began to count at another time, all begins anew, and old answers go as ever."""
    machine, chance = measured(), Random(3)
    machine.now += 3600
    machine.begun += began_later
    machine.offset = 0.1
    assert machine.time.bounds() == assumed(machine)
    for _ in range(60):
        machine.now += chance.uniform(0, 1)
        machine.ask()
    assert machine.time.bounds().is_measured
    assert machine.holds()
    machine.now, machine.frozen, machine.offset = machine.now + 0.2, machine.frozen + 0.2, machine.offset - 0.2
    until = machine.now + 2 * KEPT_SECONDS + 2
    while machine.now < until:
        machine.now += chance.uniform(0, 1)
        machine.ask()
    assert machine.holds()


def test_a_contradiction_ends_the_measure_for_a_minute() -> None:
    """Answers that cannot both be right are no measure: nothing is believed for a minute, then it begins anew."""
    machine, chance = measured(), Random(5)
    machine.now = float(floor(machine.now)) + 0.5
    machine.ask(error=0.8)  # a host whose clock is far off names the next second
    since = machine.now
    while machine.now < since + DOUBT_SECONDS - 2:
        assert machine.time.bounds() == assumed(machine)
        machine.now += chance.uniform(0, 1)
        machine.ask()
    for _ in range(100):
        machine.now += chance.uniform(0, 1)
        machine.ask()
    assert machine.time.bounds().is_measured


def test_old_answers_count_less_and_less() -> None:
    """The bounds widen with the time since the last answer, and end when they are too wide to be of use."""
    machine = measured()
    widths = []
    for _ in range(8):
        machine.now += 60
        bounds = machine.time.bounds()
        widths.append((bounds.latest - bounds.earliest, bounds.is_measured))
    assert all(one <= other for (one, _), (other, _) in pairwise(widths))
    assert (widths[0][1], widths[-1]) == (True, (2 * SKEW, False))
    assert max(width for width, is_measured in widths if is_measured) <= USEFUL * SKEW


@pytest.mark.parametrize("offset", [-0.9, 0.6])
def test_a_clock_beyond_the_skew_is_trusted_less(offset: float) -> None:
    """When answers show that the wall clock is further off than assumed, the bounds hold the true time all the same."""
    machine = Machine(offset)
    chance = Random(3)
    for _ in range(60):
        machine.now += chance.uniform(0, 1)
        machine.ask()
    bounds = machine.time.bounds()
    assert machine.holds()
    assert not bounds.is_measured
    assert bounds.latest - bounds.earliest > 2 * SKEW


def test_small_differences_between_the_clocks_widen_the_bounds() -> None:
    """What the wall clock has moved against the steady one, within the tolerance, is in the bounds."""
    machine = measured()
    before = machine.time.bounds()
    machine.offset = STEADY * SKEW * 0.9
    after = machine.time.bounds()
    assert after.is_measured
    assert after.latest - after.earliest == pytest.approx(before.latest - before.earliest + machine.offset, abs=1e-5)


@pytest.mark.parametrize("halt", [0.1, 0.2])
def test_a_machine_that_stood_still_is_wrong_for_six_minutes_at_most(halt: float) -> None:
    """When both clocks have stood still together, unknown to each other, that is over when older answers are."""
    for seed in range(10):
        machine, chance = measured(), Random(seed)
        machine.now += halt
        machine.frozen += halt
        machine.offset -= halt
        until = machine.now + 2 * KEPT_SECONDS + 2
        while machine.now < until:
            machine.now += chance.uniform(0, 0.5)
            machine.ask()
        assert machine.holds()
