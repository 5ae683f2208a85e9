"""What a start of each function loads and makes: no more than its own invocations need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import on_request
from tests.handlers.calling import Call
from tests.handlers.conftest import forget, on_requests_to_aws
from tests.lookup.stage import Stage

FUNCTIONS = Path(__file__).parents[2] / "functions"
CONVERTING = frozenset({"lookup.bulk.conversion.worker", "lookup.bulk.conversion.converter", "lookup.rosters.copies"})
FETCHING = frozenset({"lookup.fetch.fetcher", "lookup.moengage.client", "lookup.results.profiles"})
SERVING_QUEUES = frozenset({"lookup.bulk.worker", "lookup.bulk.processor", "lookup.bulk.intake.share"})
SCHEDULED = frozenset({"lookup.schedules.firings", "lookup.schedules.sweep", "lookup.schedules.maintenance"})
HTTP = frozenset({"lookup.api", "pydantic", "aws_lambda_powertools.event_handler"})
# What a start pays for and nobody uses: boto3's resources and transfers, and what those load.
TRANSFERS = frozenset({"boto3", "s3transfer", "multiprocessing", "concurrent.futures.process"})
HEAVY = TRANSFERS | {"asyncio"}  # which Powertools' resolvers load, all of them with any
OTHER_ROUTES = frozenset(
    {"lookup.api.routes.lookups", "lookup.api.request_models", "lookup.bulk.feeder", "lookup.rosters.reader"}
)
SUBMITTING = frozenset({"lookup.bulk.submission", "lookup.rosters.store", "lookup.bulk.conversion.requests"})


def loaded(handler: str) -> set[str]:
    """Return the modules that a new process has after it imported a handler."""
    code = f"import json, sys, {handler}; json.dump(list(sys.modules), sys.stdout)"
    environment = {"PYTHONPATH": str(FUNCTIONS), "POWERTOOLS_METRICS_NAMESPACE": "x"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return set(json.loads(ran.stdout))


@pytest.mark.parametrize(
    ("handler", "own", "foreign"),
    [
        ("on_queue", FETCHING | SERVING_QUEUES, HEAVY | HTTP | CONVERTING | SCHEDULED | SUBMITTING),
        (
            "on_request",
            FETCHING | HTTP,
            TRANSFERS | CONVERTING | SCHEDULED | SERVING_QUEUES | SUBMITTING | OTHER_ROUTES,
        ),
        ("on_schedule", SCHEDULED | SUBMITTING, HEAVY | HTTP | CONVERTING | FETCHING | SERVING_QUEUES),
        ("on_conversion", CONVERTING, HTTP | SCHEDULED | FETCHING | SERVING_QUEUES),
    ],
)
def test_a_function_loads_its_own_modules_only(handler: str, own: set[str], foreign: set[str]) -> None:
    """Each handler loads what it serves and nothing of the others; only the API's loads pydantic."""
    modules = loaded(handler)
    assert own - modules == set()
    assert foreign & modules == set()


@pytest.fixture
def made(deployed: Stage, call: Call) -> list[str]:
    """Store a profile, begin new function instances, and note which AWS clients they make."""
    call("GET", "/v1/profiles/customer_id/C-1?max_age=60")
    forget()
    names: list[str] = []

    def note(event_name: str, **_: Any) -> None:
        names.append(event_name.rpartition(".")[2])

    on_requests_to_aws("creating-client-class", note)
    return names


def test_a_stored_profile_needs_two_clients(made: list[str], call: Call) -> None:
    """A cold request that a stored profile answers makes the clients of the grants and of the profiles alone."""
    status, body, _ = call("GET", "/v1/profiles/customer_id/C-1?max_age=60")
    assert (status, body["source"]) == (200, "stored")
    assert sorted(made) == ["dynamodb", "ssm"]


def test_a_snapshot_holds_all_clients(made: list[str], call: Call) -> None:
    """What SnapStart keeps has every client that requests use; the invocations after it make none."""
    on_request.services().prepare()
    kinds = ["dynamodb", "dynamodb", "eventbridge", "s3", "scheduler", "secrets-manager", "sqs", "ssm"]
    assert sorted(made) == kinds
    assert call("GET", "/v1/profiles/customer_id/C-2")[0] == 200
    assert call("GET", "/v1/schedules")[0] in {200, 404}
    assert sorted(made) == kinds
