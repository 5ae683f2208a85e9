"""A roster of a million: how long its acceptance takes, and the memory of every process that touches it."""

from __future__ import annotations

import gzip
import multiprocessing
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from lookup.ledger.model import LookupRecord, LookupSpec
from lookup.rosters.reader import RosterReader
from tests.benchmarks.feeder.stage import environment_of
from tests.benchmarks.feeder.workers import WorkerServices, enter, services
from tests.lookup.stage import Stage

SPOTS = 200  # places of a roster where a part is read
CONVERSION_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one roster: seconds until it was accepted; the most memory of the process that did that and fed it, in MB."""

    accept_seconds: float
    peak_mb: float
    entries_estimated: int
    fed: int


def roster(lines: int, *, packed: bool) -> bytes:
    """Write a roster of so many customers."""
    body = b"customer_id\n" + b"".join(b"customer-%07d\n" % number for number in range(lines))
    return gzip.compress(body, compresslevel=1) if packed else body


def cost(stage: Stage, lines: int, *, packed: bool) -> Cost:
    """Have a new process accept a roster, feed it and read it at many places."""
    key = f"rosters/bench/huge-{packed}"
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=roster(lines, packed=packed))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(environment_of(stage), key, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        measured: Cost = ours.recv()
    finally:
        process.join()
    return measured


def _measured(environment: Mapping[str, str], key: str, answer: Connection) -> None:
    enter(environment)
    instance = services(factor=1.0)
    instance.lookups.in_flight("default")  # a function instance has its connections
    started = time.perf_counter()
    pinned = instance.rosters.pin(key)
    spec = LookupSpec(key.rpartition("/")[2], "default", "bench", time.time(), pinned)
    instance.conversions.submit(spec)
    seconds = time.perf_counter() - started
    instance.converter.convert(spec.lookup_id, until=time.time() + CONVERSION_SECONDS, received=1)
    fed = instance.feeder.feed("default")
    progress = instance.lookups.get(spec.lookup_id)
    if progress is not None:
        _read_at_many_places(instance, progress)
    answer.send(Cost(seconds, peak_mb(), pinned.entries, fed))


def _read_at_many_places(instance: WorkerServices, progress: LookupRecord) -> None:
    """Read as the feeder does on its way through the roster."""
    reader, size = RosterReader(instance.s3, instance.settings.bucket_name), progress.spec.roster.size
    for spot in range(SPOTS):
        reader.next_step(progress.spec, position=size * spot // SPOTS, line=2, number="0", fed_at=0.0)


def peak_mb() -> float:
    """Return this process's peak memory, in MB of 1,000,000 bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # there ru_maxrss would count the parent's memory too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
