"""Signals that end a process: none is lost, whatever the process is doing."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from infra.local.processes.child import PROJECT
from tests.waiting import GIVE_UP

PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.{hangup})
from infra.local.processes.interruption import Interrupted, Interruption
interruption = Interruption(lambda: print("killed", flush=True), grace={grace})
interruption.install_handlers()
print("started", flush=True)
{work}
"""
# As the callback of a weak reference, and as a library that takes whatever is raised for an error of its own.
SWALLOWING = """
class Swallowing:
    def __del__(self):
        time.sleep(0.05)
try:
    while True:
        del_me = Swallowing()
        del del_me
        interruption.sleep(0)
except Interrupted as end:
    sys.exit(end.status)
"""
HELD_UP = "[time.sleep(1) for _ in range(600)]"


def _ended(work: str, *numbers: signal.Signals, grace: float = 600.0, hangup: str = "SIG_DFL") -> tuple[int, str]:
    """Run a program, send it signals once it has started, and return its status and its last line."""
    command = [sys.executable, "-c", PROGRAM.format(grace=grace, work=work, hangup=hangup)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        for number in numbers:
            process.send_signal(number)
        status = process.wait(GIVE_UP)
        return status, process.stdout.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_not_lost_where_exceptions_are(number: signal.Signals) -> None:
    """A signal that arrives where Python drops every exception, as in `__del__`, ends the run in good order."""
    assert _ended(SWALLOWING, number) == (128 + number, "")


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    """Under `nohup` the end of the terminal ends nothing; the signal after it is the first one."""
    assert _ended(SWALLOWING, signal.SIGHUP, signal.SIGTERM, hangup="SIG_IGN") == (128 + signal.SIGTERM, "")


def test_a_second_signal_ends_at_once() -> None:
    """Whatever holds the process up, its children are killed and it ends with the status of one of the signals."""
    status, said = _ended(HELD_UP, signal.SIGTERM, signal.SIGINT)
    assert status in {128 + signal.SIGTERM, 128 + signal.SIGINT}
    assert said == "killed\n"


def test_the_grace_is_bounded() -> None:
    """One signal is enough, even for a process that is held up."""
    assert _ended(HELD_UP, signal.SIGINT, grace=0.2) == (128 + signal.SIGINT, "killed\n")
