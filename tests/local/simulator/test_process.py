"""The child process: it starts, answers, and ends with whoever started it."""

from __future__ import annotations

import pytest
import urllib3

from infra.local.simulator.process import Simulator, instant


def test_it_answers_while_inside_and_not_after() -> None:
    """A simulator answers as soon as the context is entered, and its process is gone when it is left."""
    with Simulator(config=instant()) as simulator:
        process = simulator.process
        assert process is not None
        assert process.poll() is None
        assert simulator.counters().calls == 0
    assert process.returncode == 0
    with pytest.raises(urllib3.exceptions.HTTPError):
        simulator.counters()


def test_the_fixture_is_as_new(simulator: Simulator) -> None:
    """The shared fixture starts every test with nothing counted, no latency and no quota."""
    assert simulator.counters().calls == 0
    assert simulator.configure() == instant()
