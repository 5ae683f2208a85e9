"""The child process: it starts, answers, and ends with the process that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import simplejson
import urllib3

from infra.local.ports import free_port
from infra.local.simulator.process import QuotaConfig, Simulator, instant
from tests.waiting import GIVE_UP, until

PROJECT = Path(__file__).parents[3]


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


def test_it_ends_in_order_after_any_number_of_signals() -> None:
    """A second signal on the heels of the first does not interrupt the ending."""
    with Simulator(config=instant()) as simulator:
        process = simulator.process
        assert process is not None
        for _ in range(200):
            process.terminate()
        assert process.wait(GIVE_UP) == 0


def test_the_fixture_is_as_new(simulator: Simulator) -> None:
    """The shared fixture starts every test with nothing counted, no latency and no quota."""
    assert simulator.counters().calls == 0
    assert simulator.configure() == instant()


OWNER = """
import sys
from infra.local.simulator.process import Simulator
with Simulator(port=int(sys.argv[1])):
    print("started", flush=True)
    sys.stdin.read()
"""


def test_it_does_not_outlive_a_killed_owner() -> None:
    """A simulator whose owner is killed, and so never leaves the context, ends by itself."""
    port = free_port()
    owner = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-c", OWNER, str(port)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "started\n"
    left = Simulator(port=port)
    assert left.counters().calls == 0
    owner.kill()
    owner.communicate()
    until(lambda: _is_gone(left))
    left.pool.clear()


def _is_gone(simulator: Simulator) -> bool:
    try:
        simulator.counters()
    except urllib3.exceptions.HTTPError:
        return True
    return False


def test_the_command_reads_a_file(tmp_path: Path) -> None:
    """`python -m infra.local.simulator --port N --config FILE` runs with the configuration of the file."""
    config = instant(QuotaConfig(limit=7))
    file = tmp_path / "config.json"
    file.write_text(simplejson.dumps(config.to_json()), encoding="utf-8")
    simulator = Simulator(port=free_port())
    command = [sys.executable, "-m", "infra.local.simulator", "--port", str(simulator.port), "--config", str(file)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    assert process.stdout is not None
    assert process.stdout.readline() == f"The simulated MoEngage listens on {simulator.endpoint_url}\n"
    assert simulator.configure() == config
    simulator.pool.clear()
    process.terminate()
    process.communicate(timeout=GIVE_UP)
    assert process.returncode == 0
