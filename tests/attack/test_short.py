"""A short attack: real processes, every move of the adversary, and no partner is harmed.

What it asserts does not depend on how fast the machine is. Shares over a minute and percentiles do: `make attack`
measures those, and the shares' rule over any strategy is a property of its own (`tests/lookup/test_gaming.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.measure import HONEST
from tests.attack.run import SERVED, carried_out

SEED, SECONDS = 1, 20.0
MOVES = 27  # kinds that an adversary has
pytestmark = pytest.mark.second_half


def test_a_short_attack_harms_nobody(tmp_path: Path) -> None:
    """No gate closes, no limit is passed, no foreign data is seen, and each honest partner is served all the while."""
    figures = carried_out(SEED, SECONDS, tmp_path / "attack", lambda *_: None)
    counted = figures.to_json()
    assert {name: counted[name] for name in ("gate_closings", "over_limits", "foreign_data")} == {
        "gate_closings": 0,
        "over_limits": 0,
        "foreign_data": 0,
    }
    detail = figures.detail
    assert min(detail["users"][name] for name in HONEST) >= SERVED
    assert (detail["honest partners' refusals"], detail["reads that failed"]) == ({}, 0)
    assert detail["reads"] > 0
    # Every move was made, of which some were taken, some not granted, some about what is not its own, some wrong.
    assert len(detail["moves"]) == MOVES
    assert [failure for failure in detail["attacker's failures"] if failure.endswith(" 500")] == []
    answers = detail["attacker's answers"]
    for statuses in ((200, 201, 202), (403, 404), (400, 409, 422)):
        assert sum(answers.get(status, 0) for status in statuses) > 0, answers
