"""The pipeline beside what a user would pick instead: the same identifiers, the same strict quota, four processes."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count
from pathlib import Path

from infra.local.ministack.process import EmbeddedAws
from infra.local.simulator.process import (
    DATA_API_KEY,
    WORKSPACE_ID,
    LatencyConfig,
    QuotaConfig,
    Simulator,
    SimulatorConfig,
    WorkspaceConfig,
)
from lookup.ledger.model import LookupRecord, LookupState
from lookup.moengage.client import PATH
from lookup.quota import Quota
from tests.benchmarks.feeder.stage import FeederStage, team
from tests.benchmarks.gate.minimum import minimum_seconds
from tests.benchmarks.gate.plan import LATENCY, on_one_clock, quota_of_time
from tests.benchmarks.light.stage import ROOT
from tests.lookup.stage import Stage, deployed

OWN = "this pipeline"
PEERS = {"usual script": "usual_script.py", "dlt RESTClient": "dlt_client.py", "Airbyte CDK": "airbyte_client.py"}
ENVIRONMENT = ROOT / ".venv-bench"
FOLDER = Path(__file__).parent / "peers"
PROCESSES = 4
DUPLICATES, MISSING = 0.05, 0.10  # shares of all lines, and of all users
GIVE_UP = 900.0  # seconds
MOST_OF_CAPACITY = 0.5  # of what the machine can do
SLOWEST = 3.0  # quota seconds in a real second: a busy machine may not take all day
SAMPLE = 600  # identifiers by which the machine's capacity is measured
_accounts = count(700_000_000_000)


@dataclass(frozen=True, slots=True)
class Result:
    """How one contender fared. `doubled` users were sent to the vendor again after it had answered for them.

    `seconds` are those from the first call (of this pipeline: from the submission) to the last outcome: what a program
    imports before takes as long in scaled time, which would count tenfold.
    """

    seconds: float
    time_ratio: float
    calls: int
    refusals: int
    lost: int
    doubled: int
    lines: int

    def to_json(self) -> dict[str, float]:
        """Return it by name."""
        return {
            "time_ratio": round(self.time_ratio, 3),
            "calls": self.calls,
            "refusals": self.refusals,
            "lost": self.lost,
            "doubled": self.doubled,
            "lines": self.lines,
        }


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The results by contender, at `factor` quota seconds in a real second.

    `capacity` is how many users a second this pipeline serves on this machine, embedded AWS included, without a quota.
    `paced` is what its gate needs at least, in the quota's minimum: it sends evenly, and keeps a guard.
    """

    results: Mapping[str, Result]
    factor: float
    capacity: float
    paced: float


def measured(server: EmbeddedAws, *, identifiers: int, factor: float) -> SideBySide:
    """Run every contender alone, one after the other, with at most `factor` quota seconds in a real second."""
    capacity = _capacity(server)
    factor = within(capacity, factor)
    names = lines_of(identifiers)
    quota = quota_of_time(factor, Quota())
    results = {OWN: _own(server, names, quota, factor)}
    for title, program in PEERS.items():
        results[title] = _peer(FOLDER / program, names, quota, factor)
    users = len(set(names))
    return SideBySide(results, factor, capacity, minimum_seconds(quota, users) / least_seconds(quota, users))


