"""The processes of a run are real ones: each has its own clock and variables, and one that is killed is replaced."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

import on_queue
from tests.benchmarks.feeder.stage import environment_of
from tests.chaos.plan import SKEW
from tests.chaos.process import ProcessFacts, begin
from tests.chaos.processes import Job, Processes, ProcessSlot
from tests.local.running import alive
from tests.lookup.conftest import stage
from tests.lookup.stage import Stage
from tests.waiting import until

__all__ = ["stage"]

STARTED_AGO = 1000.0  # real seconds


def about_itself(environment: Mapping[str, str], facts: ProcessFacts, connection: Connection) -> None:
    """Answer with what the process knows of itself, and leave a line in its log."""
    begin(environment, facts)
    while connection.recv_bytes():
        sys.stdout.write(f"start {facts.start}\n")
        answer = {"pid": os.getpid(), "start": facts.start, "variables": sorted(os.environ)}
        connection.send_bytes(json.dumps({"answer": answer}).encode())


def its_clock(environment: Mapping[str, str], facts: ProcessFacts, connection: Connection) -> None:
    """Answer with the time that the queues' function works with."""
    begin(environment, facts)
    while connection.recv_bytes():
        connection.send_bytes(json.dumps({"answer": on_queue.services().clock()}).encode())


@contextmanager
def running(folder: Path, job: Job, environment: Mapping[str, str]) -> Iterator[ProcessSlot]:
    facts = {"seed": 1, "identifiers": 400, "started": time.time() - STARTED_AGO}
    processes = Processes(environment, facts, folder)
    yield processes.slot("one", job)
    processes.end()


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[ProcessSlot]:
    with running(tmp_path, about_itself, {"AWS_DEFAULT_REGION": "eu-central-1"}) as slot:
        yield slot


def asked(slot: ProcessSlot) -> dict[str, Any]:
    told = slot.invoke({})
    assert told is not None
    facts: dict[str, Any] = told["answer"]
    return facts


def test_one_that_is_killed_is_replaced(slot: ProcessSlot) -> None:
    """SIGKILL ends a process and no other; the next one at its post is new, and what the first printed is kept."""
    first = asked(slot)
    assert first["pid"] != os.getpid()
    assert slot.kill()
    until(lambda: slot.process is not None and not slot.process.is_alive())
    assert not alive({first["pid"]})
    second = asked(slot)
    assert (first["start"], second["start"]) == (0, 1)
    assert second["pid"] != first["pid"]
    assert (slot.folder / "one.log").read_text().split("\n") == ["start 0", "start 1", ""]


def test_the_functions_live_in_service_time(stage: Stage, tmp_path: Path) -> None:
    """The clock of a function runs faster than real time, although it was imported before the process had its clock."""
    with running(tmp_path, its_clock, environment_of(stage)) as slot:
        told = slot.invoke({})
    assert told is not None
    assert told["answer"] - time.time() > STARTED_AGO - SKEW


def test_a_process_has_the_variables_of_its_stage_only(slot: ProcessSlot) -> None:
    """Whatever the environment of the tests has, an instance sees what a function would."""
    assert set(asked(slot)["variables"]) - {"LC_CTYPE"} <= {"PATH", "HOME", "LANG", "AWS_DEFAULT_REGION"}
