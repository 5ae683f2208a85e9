"""A function that starts from a snapshot shares neither randomness nor connections with its twins."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import ModuleType

import boto3
import pytest
import urllib3

from infra.local.simulator.process import Simulator
from lookup.aws import lambda_lifecycle

Hook = Callable[[], object]


def test_only_lambda_s_runtime_has_the_hooks() -> None:
    """Where the runtime has no hooks nothing is registered and nothing fails."""
    assert lambda_lifecycle.register_snapstart_hooks(lambda: None) is False


def test_snapstart_hooks_are_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Lambda's runtime, preparation is called before a snapshot and the renewal after a start from it."""
    before, after = list[Hook](), list[Hook]()
    runtime = ModuleType("snapshot_restore_py")
    vars(runtime).update(register_before_snapshot=before.append, register_after_restore=after.append)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", runtime)

    def prepare() -> None: ...

    assert lambda_lifecycle.register_snapstart_hooks(prepare) is True
    assert (before, after) == ([prepare], [lambda_lifecycle.after_restore])


def test_twins_do_not_jitter_alike() -> None:
    """Two starts from one snapshot draw different numbers."""
    taken = random.getstate()
    draws = []
    for _ in range(2):
        random.setstate(taken)
        lambda_lifecycle.after_restore()
        draws.append([random.random() for _ in range(4)])
    assert draws[0] != draws[1]


def test_open_connections_are_dropped_and_the_next_request_makes_new_ones(
    simulator: Simulator, aws: boto3.Session
) -> None:
    """Pools of our own and those inside of boto3's clients are emptied; both still answer afterwards."""
    pool = urllib3.PoolManager()
    assert pool.request("GET", f"{simulator.endpoint_url}/").status > 0
    s3 = aws.client("s3", region_name="eu-central-1")
    s3.list_buckets()
    assert len(pool.pools) == 1
    lambda_lifecycle.after_restore()
    assert len(pool.pools) == 0
    assert pool.request("GET", f"{simulator.endpoint_url}/").status > 0
    assert s3.list_buckets()["Buckets"] == []
