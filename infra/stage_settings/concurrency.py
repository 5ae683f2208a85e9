"""How many executions a stage may need at once, and whether the account has them: checked before anything is deployed.

An account has 1,000 concurrent executions in a region unless AWS raised that (a new one may have 10), for all of its
functions together, and 100 of them cannot be reserved (AWS Lambda Developer Guide, "Understanding Lambda function
scaling" and "Lambda quotas").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from infra.stage_settings.workers import workers_for
from infra.stage_settings.workspaces import Workspace
from lookup.errors import require

UNRESERVED = 100  # what Lambda keeps for functions without a reservation
# Seconds that a request may take that does not wait for quota: MoEngage's answer, stores that are slow, a cold start.
# Those that do wait are counted one by one.
LONGEST_WITHOUT_WAITING = 10
CONSUMERS = 2  # event source mappings of on_queue that each have the workers of all quotas
CONVERSIONS_AT_ONCE = 5  # of all partners; of one partner there is one, whose message group it is
ANSWERS_AT_ONCE = 2  # batches of answers at once that are archived; the least that a mapping may be bound to
COLLECTIONS_AT_ONCE = 5  # lookups of all partners; an event source mapping may be bound to 2 at least
WEBHOOKS_AT_ONCE = 10  # calls of all receivers; of one there are two at most
ERASURES_AT_ONCE = 2  # the least of an event source mapping
OTHERS = 10  # executions of on_schedule and of what the stack runs beside, where none are reserved
# The least for on_schedule: a partner's schedules that are all due in one minute must leave the tick a place.
SCHEDULES_LEAST = 10


class Admission(Protocol):
    """What a stage admits at once, and what the account has for it."""

    @property
    def workspaces(self) -> Mapping[str, Workspace]: ...  # noqa: D102 - settings of a stage, see there

    @property
    def requests_per_second(self) -> int: ...  # noqa: D102

    @property
    def request_burst(self) -> int: ...  # noqa: D102

    @property
    def waiting_requests(self) -> int: ...  # noqa: D102

    @property
    def request_concurrency(self) -> int | None: ...  # noqa: D102

    @property
    def schedule_concurrency(self) -> int | None: ...  # noqa: D102

    @property
    def account_concurrency(self) -> int: ...  # noqa: D102


def request_concurrency(stage: Admission) -> int:
    """Return how many executions of the HTTP API's function there may be at once.

    What API Gateway admits, for as long as it may take, and those that wait for quota.
    """
    return stage.request_burst + stage.requests_per_second * LONGEST_WITHOUT_WAITING + stage.waiting_requests


def check_concurrency(stage: Admission) -> None:
    """Check that what is admitted fits into the account beside the other functions. Raises `Misconfigured`."""
    workers = CONSUMERS * workers_for(workspace.quota for workspace in stage.workspaces.values()) + ANSWERS_AT_ONCE
    needed, reserved = request_concurrency(stage), stage.request_concurrency
    if reserved is not None:
        rule = f"must be at least {needed}: what is admitted ({_sum(stage)}); or lower that"
        require(reserved >= needed, "request_concurrency", rule)
    schedules = stage.schedule_concurrency
    if schedules is not None:
        require(schedules >= SCHEDULES_LEAST, "schedule_concurrency", f"must be at least {SCHEDULES_LEAST}")
    others = OTHERS if schedules is None else schedules
    files = CONVERSIONS_AT_ONCE + COLLECTIONS_AT_ONCE + ERASURES_AT_ONCE
    calls = WEBHOOKS_AT_ONCE
    taken = max(needed, reserved or 0) + workers + others + files + calls + UNRESERVED
    rule = (
        f"must be at least {taken}: {max(needed, reserved or 0)} for requests ({_sum(stage)}), {workers} for queues, "
        f"{others} for schedules, {files} for conversions, results and erasures, {calls} for webhooks, "
        f"{UNRESERVED} that Lambda keeps unreserved; ask AWS for more, or admit less"
    )
    require(stage.account_concurrency >= math.ceil(taken), "account_concurrency", rule)


def _sum(stage: Admission) -> str:
    return (
        f"burst {stage.request_burst} + {stage.requests_per_second}/s x {LONGEST_WITHOUT_WAITING} s "
        f"+ {stage.waiting_requests} waiting"
    )
