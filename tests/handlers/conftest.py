"""A handler as Lambda runs it: the environment set, the handler's module imported, an event from `events/`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import on_conversion
import on_erasure
import on_queue
import on_request
import on_results
import on_schedule
import on_webhook
from infra.local.simulator.process import Simulator
from lookup.quota import Quota
from lookup.telemetry import metrics
from tests.handlers.calling import Calling
from tests.lambda_context import LambdaContext
from tests.lookup.conftest import stage
from tests.lookup.stage import UNHURRIED, Stage

__all__ = ["LambdaContext", "stage"]
CLIENT_ID = "3n4b5urk1ft4fl3mg5e62d9ado"  # of the tokens in the event files
Grant = Callable[..., None]
HANDLERS = (on_conversion, on_erasure, on_queue, on_request, on_results, on_schedule, on_webhook)
EVENTS = Path(__file__).parents[2] / "events"


@pytest.fixture
def context() -> LambdaContext:
    return LambdaContext()


@pytest.fixture
def event() -> Callable[[str], dict[str, Any]]:
    """Load an event file by its path under `events/`."""

    def load(path: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((EVENTS / path).read_text())
        return read

    return load


@pytest.fixture
def deployed(stage: Stage, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Set the environment as the stack does; every test meets a function instance of its own."""
    simulator.configure(not_found_share=0.0)
    grants = {CLIENT_ID: {"name": "acme", "workspaces": ["default"], "fields": None, "weight": 1}}
    stage.session.client("ssm").put_parameter(
        Name=stage.settings.partners_parameter_name, Value=json.dumps(grants), Type="String"
    )
    credentials = stage.session.get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    environment = stage.settings.to_environment() | {
        "AWS_ACCESS_KEY_ID": str(frozen.access_key),
        "AWS_SECRET_ACCESS_KEY": str(frozen.secret_key),
        "AWS_DEFAULT_REGION": str(stage.session.region_name),
        "POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    forget()
    yield stage
    forget()


@pytest.fixture
def scarce(deployed: Stage, monkeypatch: pytest.MonkeyPatch) -> int:
    """Set the workspace a quota that one request can use up; return its users per window."""
    few = replace(UNHURRIED, limit=100)
    with_quota(deployed, few, monkeypatch)
    return few.limit


@pytest.fixture
def grant(deployed: Stage) -> Grant:
    """Write acme's grants."""

    def write(**grants: object) -> None:
        deployed.session.client("ssm").put_parameter(
            Name=deployed.settings.partners_parameter_name,
            Value=json.dumps({CLIENT_ID: {"name": "acme", **grants}}),
            Type="String",
            Overwrite=True,
        )

    return write


@pytest.fixture
def call(deployed: Stage, event: Callable[[str], dict[str, Any]], context: LambdaContext) -> Calling:
    """Call a route as the partner acme."""
    return Calling(event("on_request/post_lookups.json"), context)


def with_quota(deployed: Stage, quota: Quota, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a workspace's quota for the next function instance."""
    workspace = replace(deployed.settings.workspace("default"), quota=quota)
    written = replace(deployed.settings, workspaces={"default": workspace}).to_environment()
    monkeypatch.setenv("WORKSPACES", written["WORKSPACES"])
    forget()


def forget() -> None:
    """Start a new function instance."""
    for handler in HANDLERS:
        handler.services.cache_clear()
    metrics.clear_metrics()  # of what ran in this process before, outside of any handler


def on_requests_to_aws(event: str, meet: Callable[..., Any]) -> None:
    """Register botocore's hook in the function instances of all handlers; what a client has already is not changed."""
    for handler in HANDLERS:
        handler.services().session.events.register(event, meet)
