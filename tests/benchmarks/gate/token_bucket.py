"""`zae-limiter`: a token bucket in DynamoDB, shared by all processes."""

from __future__ import annotations

import random
from math import inf

import boto3
from zae_limiter import Limit, RateLimiterUnavailable, RateLimitExceeded, SyncRateLimiter, SyncRepository
from zae_limiter.schema import get_table_definition

from lookup.errors import VendorError
from lookup.model import Lane
from tests.benchmarks.gate.caller import Leave
from tests.benchmarks.gate.meter import Meter
from tests.benchmarks.gate.plan import Plan

ENTITY, WARM_UP, RESOURCE, TOKENS = "workspace", "warm-up", "export", "users"
CACHED_REJECTION = 1.0  # quota seconds: the library's default
SPREAD = 0.2  # of the wait that the library returns, so that waiting processes do not retry together


class TokenBucket:
    """One process's connection to the bucket. It knows no lanes."""

    def __init__(self, table: str, plan: Plan, meter: Meter, chance: random.Random) -> None:
        repository = SyncRepository.connect(stack=table, rejection_cache_ttl=plan.real(CACHED_REJECTION))
        meter.watch(repository._get_client())  # noqa: SLF001 - the only way to see its requests
        self._limiter = SyncRateLimiter(repository=repository)
        self._plan = plan
        self._meter = meter
        self._chance = chance
        with self._limiter.acquire(WARM_UP, RESOURCE, {TOKENS: 1}):
            pass  # so that no measured call is the connection's first

    def admit(self, users: int, _: Lane) -> Leave:
        """See `Limiter.admit`."""
        while True:
            try:
                with self._limiter.acquire(ENTITY, RESOURCE, {TOKENS: users}):
                    return Leave(users, inf)
            except RateLimitExceeded as refusal:
                self._meter.sleep(refusal.retry_after_seconds * self._chance.uniform(1.0, 1.0 + SPREAD))
            except RateLimiterUnavailable:
                self._meter.sleep(self._plan.quota.slot * self._chance.random())

    def report(self, _: Leave, __: VendorError | None) -> None:
        """There is nothing to learn."""


def create_bucket(session: boto3.Session, table: str, plan: Plan, capacity: int, refill: int) -> None:
    """Make the library's table and its one limit: `refill` tokens in a window, at most `capacity`."""
    session.client("dynamodb").create_table(**get_table_definition(table))
    repository = SyncRepository.builder().stack(table).auto_update(enabled=False).build()
    repository.set_resource_defaults(RESOURCE, [Limit.custom(TOKENS, capacity, refill, round(plan.quota.window))])
    repository.close()
