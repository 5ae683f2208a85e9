"""`make run` ends at any signal, and leaves nothing: six moments here, fifty by `make interruptions`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from infra.local.processes.child import PROJECT
from tests.interruptions.interrupting import Sandbox, interrupted
from tests.interruptions.moments import DEPLOYED, STARTING, Moment, moments
from tests.local.running import alive, mentioning, started_by
from tests.waiting import until

SEED = 2
SHORT = moments(SEED, 1, [DEPLOYED]) + moments(SEED, 5, STARTING)
FIRST_HALF = 2


@pytest.mark.parametrize(
    "moment",
    [*SHORT[:FIRST_HALF], *(pytest.param(one, marks=pytest.mark.second_half) for one in SHORT[FIRST_HALF:])],
    ids=str,
)
def test_a_run_ends_at_any_moment_and_leaves_nothing(moment: Moment, tmp_path: Path) -> None:
    """The status is the signal's; no process, no port in use and no file outside the project's `.local` is left."""
    ending = interrupted(moment, tmp_path)
    assert ending.left == []
    assert ending.is_as_promised, f"status {ending.status}\n{ending.output}"


@pytest.mark.parametrize("by_make", [False, True])
def test_children_end_with_a_run_that_is_killed(by_make: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """Nothing of a run outlives SIGKILL, of the run itself or of the `make` that started it."""
    sandbox = Sandbox(PROJECT, tmp_path)
    moment = Moment("the embedded AWS listens", 0.0, (signal.SIGKILL,), 0.0, "make" if by_make else "python")
    process = sandbox.start(moment)
    sandbox.wait_for(process, moment.mark)
    seen = started_by(process.pid)
    assert len(seen) >= 2  # MoEngage and AWS; where no assembly is kept, its synthesis too
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not alive(seen | mentioning(str(tmp_path))))
    assert list(sandbox.left(seen)) == []
