"""The slots of the window as a gate's state tells them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lookup.gate.state import state_of
from lookup.gate.window import Snapshot, slot_of
from lookup.model import Lane
from lookup.quota import Quota

QUOTA = Quota()
NOW = 1_800_000_000.0
SLOT = slot_of(QUOTA, NOW)
GRANTS = st.lists(
    st.tuples(st.integers(0, 55), st.sampled_from(list(Lane)), st.integers(1, 20)), min_size=1, max_size=60
)


def snapshot_of(grants: list[tuple[int, Lane, int]]) -> Snapshot:
    """Return the item after these grants: slots before now, lane and users, in the order of writing."""
    granted, on_demand = 7, 3
    baselines: dict[int, int] = {}
    groups: dict[int, int] = {}
    for ago, lane, users in grants:
        baselines.setdefault(SLOT - ago, granted)
        granted += users
        if lane is Lane.ON_DEMAND:
            groups.setdefault((SLOT - ago) // 10, on_demand)
            on_demand += users
    return Snapshot(granted=granted, baselines=baselines, on_demand=on_demand, on_demand_baselines=groups)


@given(GRANTS.map(lambda grants: sorted(grants, key=lambda one: -one[0])))
def test_steps_add_up_to_what_was_granted(grants: list[tuple[int, Lane, int]]) -> None:
    """Each slot has the users of its grants, and ten slots together those of each lane; steps are in order."""
    state = state_of(snapshot_of(grants), QUOTA, NOW)
    by_slot: dict[int, int] = {}
    for ago, _, users in grants:
        by_slot[SLOT - ago] = by_slot.get(SLOT - ago, 0) + users
    found = {round(step.start / QUOTA.slot): step for step in state.steps}
    assert {slot: step.on_demand + step.bulk for slot, step in found.items()} == by_slot
    for group in {slot // 10 for slot in by_slot}:
        shown = sum(step.on_demand for slot, step in found.items() if slot // 10 == group)
        assert shown == sum(
            users for ago, lane, users in grants if (SLOT - ago) // 10 == group and lane is Lane.ON_DEMAND
        )
    assert [step.start for step in state.steps] == sorted(step.start for step in state.steps)


@given(GRANTS)
def test_no_step_is_negative_whatever_the_order(grants: list[tuple[int, Lane, int]]) -> None:
    """Grants that take effect out of order, as callers' leads differ, leave steps that still add up."""
    copy = snapshot_of(grants)
    steps = state_of(copy, QUOTA, NOW).steps
    assert all(step.on_demand >= 0 and step.bulk >= 0 for step in steps)
    assert sum(step.on_demand + step.bulk for step in steps) == copy.granted - min(copy.baselines.values())
