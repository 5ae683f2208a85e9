"""Whole processes, with what they used of the machine by the time they ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.light.stage import ROOT, Deployed


def cpu_of(command: list[str], environment: Mapping[str, str]) -> float:
    """Run a process to its end; return its CPU seconds, of all threads, user and system. Raises RuntimeError."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        process = os.posix_spawn(
            command[0], command, dict(environment), file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)]
        )
    finally:
        os.close(nowhere)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"{command[1:]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime


def first_event(deployed: Deployed, module: str, event: Path, *more: str) -> float:
    """Start a function instance that answers one event; return its CPU seconds."""
    program = str(Path(__file__).with_name("first_event.py"))
    return cpu_of([sys.executable, program, module, str(event), *more], environment_of(deployed))


def peak_mb(deployed: Deployed, module: str, event: Path) -> float:
    """Return the most memory that a function instance has by the time it has answered one event, in MB."""
    status = event.with_suffix(".peak")
    first_event(deployed, module, event, str(status))
    return int(status.read_text().split()[1]) * 1024 / 1_000_000


def environment_of(deployed: Deployed) -> dict[str, str]:
    """Return the environment of a function instance, which finds its bytecode on disk as in a deployed zip."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **deployed.environment, "PYTHONPATH": str(ROOT / "functions")}
