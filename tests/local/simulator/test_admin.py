"""The admin route, through its Python side."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Fault, LatencyConfig, QuotaConfig, Simulator, SimulatorConfig, WorkspaceConfig
from tests.local.simulator.calling import Asker


def test_a_rotated_key_kills_the_old_one(simulator: Simulator, ask: Asker) -> None:
    """From one call to the next the old key is 401 and the new one works."""
    assert ask("C-1").status == 200
    simulator.rotate_key("new-key")
    assert [ask("C-1").status, ask("C-1", key="new-key").status] == [401, 200]


def test_a_changed_quota_keeps_what_is_in_use(simulator: Simulator, ask: Asker) -> None:
    """Raising or lowering the limit does not empty the window."""
    simulator.set_quota(mode="sliding", limit=2)
    assert [ask("C-1", "C-2").status, ask("C-3").status] == [200, 429]
    simulator.set_quota(limit=3)
    assert [ask("C-3").status, ask("C-4").status] == [200, 429]
    simulator.set_quota(mode="off")
    assert ask("C-4").status == 200


@pytest.mark.parametrize("reading", ["seconds_left", "epoch", "absent"])
def test_rate_limit_headers(reading: str, simulator: Simulator, ask: Asker) -> None:
    """The headers count requests of 20 users; `reset` is seconds left or epoch seconds, or all three are absent."""
    simulator.set_quota(mode="sliding", limit=100, window=60.0, reset=reading)
    began = time.time()
    answers = [ask(*["C-1"] * 20) for _ in range(6)]
    took = time.time() - began
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    for number, answer in enumerate(answers):
        limits = {name: int(value) for name, value in answer.headers.items() if name.startswith("x-ratelimit")}
        if reading == "absent":
            assert limits == {}
            continue
        assert (limits["x-ratelimit-limit"], limits["x-ratelimit-remaining"]) == (5, max(0, 4 - number))
        start = began if reading == "epoch" else 0.0
        assert start + 59 - took < limits["x-ratelimit-reset"] <= start + took + 61


def test_a_set_user_is_answered_as_set(simulator: Simulator, ask: Asker) -> None:
    """A user's attributes, or its absence, can be set, by either type of identifier and for one workspace."""
    simulator.configure(workspaces={"OTHER": {"data_api_key": "k2"}})
    simulator.set_user("C-1", {"name": "Zoë", "n": None})
    mine = ask("C-1").users[0]
    assert (mine["customer_id"], mine["name"], mine["n"], len(mine)) == ("C-1", "Zoë", None, 4)
    assert ask(mine["id"], identifier_type="id").users == [mine]
    assert ask("C-1", user="OTHER", key="k2").users != [mine]
    simulator.set_user(mine["id"], None, identifier_type="id")
    assert ask("C-1").not_found == [("customer_id", "C-1")]
    simulator.set_user("C-1", {"customer_id": "merged"}, exact=True)
    assert ask("C-1").users == [{"customer_id": "merged"}]


numbers = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(attributes=st.dictionaries(st.text(), values, max_size=5))
def test_set_attributes_keep_every_digit(
    attributes: dict[str, object], simulator_process: Simulator, ask: Asker
) -> None:
    """Numbers of any length, unicode, nulls and nesting come back as they were set."""
    simulator_process.set_user("C-1", attributes, exact=True)
    assert ask("C-1").users == [attributes]


def test_digits_are_kept_as_written(simulator: Simulator, ask: Asker) -> None:
    """Not even a trailing zero is lost."""
    simulator.set_user("C-1", {"price": Decimal("1.10"), "long": Decimal("0.12345678901234567890123456789012345678")})
    assert b'"price":1.10,"long":0.12345678901234567890123456789012345678' in ask("C-1").body


def test_versions_change_users(simulator: Simulator, ask: Asker) -> None:
    """One user's version, or every user's, moves on; read twice, a version is the same."""
    simulator.configure(not_found_share=0.0)
    first = {name: ask(name).users for name in ("C-1", "C-2")}
    simulator.set_version(1, "C-1")
    assert ask("C-1").users != first["C-1"]
    assert ask("C-2").users == first["C-2"]
    simulator.set_version(2)
    assert ask("C-2").users != first["C-2"]
    simulator.set_version(0, "C-1")
    assert ask("C-1").users == first["C-1"]


def test_reset_forgets_everything(simulator: Simulator, ask: Asker) -> None:
    """After a reset the simulator is as it was started, but for what the reset lays over it."""
    simulator.rotate_key("new-key")
    simulator.set_faults(Fault(status=503))
    simulator.set_user("missing-1", {})
    simulator.configure(not_found_share=1.0)
    simulator.reset(workspaces={"SIMULATED_WORKSPACE": {"quota": {"mode": "sliding", "limit": 1}}})
    assert (simulator.counters().calls, simulator.arrivals()) == (0, [])
    assert ask("missing-1").not_found == [("customer_id", "missing-1")]
    assert ask("missing-1").status == 429


def test_nonsense_is_refused(simulator: Simulator) -> None:
    """An unknown setting, mode or workspace is an error that says so, and changes nothing."""
    before = simulator.configure()
    with pytest.raises(ValueError, match="latencies"):
        simulator.configure(latencies={})
    with pytest.raises(ValueError, match="quota"):
        simulator.set_quota(mode="leaky")
    with pytest.raises(ValueError, match="NOWHERE"):
        simulator.rotate_key("key", workspace_id="NOWHERE")
    assert simulator.configure() == before


def test_a_configuration_survives_its_json_form() -> None:
    """Every setting reaches the process unchanged."""
    config = SimulatorConfig(
        workspaces={
            "A": WorkspaceConfig("k", "root", "id", QuotaConfig("fixed", 10, 6.0, count_refused=True, reset="epoch"))
        },
        latency=LatencyConfig(0.1, "uniform", 0.05, 7),
        not_found_share=0.5,
        log_identifiers=False,
    )
    assert SimulatorConfig.from_json(config.to_json()) == config


def test_keys_are_not_shown() -> None:
    """The repr of a configuration holds no key."""
    assert "secret-key" not in repr(SimulatorConfig(workspaces={"A": WorkspaceConfig("secret-key")}))
