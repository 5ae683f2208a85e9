"""What alarms and the dashboard look at is what the functions send: namespace, name and dimensions, to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import on_queue
import on_request
import on_results
import on_schedule
from infra.app import SOURCE, synthesise
from infra.local.simulator.process import Fault, Simulator
from infra.stage_settings.partners import Partner
from infra.stage_settings.stage import Stage as Settings
from infra.stage_settings.workspaces import Workspace
from lookup.telemetry import NAMESPACE
from tests.handlers.calling import Call, kind_of
from tests.handlers.conftest import forget
from tests.infra.template import Template, text
from tests.lambda_context import LambdaContext
from tests.lookup.stage import SECRET_ID, Stage

Load = Callable[[str], dict[str, Any]]
Sent = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions
PROFILE = "/v1/profiles/customer_id/C-9"
FAULTS = tuple(Fault(status=status) for status in (400, 401, 403, 429, 503))


@pytest.fixture
def watched(tmp_path: Path) -> set[Sent]:
    """Synthesise a stage of the name in the functions' settings here, with its alarms."""
    workspaces, partners = {"default": Workspace()}, {"crm": Partner()}
    stage = Settings(name="test", workspaces=workspaces, partners=partners, retain=False, alarms=True)
    template = Template.read(synthesise(stage, code=SOURCE, outdir=tmp_path, checked=False))
    return {*_of_alarms(template), *_of_the_dashboard(template)}


def _of_alarms(template: Template) -> Iterator[Sent]:
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        for metric in (used["MetricStat"]["Metric"] for used in alarm["Metrics"] if "MetricStat" in used):
            if metric["Namespace"] == NAMESPACE:
                dimensions = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
                yield NAMESPACE, metric["MetricName"], dimensions


def _of_the_dashboard(template: Template) -> Iterator[Sent]:
    body = json.loads(text(template.only("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    for metric in (one for widget in body["widgets"] for one in widget["properties"].get("metrics", [])):
        if metric[0] == NAMESPACE:
            names = [one for one in metric[2:] if isinstance(one, str)]
            yield NAMESPACE, metric[1], frozenset(zip(names[::2], names[1::2], strict=True))


def _sent(output: str) -> Iterator[Sent]:
    """Read the lines as CloudWatch reads the embedded metric format."""
    for line in output.splitlines():
        document: Mapping[str, Any] = json.loads(line)
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, document[name]) for name in names)
                for metric in directive["Metrics"]:
                    assert metric["Name"] in document
                    yield directive["Namespace"], metric["Name"], dimensions


def test_every_watched_metric_is_sent_by_some_function(
    deployed: Stage,
    simulator: Simulator,
    event: Load,
    context: LambdaContext,
    call: Call,
    watched: set[Sent],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Work, every fault of MoEngage's and a secret without meaning send all that anybody looks at."""
    capsys.readouterr()
    call("GET", PROFILE)
    simulator.set_user("C-none", None)
    call("GET", "/v1/profiles/customer_id/C-none")
    on_queue.handler(event("on_queue/intake.json"), context)
    on_schedule.handler(event("on_schedule/tick.json"), context)
    on_results.handler(event("on_results/ended.json"), context)
    for fault in FAULTS:
        simulator.set_faults(fault)
        call("GET", PROFILE)
        on_request.services().gates.of("default").open()
    simulator.set_faults()
    deployed.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString="{}")
    forget()
    call("GET", PROFILE)
    assert len(watched) > 20
    assert watched - set(_sent(capsys.readouterr().out)) == set()


def test_a_defect_is_counted_though_the_invocation_ends_well(
    deployed: Stage, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda counts no error when the caller gets a 500: the function counts it for the alarm."""
    deployed.dynamodb.delete_table(TableName=deployed.settings.profiles_table_name)
    capsys.readouterr()
    assert kind_of(call("GET", PROFILE)) == (500, "internal")
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [document["Defects"] for document in documents] == [[1.0]]
