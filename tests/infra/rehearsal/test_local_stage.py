"""`make rehearse STAGE=local`, carried out: the whole life of a stage, by the commands that a real account is given."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from infra.app import ROOT
from infra.local.processes import child
from infra.rehearsal.service import HOPS
from lookup.model import PART_LIMIT

CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
SIZE = (HOPS + 1) * PART_LIMIT  # the least that shows what Lambda's loop detection would drop
LONGEST = 3600.0  # seconds: what a rehearsal may take anywhere
OWN = ("AWS_", "MOENGAGE_", "MAKE", "MFLAGS", "CDK_", "IDENTIFIERS", "KEEP", "UNCHECKED", "SYNTHESISED")
pytestmark = pytest.mark.second_half
LINE = re.compile(r"^(pass|skip|FAIL)  (.+?) +[\d.]+ s  (.*)$", re.MULTILINE)
SKIPPED = {"account: network", "account: services", "upload, late", "alarm", "table restore"}


def test_a_local_stage_passes_its_rehearsal(tmp_path: Path) -> None:
    """Every step passes but those that the embedded AWS cannot show, which are skipped by name and explained."""
    if not CLI.exists():
        pytest.skip("`make test` fetches the CDK's CLI")
    said = _rehearsed(tmp_path / "rehearsal.log")
    verdicts = {name: verdict for verdict, name, _ in LINE.findall(said)}
    assert {name: verdict for name, verdict in verdicts.items() if verdict == "FAIL"} == {}, said
    assert {name for name, verdict in verdicts.items() if verdict == "skip"} == SKIPPED
    assert set(verdicts) == {"upload, requested", "roster, begun", "destroy", *_documented()}
    texts = {name: text for _, name, text in LINE.findall(said)}
    assert texts["roster, ended"].startswith(f"{SIZE} outcomes of {SIZE} requested, 0 failed")
    assert said.splitlines()[-1] == "passed: local"


def _rehearsed(log: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    command = [sys.executable, "-m", "infra.rehearsal"]
    with log.open("wb") as output:
        process = child.start(
            [sys.executable, "-m", "infra.local.processes.lifeline", *command],
            output=output,
            environment=environment | {"STAGE": "local", "SIZE": str(SIZE)},
        )
        try:
            status = process.wait(LONGEST)
        finally:
            child.end(process)
    said = log.read_text()
    assert status == 0, said
    return said


def _documented() -> set[str]:
    """Return the names of the steps that docs/rehearsal.md explains: all that can show something."""
    table = (ROOT / "docs" / "rehearsal.md").read_text().partition("## The steps")[2]
    return set(re.findall(r"^\| ([a-zA-Z][^|]*?) \|", table, re.MULTILINE)) - {"Step"}
