"""The error table: MoEngage's error, its metric and its entry in the runbook, in code as in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.local.simulator.process import Fault, Simulator
from infra.stages import stage_named
from lookup.fetch.call_metrics import METRICS, heading_of, metric_of
from lookup.model import LookupRequest
from lookup.moengage.responses import ERROR_TYPES, error_for
from lookup.telemetry import Metric
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

DOCS = Path(__file__).parents[3] / "docs"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (DOCS / "architecture.md").read_text().splitlines()
    if re.match(r"\| (\d\d\d|\dxx)\b", line)
]
RUNBOOK = (DOCS / "runbook.md").read_text()
HEADINGS = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)


def rows_of(status: str) -> list[list[str]]:
    return [row for row in ROWS if status in re.findall(r"\b(?:\d\d\d|\dxx)\b", row[0])]


def anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


@pytest.mark.parametrize("status", [*ERROR_TYPES, 302, 404, 500, 503])
def test_every_status_has_its_row(status: int) -> None:
    """Each status of the code's table is in the documented one, with its metric and its entry in the runbook."""
    special = rows_of(str(status))
    rows = special or rows_of(f"{status // 100}xx")
    met = error_for(status, {}, {}, now=0.0)
    assert f"`{metric_of(met, 1)}`" in [row[2] for row in rows]
    heading = heading_of(met)
    assert any(f"[{heading}](runbook.md#{anchor(heading)})" in row[3] for row in rows if heading) or heading is None


def test_every_error_metric_is_documented() -> None:
    """The code's error metrics are the table's, and all of them are in the operations guide."""
    documented = {row[2].strip("`") for row in ROWS}
    assert documented == {metric.value for metric in METRICS.values()} | {"VendorCalls"}
    operations = (DOCS / "operations.md").read_text()
    for metric in Metric:
        family = re.sub(r"^(GateRefusals)(\w+)$", r"…\2", metric.value)
        assert f"`{metric.value}`" in operations or f"`{family}`" in operations


def test_what_alarms_and_logs_point_to_is_there() -> None:
    """The runbook has the entries that alarms link, and those that log lines name."""
    import aws_cdk as cdk  # noqa: PLC0415 - begins Node
    from aws_cdk import aws_sqs as sqs  # noqa: PLC0415 - begins Node

    from infra.monitoring.alarm_rules import rules  # noqa: PLC0415 - begins Node
    from infra.monitoring.metrics import Measures, Watched  # noqa: PLC0415 - begins Node

    prod = stage_named("prod", {})
    stack = cdk.Stack()
    watched = Watched(
        functions={},
        queues={name: sqs.Queue(stack, name.title()) for name in ("intake", "parts")},
        dead_letters={"parts": sqs.Queue(stack, "Dead")},
        tables={},
    )
    alarmed = {rule.heading for rule in rules(prod, Measures(prod, watched))}
    assert {"Workspace refused", "Stuck lookup", "Dead letters"} <= alarmed
    functions = Path(__file__).parents[3] / "functions" / "lookup"
    named = {name for path in functions.rglob("*.py") for name in re.findall(r'runbook="([^"]+)"', path.read_text())}
    assert {"Key rotated", "Stuck lookup"} <= named
    assert named | alarmed <= set(HEADINGS)


def test_its_commands_exist() -> None:
    """Every command of ours in the runbook is a target of the Makefile."""
    makefile = (DOCS.parent / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    told = set(re.findall(r"make ([a-z-]+) STAGE", RUNBOOK))
    assert {"gate", "redrive"} <= told <= targets


def test_every_entry_is_complete() -> None:
    """An entry has the symptom, the cause, the action, and the sign that it is over."""
    for entry in RUNBOOK.split("\n## ")[1:]:
        assert [word for word in ("**You see**", "**Why.**", "**Do", "**Over**") if word not in entry] == []


@pytest.mark.parametrize(
    ("status", "users", "metric", "heading"),
    [
        (401, 1, "KeysRejected", "Key rotated"),
        (403, 1, "VendorRefused", "Account suspended"),
        (409, 1, "VendorRefused", "Key rotated"),
        (404, 1, "VendorRefused", "Endpoint not enabled"),
        (429, 1, "VendorThrottled", "Quota shared with somebody else"),
        (503, 1, "VendorTrouble", "Vendor down"),
        (400, 1, "RequestsRejected", "Errors"),
        (413, 1, "RequestsRejected", None),
        (413, 2, "RequestsReshaped", None),
    ],
)
def test_what_is_heard_of_a_call(
    stage: Stage, simulator: Simulator, status: int, users: int, metric: str, heading: str | None
) -> None:
    """A call that fails is heard of with its metric and entry; the next one, answered, as a success."""
    services = FetchServices(stage)
    simulator.set_faults(Fault(status=status, calls=1))
    wanted = {customer(f"user-{number}"): services.clock() for number in range(users)}
    services.fetch.fetch(wanted, LookupRequest("default", lookup_id="lookup-1"), until=services.clock() + 60)
    heard = services.heard[0]
    assert heard.error is not None
    assert (heard.users, metric_of(heard.error, users), heading_of(heard.error)) == (users, metric, heading)
    assert all(one.error is None for one in services.heard[1:])
