"""The estimate of what an hour costs."""

from __future__ import annotations

import json
import re

import pytest

from infra.monitoring.prices import LAMBDA_GB_SECOND, LAMBDA_REQUEST, READ_UNIT, WRITE_UNIT
from tests.benchmarks.cost.prices import PRICES, Item
from tests.infra.template import Template, text


def _terms(template: Template) -> dict[str, tuple[str, str, float]]:
    """By term of the sum: namespace and metric, and the price of one of it."""
    body = json.loads(text(template.only("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    (widget,) = [one for one in body["widgets"] if one["properties"]["title"].startswith("Cost")]
    (expression, *_), *metrics = widget["properties"]["metrics"]
    prices = re.findall(r"FILL\((\w+), 0\) \* ([\d.]+)", expression["expression"])
    named = {metric[-1]["id"]: (metric[0], metric[1]) for metric in metrics}
    return {name: (*named[name], float(price)) for name, price in prices}


def test_an_hour_of_lambda_and_dynamodb_is_priced(template: Template) -> None:
    """Requests and gigabyte-seconds of each function, units read and written of each table, at their prices."""
    terms = _terms(template)
    assert len(terms) == 2 * len(template.functions()) + 2 * 2
    prices = {metric: price for _, metric, price in terms.values()}
    assert prices["Invocations"] == pytest.approx(LAMBDA_REQUEST)
    assert prices["ConsumedWriteCapacityUnits"] == pytest.approx(WRITE_UNIT)
    assert prices["ConsumedReadCapacityUnits"] == pytest.approx(READ_UNIT)
    assert {namespace for namespace, _, _ in terms.values()} == {"AWS/Lambda", "AWS/DynamoDB"}


def test_time_is_priced_by_the_function_s_memory(template: Template) -> None:
    """A millisecond of a function costs its gigabytes at the price of a gigabyte-second."""
    memories = [function["MemorySize"] for function in template.functions().values()]
    prices = sorted(price for _, metric, price in _terms(template).values() if metric == "Duration")
    assert prices == pytest.approx(sorted(memory / 1024 / 1000 * LAMBDA_GB_SECOND for memory in memories), rel=1e-3)


def test_the_prices_are_those_of_the_cost_model() -> None:
    """The dashboard and `make cost` calculate with the same prices."""
    items = (Item.GB_SECOND, Item.INVOCATION, Item.DYNAMODB_WRITE, Item.DYNAMODB_READ)
    ours = (LAMBDA_GB_SECOND, LAMBDA_REQUEST, WRITE_UNIT, READ_UNIT)
    assert [PRICES[item].of(1) for item in items] == pytest.approx(ours)
