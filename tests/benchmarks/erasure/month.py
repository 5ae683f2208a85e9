"""What an erasure takes over a month at full quota, computed from one over less: time and dollars of `on_erasure`.

What it does with collected files grows with their number and records; what it does beside them does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.monitoring.prices import LAMBDA_GB_SECOND
from tests.benchmarks.cost.seconds import SLOWNESS
from tests.benchmarks.erasure.seeding import HOUR

MONTH = 43_200_000  # users at 1,000 a minute for 30 days
MEMORY_GB = 1769 / 1024  # of `on_erasure`: one processor
GET, PUT = 0.0004 / 1000, 0.005 / 1000  # dollars of a request (S3 Standard, us-east-1); lists cost what puts do
NETWORK = 75e6  # bytes a second between S3 and a function: what one connection of a function reaches
ANSWER = 0.03  # seconds until S3 begins to answer
MONTH_MINUTES, MONTH_DOLLARS = "a month: minutes of `on_erasure`", "a month: dollars"  # rows of the page
GROWING = ("results/",)  # prefixes with more in a month than in a day


@dataclass
class Requests:
    """Counts S3's requests and bytes, of what grows with a month and of what does not."""

    growing: Counter[str] = field(default_factory=Counter)
    fixed: Counter[str] = field(default_factory=Counter)

    def count(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        """Count a request before it is sent, as botocore's hook `provide-client-params`."""
        which = str(params.get("Key") or params.get("Prefix") or "")
        context["counted"] = counted = self.growing if which.startswith(GROWING) else self.fixed
        counted[model.name] += 1
        counted["bytes"] += len(params.get("Body", b""))

    def answered(self, parsed: Mapping[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        """Count the bytes of an answer, as botocore's hook `after-call`."""
        if model.name == "GetObject" and "counted" in context:
            context["counted"]["bytes"] += parsed.get("ContentLength", 0)

    @property
    def all(self) -> Counter[str]:
        """All of them."""
        return self.growing + self.fixed


def dollars_of(requests: Mapping[str, float]) -> float:
    """Return what requests cost."""
    writes = sum(requests.get(name, 0) for name in ("PutObject", "ListObjectVersions", "ListMultipartUploads"))
    return requests.get("GetObject", 0) * GET + writes * PUT  # deletions are free


def a_month(requests: Requests, cpu_seconds: float, *, records: int, files: int) -> dict[str, float]:
    """Compute an erasure over a month from one over so many records in so many files of each format."""
    grown = {name: number * (MONTH / HOUR) / files for name, number in requests.growing.items() if name != "bytes"}
    every = {name: grown.get(name, 0) + requests.fixed[name] for name in {*grown, *requests.fixed} - {"bytes"}}
    moved = requests.growing["bytes"] * MONTH / records + requests.fixed["bytes"]
    seconds = cpu_seconds * SLOWNESS * MONTH / records + moved / NETWORK + sum(every.values()) * ANSWER
    return {
        "month_minutes": seconds / 60,
        "month_dollars": seconds * MEMORY_GB * LAMBDA_GB_SECOND + dollars_of(every),
    }
