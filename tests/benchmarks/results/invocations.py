"""A lookup collected by as many invocations as it takes, each a process of its own, and what that costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.cost.prices import PRICES, Item
from tests.lookup.stage import Stage

PROJECT = Path(__file__).parents[3]
MEMORY_GB = 1769 / 1024  # of the function
STORAGE_GB_MONTH = 0.023  # of S3 Standard: aws.amazon.com/s3/pricing
RETENTION_MONTHS = 1.0  # a stage's default: 30 days
GB = 1000**3
DELIVERIES = 5  # failed invocations that are tried again, as the queue does: a busy machine answers late


@dataclass(frozen=True)
class Collected:
    """The invocations of one lookup; `whole_seconds` include the starts of their processes, and those that failed."""

    invocations: list[dict[str, Any]]
    whole_seconds: float
    failed: int = 0

    @property
    def last(self) -> Mapping[str, Any]:
        """What the last one returned."""
        return self.invocations[-1]

    @property
    def peak_mb(self) -> int:
        """The highest memory of all."""
        return max(int(one["peak_mb"]) for one in self.invocations)

    def sum(self, name: str) -> float:
        """Add up a figure."""
        return float(sum(one[name] for one in self.invocations))

    @property
    def points(self) -> list[tuple[int, float]]:
        """How many records were in sets after so many seconds of collecting, from the first on."""
        points, before = [(0, 0.0)], 0.0
        for one in self.invocations:
            points += [(records, before + seconds) for records, seconds in one["points"]]
            before += one["seconds"]
        return points


def collect(stage: Stage, lookup_id: str, *, seconds: float | None = None) -> Collected:
    """Invoke until a lookup is collected."""
    environment = {**os.environ, **stage.settings.to_environment(), "POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup"}
    if seconds is not None:
        environment["INVOCATION_SECONDS"] = str(seconds)
    command = [sys.executable, "-m", "tests.benchmarks.results.collecting", lookup_id]
    begun, invocations, failed = time.time(), list[dict[str, Any]](), 0
    while not invocations or not invocations[-1]["is_done"]:
        done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            failed += 1
            if failed > DELIVERIES:
                raise RuntimeError(f"{failed} invocations failed; what they said is above")
            continue
        one = json.loads(done.stdout.splitlines()[-1])
        sys.stderr.write(f"collected {one['records']:,} records after {time.time() - begun:.0f} s\n")
        time.sleep(one["wait"])
        if not one["wait"]:
            invocations.append(one)
    return Collected(invocations, time.time() - begun, failed)


def cost_of(collected: Collected) -> dict[str, float]:
    """Compute dollars for a million records: what collecting asks of AWS, its function, and keeping the files."""
    records = float(collected.last["records"])
    used: dict[Item, float] = {}
    for one in collected.invocations:
        for name, number in one["usage"].items():
            used[Item[name]] = used.get(Item[name], 0.0) + number
    requests = sum(PRICES[item].of(number) for item, number in used.items())
    function = PRICES[Item.GB_SECOND].of(collected.sum("seconds") * MEMORY_GB)
    function += PRICES[Item.INVOCATION].of(len(collected.invocations))
    storage = collected.last["bytes"] / GB * STORAGE_GB_MONTH * RETENTION_MONTHS
    shares = {"requests": requests, "function": function, "storage": storage}
    dollars = {name: round(share / records * 1e6, 4) for name, share in shares.items()}
    return {f"dollars_{name}": share for name, share in dollars.items()} | {
        "dollars_per_million": round(sum(dollars.values()), 4)
    }
