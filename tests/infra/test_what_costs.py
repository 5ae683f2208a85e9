"""What costs money by itself: off, or small, until a stage wants it, and priced."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from infra.app import ROOT
from tests.benchmarks.cost.fixed import monthly
from tests.benchmarks.cost.model import Line
from tests.benchmarks.cost.prices import PRICES, Item
from tests.benchmarks.cost.report import NAMES, Report, written
from tests.infra.template import Template

TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}


def test_a_stage_may_trace_its_functions(full: Template) -> None:
    """With tracing every function is traced, and its role may write traces."""
    assert {function["TracingConfig"]["Mode"] for function in full.functions().values()} == {"Active"}
    for role_id in full.of_type("AWS::IAM::Role"):
        actions = {action for one in full.statements(role_id) for action in one["Action"]}
        assert (actions >= TRACES) == role_id[:-8].endswith(
            ("RequestRole", "QueueRole", "ScheduleRole", "ConversionRole", "ResultsRole", "WebhookRole", "ErasureRole")
        )


def test_the_memory_of_the_queues_function_is_a_setting(full: Template, template: Template) -> None:
    """It mostly waits for quota, and waiting is paid by the memory: 256 MB unless a stage wants more."""
    assert template.functions()["on_queue"]["MemorySize"] == 256
    assert full.functions()["on_queue"]["MemorySize"] == 512


@pytest.mark.parametrize(("stage", "secrets", "clients", "network"), [("prod", 2, 1, 0), ("full", 4, 2, 730)])
def test_a_month_is_counted_in_the_template(
    stage: str, secrets: int, clients: int, network: float, templates: Mapping[str, Template]
) -> None:
    """Every resource has a price or is free; the page and the JSON agree."""
    month = monthly(templates[stage].path, {Item.INVOCATION: 1})
    assert (month[Item.SECRET], month[Item.APP_CLIENT], month[Item.INVOCATION]) == (secrets, clients, 43_800)
    assert (month.get(Item.NAT_HOUR, 0), Item.SNAPSHOT_GB_SECOND in month) == (network, stage == "full")
    report = Report((Line("any", {Item.HTTP_REQUEST: 1e6}, 1.0, 256),) * len(NAMES), month)
    assert report.to_json()["warm_hit"] == 1.0
    assert f"costs ${report.to_json()['fixed_monthly']:.2f} a month" in written(report)


def test_the_page_of_costs_is_that_of_this_template(templates: Mapping[str, Template]) -> None:
    """What `prod` is made of has its row in docs/cost.md with its number, and the rows make the month (`make cost`)."""
    page = (ROOT / "docs" / "cost.md").read_text()
    for item, number in monthly(templates["prod"].path, {}).items():
        assert f"| {item} | {number:,.0f} | {PRICES[item].of(number):.2f} |" in page
    month = page.partition("## A month\n")[2].partition("\n## ")[0]
    rows = [float(dollars) for dollars in re.findall(r"^\| .* \| .* \| ([\d.]+) \|$", month, re.MULTILINE)]
    (total,) = re.findall(r"costs \$([\d.]+) a month", page)
    assert float(total) == pytest.approx(sum(rows), abs=0.05)
