"""A person and a hundred erased from collected files by the services of `on_erasure`; what that took is counted."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lookup.erasure.objects import Objects
from lookup.erasure.queue import ErasureQueue, ErasureStep
from lookup.erasure.requests import ErasureRequests
from lookup.fetch.tombstones import Tombstones
from lookup.ledger.erasures import Erasure, ErasureState
from lookup.model import Identifier, IdentifierType
from lookup.wiring.erasure import ErasureServices
from tests.benchmarks.erasure.month import Requests, a_month
from tests.benchmarks.erasure.seeding import HOUR, HUNDRED, ONE, seed
from tests.lookup.stage import Stage

STEP = 15.0  # seconds after which a search goes on with its next step, and how far it is is printed


class _Steps(ErasureQueue):
    def __init__(self) -> None:
        self.sent: list[ErasureStep] = []

    def send(self, step: ErasureStep, *, after: float = 0.0) -> None:  # noqa: ARG002 - nothing else writes here
        self.sent.append(step)


class _Services(ErasureServices):
    """The services of `on_erasure` that do not wait between the searches: nobody writes."""

    drain = 0.0

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.settings, time.time, time.sleep)
        self.session = stage.session
        self.dynamodb, self.s3, self.sqs = stage.dynamodb, stage.s3, stage.sqs
        self.secretsmanager = stage.secretsmanager
        self.steps = _Steps()

    @cached_property
    def objects(self) -> Objects:
        return Objects(self.s3, self.settings.bucket_name)

    @cached_property
    def erasure_queue(self) -> ErasureQueue:
        return self.steps


def erased(stage: Stage, names: Sequence[str], *, records: int, files: int) -> dict[str, Any]:
    """Erase people from so many records in so many files of each format; return what it took."""
    services, counted = _Services(stage), Requests()
    ledger = services.erasures
    asked = ErasureRequests(
        ledger=ledger,
        tombstones=Tombstones(ledger, services.hash_keys, time.time),
        keys=services.hash_keys,
        queue=services.steps,
        days=90,
        clock=time.time,
    )
    begun = asked.begin("acme", "default", [Identifier(IdentifierType.CUSTOMER_ID, name) for name in names])
    stage.s3.meta.events.register("provide-client-params.s3", counted.count)
    stage.s3.meta.events.register("after-call.s3", counted.answered)
    wall, cpu = time.perf_counter(), time.process_time()
    while services.steps.sent:
        services.eraser.serve(services.steps.sent.pop(0), until=time.time() + STEP)
        _show(asked.read("acme", begun.erasure_id), time.perf_counter() - wall)
    seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    stage.s3.meta.events.unregister("provide-client-params.s3", counted.count)
    stage.s3.meta.events.unregister("after-call.s3", counted.answered)
    ended = asked.read("acme", begun.erasure_id)
    if ended.state is not ErasureState.COMPLETED:
        raise ValueError("the erasure did not end")
    requests = counted.all
    return {
        "people": len(names),
        "searches": ended.passes,
        "records_found": ended.found.get("results", 0),
        "files_rewritten": requests["PutObject"],
        "seconds": seconds,
        "cpu_seconds": used,
        "gets": requests["GetObject"],
        "puts_and_lists": requests["PutObject"] + requests["ListObjectVersions"] + requests["ListMultipartUploads"],
        "mb_moved": requests["bytes"] / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **a_month(counted, used, records=records, files=files),
    }


def _show(now: Erasure, seconds: float) -> None:
    """Print how far an erasure is, for whoever waits."""
    files, is_over = now.searched.get("results", 0), now.state is ErasureState.COMPLETED
    at = "verified" if is_over else f"search {now.passes + 1}: {files:,} files"
    sys.stderr.write(f"{now.people} people, {at}, {seconds:,.0f} s\n")


def measured(stage: Stage, records: int, hour: int = HOUR) -> dict[str, Any]:
    """Seed, erase one and a hundred; return the figures."""
    files = seed(stage, records, hour)
    figures: dict[str, Any] = {"records": records, "files": files}
    for name, people in (("one", [ONE]), ("hundred", HUNDRED)):
        own = erased(stage, people, records=records, files=files)
        figures[name] = {key: round(value, 3) for key, value in own.items()}
    return figures
