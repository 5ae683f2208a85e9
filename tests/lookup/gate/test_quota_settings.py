"""Quota settings that make no sense fail at start, with the setting's name and its rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lookup.errors import Misconfigured, UnknownWorkspace
from lookup.gate.limiter import WorkspaceGates
from lookup.quota import RING_SLOTS, Quota
from lookup.settings import Workspace
from tests.lookup.gate.fake_table import FakeTable

TENTH: dict[str, Any] = {
    "window": 6.0,
    "clock_skew": 0.025,
    "send_spread": 0.05,
    "transit": 0.025,
    "guard": 0.1,
}


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        ({"limit": 0}, "quota.limit"),
        ({"limit": 10_000_000}, "quota.limit"),
        ({"limit": "1000"}, "quota.limit"),
        ({"limit": 90.5}, "quota.limit"),
        ({"headroom": 20.0}, "quota.headroom"),
        ({"quiet_headroom": 2.5}, "quota.quiet_headroom"),
        ({"window": 0.5}, "quota.window"),
        ({"window": float("nan")}, "quota.window"),
        ({"window": 10**400}, "quota.window"),
        ({"window": 86_401, "pace_window": 3000}, "quota.window"),
        ({"limit": 10**400}, "quota.limit"),
        ({"headroom": 1000}, "quota.headroom"),
        ({"headroom": -1}, "quota.headroom"),
        ({"limit": 20}, "quota.headroom"),
        ({"quiet_headroom": 21}, "quota.quiet_headroom"),
        ({"clock_skew": -0.1}, "quota.clock_skew"),
        ({"clock_skew": 0.51, "guard": 2}, "quota.clock_skew"),
        ({"guard": 0.9}, "quota.guard"),
        ({"guard": 60.5}, "quota.guard"),
        ({"transit": 0.0}, "quota.transit"),
        ({"transit": 0.5}, "quota.send_spread"),
        ({"send_spread": 10**400}, "quota.send_spread"),
        ({"pace_window": 0.5}, "quota.pace_window"),
        ({"pace_factor": 0.9}, "quota.pace_factor"),
        ({"smooth_factor": 0.9}, "quota.smooth_factor"),
        ({"pace_factor": 1e308}, "quota.pace_factor"),
        ({"smooth_factor": 1_000_001}, "quota.smooth_factor"),
    ],
)
def test_senseless_settings_fail_by_name(values: dict[str, Any], setting: str) -> None:
    """Each invalid value raises `Misconfigured` with the setting and the rule."""
    with pytest.raises(Misconfigured, match="must") as caught:
        Quota(**values)
    assert caught.value.setting == setting


def test_settings_scale() -> None:
    """A quota ten times as fast is as valid as the real one."""
    assert Quota(**TENTH, pace_window=0.3).limit == 1000


@given(window=st.floats(1, 3600), skew=st.floats(0, 0.5), spread=st.floats(0.01, 1), spare=st.floats(0, 1))
def test_a_window_is_whole_slots_and_a_half(window: float, skew: float, spread: float, spare: float) -> None:
    """Whatever counts for a grant is whole slots and a half, and as many as the item holds for clocks that far off."""
    guard = 2 * skew + spread + spare
    assume(guard <= window / 2)
    quota = Quota(
        window=window, clock_skew=skew, send_spread=spread, transit=spread / 2, guard=guard, pace_window=window / 2
    )
    slots = (window + guard) / quota.slot
    assert slots % 1 == pytest.approx(0.5)
    ring = slots * (window + guard + 2 * skew) / (window + guard)
    assert RING_SLOTS - 2 < ring <= RING_SLOTS + 1e-6
    assert quota.cycle == pytest.approx((slots + 0.5) * quota.slot)


def test_unknown_workspace_is_an_error_before_any_charge() -> None:
    """A workspace that is not configured is refused without one request to the table."""
    table = FakeTable(lambda: 0.0)
    gates = WorkspaceGates(table, "ledger", {"default": Workspace("secret")}, lambda: 0.0, lambda _: None)  # type: ignore[arg-type]  # stands for the client
    with pytest.raises(UnknownWorkspace, match="workspace: is not configured"):
        gates.of("other")
    assert table.requests == []
    assert gates.of("default") is gates.of("default")
