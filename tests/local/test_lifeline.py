"""Processes that end with the one that they work for, killed or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from infra.local.processes.child import PROJECT
from tests.local.running import alive
from tests.waiting import until

SPAWNER = """
import multiprocessing, sys, time
from infra.local.processes.lifeline import end_with_spawner

def work():
    end_with_spawner()
    print(multiprocessing.current_process().pid, flush=True)
    time.sleep(600)

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work, daemon=True).start()
    time.sleep(600)
"""


def test_a_spawned_process_ends_with_a_killed_spawner(tmp_path: Path) -> None:
    """A worker of a benchmark does not outlive a run that is killed, whatever it is doing."""
    program = tmp_path / "spawner.py"
    program.write_text(SPAWNER)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as spawner:  # noqa: S603 - ours
        assert spawner.stdout is not None
        worker = int(spawner.stdout.readline())
        assert alive({worker})
        spawner.kill()
    until(lambda: not alive({worker}))
