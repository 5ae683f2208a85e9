"""What the gate reaches in a model of its world, minute by minute of virtual time. Figures of `docs/gate.md`."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from lookup.gate.limiter import GateEvent
from lookup.model import Lane
from lookup.quota import Quota
from tests.lookup.gate.callers import fullest
from tests.lookup.gate.world import World

WARM_UP, MEASURED = 4 * Quota().best_cycle, 6 * Quota().best_cycle


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def saturated(workers: int, on_demand_rate: float, seed: int, **other: Any) -> tuple[World, float]:
    """Run bulk workers with endless work; give the world and the share of the quota used."""
    world = World(seed, **other)
    for _ in range(workers):
        world.time.spawn(world.work)
    if on_demand_rate:
        world.time.spawn(lambda: world.arrive(on_demand_rate))
    since = world.time.now + WARM_UP
    world.time.run(WARM_UP + MEASURED)
    return world, world.share_used(since)


@pytest.mark.parametrize(("workers", "seed"), [(2, 1), (8, 2)])
def test_bulk_alone_uses_the_quota(workers: int, seed: int) -> None:
    """Bulk alone uses 98 % of the quota at a strict vendor without one refusal."""
    world, used = saturated(workers, 0, seed)
    assert world.vendor.refusals == 0
    assert 0.98 <= used <= 1


def test_clocks_that_cannot_be_measured_cost_a_slot() -> None:
    """Processes that cannot measure the time use 96 % of the quota, by all of the guard."""
    world, used = saturated(8, 0, seed=2, is_steady=False)
    assert world.vendor.refusals == 0
    assert 0.96 <= used <= 0.98


@pytest.mark.parametrize("limit", [30, 50, 90])
def test_small_limits_are_used_too(limit: int) -> None:
    """Of a limit that full payloads do not fit into, nine tenths are used all the same."""
    world, used = saturated(2, 0, seed=3, quota=Quota(limit=limit))
    assert world.vendor.refusals == 0
    assert 0.9 <= used <= 1


def test_two_workers_ask_at_most_twice_for_a_payload() -> None:
    """Two workers need at most 2.0 gate requests per granted bulk payload, refusals and reads included."""
    world, _ = saturated(2, 0, seed=3)
    assert world.seen[GateEvent.GATE_REQUEST, Lane.ON_DEMAND] == 0
    requests = world.seen[GateEvent.GATE_REQUEST, Lane.BULK] + world.seen[GateEvent.GATE_REQUEST, None]
    assert requests == len(world.table.requests)
    assert requests / len(world.granted) <= 2.0


@pytest.mark.parametrize(("workers", "requests", "seed"), [(2, 2.0, 4), (8, 6.0, 5)])
def test_on_demand_does_not_wait_behind_bulk(workers: int, requests: float, seed: int) -> None:
    """With two on-demand calls a second beside saturating bulk: 96 % used, no refusal, wait under 50 ms at p99."""
    world, used = saturated(workers, 2, seed)
    assert world.vendor.refusals == 0
    assert used >= 0.96
    assert percentile(world.waits, 0.99) <= 0.05
    assert world.requests_per_bulk_payload() <= requests


def beside(rate: float, users: int, *, since: float) -> World:
    """Run bulk of processes that measure the time, beside on-demand requests of some that cannot, from a time on."""
    world = World(3)
    for _ in range(8):
        world.time.spawn(world.work)

    def new_processes() -> None:
        world.is_steady = False
        world.arrive(rate, users)

    world.time.spawn(new_processes, after=since)
    world.time.run(WARM_UP + MEASURED)
    assert world.vendor.refusals == 0
    return world


@pytest.mark.parametrize(("rate", "users"), [(2, 1), (0.5, 4)])
def test_callers_who_cannot_measure_do_not_wait_for_bulk_that_can(rate: float, users: int) -> None:
    """On-demand requests that see capacity come free later than bulk does find some all the same."""
    world = beside(rate, users, since=0.5)
    assert percentile(world.waits[len(world.waits) // 4 :], 0.99) <= 0.05
    assert world.share_used(world.time.now - MEASURED) >= 0.96


@pytest.mark.parametrize("users", [1, 4, 10])
def test_the_first_callers_after_a_quiet_time_are_seen(users: int) -> None:
    """The first on-demand requests beside bulk that took all it saw wait for three seconds at most, later ones not."""
    world = beside(0.5, users, since=WARM_UP)
    assert max(world.waits) <= 3
    assert percentile(world.waits, 0.8) <= 0.05


@pytest.mark.parametrize(
    ("slow", "least", "longest"), [({"round_trip": 0.6}, 0.9, 3), ({"serving": 0.12}, 0.88, 6)], ids=str
)
def test_slow_dynamodb_wastes_little(slow: dict[str, float], least: float, longest: float) -> None:
    """When the item answers later than the spread allows, far or busy, nearly all of the quota is used all the same."""
    world, used = saturated(8, 2, seed=10, **slow)
    assert world.vendor.refusals == 0
    assert used >= least
    assert percentile(world.waits, 0.99) <= longest
    assert world.turned_away <= 0.03 * len(world.waits)


def test_burst_of_200_is_served_within_half_a_window() -> None:
    """200 on-demand callers at once, while bulk saturates, are all granted within 30 seconds."""
    world = World(6)
    for _ in range(8):
        world.time.spawn(world.work)
    for process in [world.process() for _ in range(200)]:
        world.time.spawn(partial(world.ask_on_demand, *process, 1), after=200)
    world.time.run(260)
    assert len(world.waits) == 200
    assert max(world.waits) <= 30
    assert world.vendor.refusals == 0


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_lone_job_is_as_fast_as_the_pace(workers: int) -> None:
    """A job of 1,000 users on an idle quota is over within a minute, however many workers share it."""
    world, ends = World(7), list[float]()
    started = world.time.now

    def work() -> None:
        world.work(1000 // workers)
        ends.append(world.time.now - started)

    for _ in range(workers):
        world.time.spawn(work)
    world.time.run(120)
    assert len(ends) == workers
    assert max(ends) <= 60
    assert fullest(world.vendor.accepted, 60) == 1000


def test_somebody_else_spends_the_quota() -> None:
    """When others spend 300 users a minute, a 429 lowers the limit: calls go on, and refusals stay rare."""
    world = World(8)

    def others() -> None:
        while True:
            world.vendor.accept(5, world.time.now)
            world.time.sleep(1)

    for task in (others, world.work, world.work):
        world.time.spawn(task)
    world.time.run(900)
    assert 1 <= world.throttled <= 10
    assert world.throttled <= 0.02 * len(world.granted)
    ours = sum(users for _, lane, users in world.granted if lane is Lane.BULK)
    assert ours >= 0.5 * 1000 * 15


def test_clocks_beyond_the_guard_end_in_the_429_path() -> None:
    """Clocks further off than the guard covers are refused by the vendor; the gate closes, and goes on slower."""
    world = World(9, Quota(clock_skew=0.0, guard=0.5))
    for _ in range(4):
        world.time.spawn(lambda: world.work(250, lane=Lane.ON_DEMAND, offset=-0.5))
    for _ in range(16):
        world.time.spawn(lambda: world.work(lane=Lane.ON_DEMAND, offset=0.5), after=55)
    world.time.run(700)
    assert fullest(world.vendor.accepted, 60) <= 1000
    assert world.vendor.refusals >= 1
    assert 1 <= world.seen[GateEvent.CLOSED, None] <= world.vendor.refusals
    assert world.share_used(world.time.now - 310) >= 0.8