def least_seconds(quota: Quota, users: int) -> float:
    """Return the least time in which a strict sliding window takes so many users: the last ones after whole windows."""
    return quota.window * ((users - 1) // quota.limit)


def within(capacity: float, factor: float) -> float:
    """Return how fast time may run: quota must be what all wait for, not the machine, whose half is enough for it."""
    held = capacity * MOST_OF_CAPACITY * Quota().window / Quota().limit
    return round(min(factor, max(SLOWEST, held)), 1)


def _capacity(server: EmbeddedAws) -> float:
    names = lines_of(SAMPLE)
    result = _own(server, names, on_one_clock(Quota(limit=1_000_000)), 1.0)
    return len(set(names)) / result.seconds


def lines_of(identifiers: int, seed: int = 7) -> list[str]:
    """Return so many lines in random order, of which `DUPLICATES` repeat another."""
    chance = random.Random(seed)
    distinct = [f"customer-{number:07}" for number in range(round(identifiers * (1 - DUPLICATES)))]
    lines = distinct + chance.choices(distinct, k=identifiers - len(distinct))
    chance.shuffle(lines)
    return lines


def lines_of_code(program: Path) -> int:
    """Count lines that are neither blank nor only a comment or the docstring of one line."""
    stripped = [line.strip() for line in program.read_text().splitlines()]
    return sum(bool(line) and not line.startswith(("#", '"""')) for line in stripped)


@contextmanager
def _vendor(quota: Quota, factor: float) -> Iterator[Simulator]:
    strict = QuotaConfig(mode="sliding", limit=quota.limit, window=quota.window, reset="absent")
    config = SimulatorConfig(
        workspaces={WORKSPACE_ID: WorkspaceConfig(quota=strict)},
        latency=LatencyConfig(mean=LATENCY / factor),
        not_found_share=MISSING,
    )
    with Simulator(config=config) as vendor:
        yield vendor


def _peer(program: Path, names: Sequence[str], quota: Quota, factor: float) -> Result:
    with _vendor(quota, factor) as vendor, tempfile.TemporaryDirectory() as folder:
        targets = [Path(folder) / f"{number}.ndjson" for number in range(PROCESSES)]
        processes = [
            _started(program, names[number::PROCESSES], vendor, target, factor) for number, target in enumerate(targets)
        ]
        codes = [process.wait(GIVE_UP) for process in processes]
        ended = time.time()
        if any(codes):
            raise RuntimeError(f"{program.name} ended with {codes}")
        answered = {json.loads(line)["identifier"] for target in targets for line in target.read_text().splitlines()}
        began = min(call.epoch for call in vendor.arrivals())
        return _result(vendor, names, answered, ended - began, quota, lines_of_code(program))


def _started(
    program: Path, names: Sequence[str], vendor: Simulator, target: Path, factor: float
) -> subprocess.Popen[bytes]:
    source = target.with_suffix(".txt")
    source.write_text("\n".join(names))
    facts = (f"{vendor.endpoint_url}{PATH}", WORKSPACE_ID, DATA_API_KEY, source, target, 1 / factor)
    command = [str(ENVIRONMENT / "bin/python"), str(program), *map(str, facts)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command line


def _own(server: EmbeddedAws, names: Sequence[str], quota: Quota, factor: float) -> Result:
    with _vendor(quota, factor) as vendor, deployed(server.session(str(next(_accounts))), vendor.endpoint_url) as bare:
        workspace = replace(bare.settings.workspaces["default"], quota=quota)
        stage = replace(bare, settings=replace(bare.settings, workspaces={"default": workspace}))
        with team(stage, factor, PROCESSES, 0):
            bench = FeederStage(stage, factor)
            started = time.time()
            bench.submit_lines("side-by-side", names, partner="acme")
            bench.watch(["side-by-side"], lambda seen: _is_over(seen["side-by-side"]))
            ended = bench.ledger.get("side-by-side")
        seconds = (ended.finished_at if ended and ended.finished_at else time.time()) - started
        return _result(vendor, names, _answered(stage), seconds, quota, USER_LINES)


USER_LINES = 2  # of a user: upload the file, post the lookup (docs/partners.md)


def _is_over(record: LookupRecord) -> bool:
    return record.state is LookupState.COMPLETED


def _answered(stage: Stage) -> set[str]:
    bodies = (stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=key)["Body"] for key in stage.keys("parts/"))
    records = [json.loads(line) for body in bodies for line in gzip.decompress(body.read()).splitlines()]
    return {one["identifier"] for one in records if one["outcome"] in {"found", "not_found"}}


def _result(
    vendor: Simulator, names: Sequence[str], answered: set[str], seconds: float, quota: Quota, lines: int
) -> Result:
    arrivals, distinct = vendor.arrivals(), set(names)
    refused = sum(call.status == HTTPStatus.TOO_MANY_REQUESTS for call in arrivals)
    accepted = sum(call.users for call in arrivals if call.status == HTTPStatus.OK)
    least = least_seconds(quota, len(distinct))
    return Result(
        seconds,
        seconds / least if least else 0.0,
        len(arrivals),
        refused,
        len(distinct - answered),
        max(0, accepted - len(distinct)),
        lines,
    )
