"""A run that cannot start."""

from __future__ import annotations

from pathlib import Path

from infra.local.ports import free_port
from tests.local.running import running
from tests.waiting import GIVE_UP


def test_variables_that_make_no_sense_end_the_run_before_anything_starts(tmp_path: Path) -> None:
    """The exit status is 2 and the variable is named."""
    with running(tmp_path, {"ROSTER": "/no/such/file", "LOCAL_PORT": str(free_port())}) as run:
        assert run.process.wait(GIVE_UP) == 2
    assert run.output == "ROSTER: there is no file '/no/such/file'\n"
