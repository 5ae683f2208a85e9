"""What an attack did to the others, from the vendor's log of arrivals, the functions' logs and the callers' answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from infra.local.ministack.process import REGION
from infra.local.simulator.journal import Arrival, count
from infra.local.stage.clients import CONFIG
from infra.local.stage.stage import Stage
from tests.attack.adversary import Adversary
from tests.attack.caller import Caller
from tests.attack.honest import Reader
from tests.attack.owned import beyond_limits
from tests.attack.stage import ATTACKER_LIMIT, LIMIT, SECRET, WEIGHTS, WINDOW

DURATION = re.compile(r"^REPORT RequestId: \S+\s+Duration: ([0-9.]+) ms")
CLOSED = "gate closed"
# What no function's log, metric or event may hold: whom the partners request, and what the adversary sends as such.
PERSONAL = re.compile(rf"attacker-(\d{{8}}|erased)|(large|small)-\d{{6}}|stored-\d|{SECRET}|ldap://|etc/passwd|OR 1=1")
HONEST = ("large", "small")
REQUEST_FUNCTIONS = ("OnRequest", "OnConversion")  # what a request makes run, beside the work of its lookup


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one attack; `detail` are more of them, for the reader."""

    share: float
    p99_ms: float
    gate_closings: int
    over_limits: int
    foreign_data: int
    seconds_per_request: float
    detail: dict[str, Any]

    @property
    def holds(self) -> bool:
        """Return whether no partner was harmed."""
        unharmed = self.share >= 0.95 and self.p99_ms < 300
        return unharmed and not (self.gate_closings or self.over_limits or self.foreign_data)

    def to_json(self) -> dict[str, Any]:
        """Return what the last line says."""
        return {
            "share": round(self.share, 3),
            "p99_ms": round(self.p99_ms, 1),
            "gate_closings": self.gate_closings,
            "over_limits": self.over_limits,
            "foreign_data": self.foreign_data,
            "seconds_per_request": round(self.seconds_per_request, 3),
        }


def measured(
    stage: Stage,
    arrivals: Sequence[Arrival],
    reader: Reader,
    adversary: Adversary,
    honest: Sequence[Caller],
    *,
    seconds: float,
) -> Figures:
    """Return the figures of an attack that is over; `arrivals` are the vendor's in its `seconds`."""
    users = users_of(arrivals)
    logs = list(_log_lines(stage))
    attacker_requests = len(adversary.caller.answers)
    waited = sum(answer.seconds for caller in (*honest, reader.caller) for answer in caller.answers)
    used = sum(lambda_seconds(message) for name, message in logs if any(part in name for part in REQUEST_FUNCTIONS))
    owned, logged = beyond_limits(stage, seconds), [name for name, message in logs if holds_personal(message)]
    refused = Counter(answer.status for caller in honest for answer in caller.answers if answer.status >= 400)
    return Figures(
        share=worst_share(users),
        p99_ms=1000 * percentile([one.seconds for one in reader.reads], 99),
        gate_closings=sum(CLOSED in message for _, message in logs),
        over_limits=over_limits(arrivals, users) + sum(owned.values()),
        foreign_data=len(adversary.leaked) + len(logged),
        seconds_per_request=max(0.0, used - waited) / max(1, attacker_requests),
        detail={
            "users": dict(users),
            "share of the quota used": round(quota_used(arrivals), 3),
            "recursive invocations dropped": recursions_dropped(stage),
            "moves": dict(adversary.made),
            "slowest answers, s": {name: round(value, 1) for name, value in sorted(adversary.slowest.items())},
            "attacker's failures": dict(adversary.failures),
            "attacker's answers": dict(sorted(Counter(one.status for one in adversary.caller.answers).items())),
            "honest partners' refusals": dict(refused),
            "reads": len(reader.reads),
            "reads that failed": sum(one.status != 200 for one in reader.reads),
            "owned over limits": owned,
            "leaks": dict(Counter(adversary.leaked)),
            "personal data in logs": dict(Counter(logged)),
        },
    )


def holds_personal(message: str) -> bool:
    """Return whether a line of a log holds an identifier or an attribute."""
    return PERSONAL.search(message) is not None


def users_of(arrivals: Sequence[Arrival]) -> Counter[str]:
    """Count the requested users by the partner whose name their identifiers begin with."""
    requested = (text for call in arrivals if call.counted for _, text in call.identifiers or ())
    return Counter(text.partition("-")[0] for text in requested)


def worst_share(users: Counter[str]) -> float:
    """Return the least of what the honest partners got, each against what its weight is worth."""
    total, weights = sum(users[name] for name in WEIGHTS), sum(WEIGHTS.values())
    if not total:
        return 0.0
    return min(users[name] / (total * WEIGHTS[name] / weights) for name in HONEST)


def over_limits(arrivals: Sequence[Arrival], users: Counter[str]) -> int:
    """Return how many users were requested beyond the vendor's limit and beyond the attacker's own of the day."""
    beyond_quota = max(0, count(arrivals, WINDOW).peak_users - LIMIT)
    return beyond_quota + max(0, users["attacker"] - ATTACKER_LIMIT)


def quota_used(arrivals: Sequence[Arrival]) -> float:
    """Return the share of the vendor's quota that was used, from the end of the first window to the last call."""
    counted = [call for call in arrivals if call.counted]
    if not counted or counted[-1].monotonic - counted[0].monotonic <= WINDOW:
        return 0.0
    begin, end = counted[0].monotonic + WINDOW, counted[-1].monotonic
    users = sum(call.users for call in counted if call.monotonic > begin)
    return users / (LIMIT * (end - begin) / WINDOW)


def recursions_dropped(stage: Stage) -> int:
    """Count the functions of which Lambda dropped an invocation as part of a recursive loop."""
    session = boto3.Session("test", "test", region_name=REGION)
    cloudwatch = session.client("cloudwatch", endpoint_url=stage.endpoint_url, config=CONFIG)
    listed = cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="RecursiveInvocationsDropped")
    return len(listed["Metrics"])


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value that `share` per cent of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0.0


def lambda_seconds(message: str) -> float:
    """Return the duration that a REPORT line of Lambda's names, in seconds; 0 of any other line."""
    found = DURATION.match(message)
    return float(found[1]) / 1000 if found else 0.0


def _log_lines(stage: Stage) -> Iterator[tuple[str, str]]:
    session = boto3.Session("test", "test", region_name=REGION)
    logs = session.client("logs", endpoint_url=stage.endpoint_url, config=CONFIG)
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from ((group["logGroupName"], event["message"]) for event in page["events"])
