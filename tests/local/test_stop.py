"""A run stops everything that it started, by process id, whenever it is asked to."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from infra.local.embedded_aws import PROJECT
from infra.local.options import read_options
from infra.local.ports import free_port
from tests.local.running import alive, running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_starts_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Synthesis, simulator and embedded AWS are gone, and the port is free again."""
    port = free_port()
    with running(tmp_path, {"LOCAL_PORT": str(port)}) as run:
        run.wait_for("the embedded AWS listens", 60)
        started = run.started()
        assert len(started) >= 2
        assert run.end(number) == 128 + number
    assert alive(started) == set()
    assert read_options({"LOCAL_PORT": str(port)}).port == port
    shutil.rmtree(PROJECT / ".local" / f"run-{port}")


def test_variables_that_make_no_sense_end_the_run_before_anything_starts(tmp_path: Path) -> None:
    """The exit status is 2 and the variable is named."""
    with running(tmp_path, {"ROSTER": "/no/such/file", "LOCAL_PORT": str(free_port())}) as run:
        assert run.process.wait(60) == 2
    assert run.output == "ROSTER: there is no file '/no/such/file'\n"
