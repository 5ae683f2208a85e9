"""The events of results, as other systems' rules get them from the bus."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lookup.results.events import SOURCE
from tests.handlers.calling import Call, serve_parts_queue
from tests.handlers.test_exports import CSV, ORDER, exports_of, make
from tests.handlers.test_results import collect
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage


@pytest.fixture
def listening(deployed: Stage) -> str:
    """Put every event of the service on a queue; return its URL."""
    url = deployed.sqs.create_queue(QueueName="events-of-results")["QueueUrl"]
    arn = deployed.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events, bus = deployed.session.client("events"), deployed.settings.event_bus_name
    events.put_rule(Name="heard", EventBusName=bus, EventPattern=json.dumps({"source": [SOURCE]}))
    events.put_targets(Rule="heard", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def heard(deployed: Stage, url: str, kind: str) -> list[dict[str, Any]]:
    read = [json.loads(message["Body"]) for message in deployed.messages(url)]
    return [one["detail"] for one in read if one["detail-type"] == kind]


def test_results_ready(deployed: Stage, call: Call, context: LambdaContext, listening: str) -> None:
    """The event holds whose lookup it is, its counts, how many files and bytes, when, and where their manifest is."""
    _, lookup, _ = call("POST", "/v1/lookups", ORDER, prefer="respond-async")
    serve_parts_queue(deployed, context)
    collect(deployed, lookup, replace(context, remaining_seconds=900.0))
    (event,) = heard(deployed, listening, "Results Ready")
    results = call("GET", lookup["links"]["self"])[1]["results"]
    manifest = json.loads(
        deployed.s3.get_object(Bucket=deployed.settings.bucket_name, Key=event["manifest"])["Body"].read()
    )
    folder = f"results/workspace=default/dt={event['ready_at'][:10]}"
    assert event == {
        "lookup_id": lookup["lookup_id"],
        "workspace": "default",
        "partner": "acme",
        "files": 4,
        "bytes": results["bytes"],
        "changed": 2,
        "manifest": f"{folder}/manifest/{lookup['lookup_id']}.manifest.json",
        "counts": {"requested": 2, "found": 2, "not_found": 0, "invalid": 0, "failed": 0},
        "ready_at": results["ready_at"],
    }
    assert manifest["counts"] == event["counts"]
    assert sum(file["bytes"] for file in manifest["files"]) == event["bytes"]
    assert not any(name in json.dumps(event) for name in ORDER["identifiers"])


def test_export_requested(deployed: Stage, call: Call, context: LambdaContext, listening: str) -> None:
    """The event of an export names lookup, owner and format, and nothing of its content; it comes once."""
    _, lookup, _ = call("POST", "/v1/lookups", ORDER, prefer="respond-async")
    serve_parts_queue(deployed, context)
    collect(deployed, lookup, replace(context, remaining_seconds=900.0))
    for _ in range(2):
        call("POST", exports_of(lookup), CSV)
    assert heard(deployed, listening, "Export Requested") == [
        {"lookup_id": lookup["lookup_id"], "workspace": "default", "partner": "acme", "export": "csv"}
    ]
    make(deployed, lookup, context)
    assert call("GET", lookup["links"]["self"])[1]["results"]["exports"][0]["state"] == "ready"
