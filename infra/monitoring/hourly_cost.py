"""What the stage costs while it works, calculated from what it uses: the parts that grow with the work.

Storage, logs, traces and what is paid by the month (secrets, alarms, a NAT gateway) are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from infra.monitoring.metrics import SUM, Measures, math
from infra.monitoring.prices import LAMBDA_GB_SECOND, LAMBDA_REQUEST, READ_UNIT, WRITE_UNIT

HOUR = Duration.hours(1)


def cost_of_an_hour(measures: Measures) -> cloudwatch.MathExpression:
    """Return dollars of Lambda and DynamoDB in an hour."""
    terms = {**_functions(measures), **_tables(measures)}
    using = {name: metric for name, (metric, _) in terms.items()}
    total = " + ".join(f"FILL({name}, 0) * {price:.12f}" for name, (_, price) in terms.items())
    return math(total, using, HOUR, "$ an hour")


Terms = Mapping[str, tuple[cloudwatch.IMetric, float]]


def _functions(measures: Measures) -> Terms:
    terms: dict[str, tuple[cloudwatch.IMetric, float]] = {}
    for number, function in enumerate(measures.watched.functions.values()):
        made = cast("lambda_.CfnFunction", function.node.default_child)
        gigabytes = (made.memory_size or 128) / 1024
        duration = function.metric_duration(statistic=SUM, period=HOUR)  # in milliseconds
        terms[f"time{number}"] = (duration, gigabytes / 1000 * LAMBDA_GB_SECOND)
        terms[f"calls{number}"] = (function.metric_invocations(statistic=SUM, period=HOUR), LAMBDA_REQUEST)
    return terms


def _tables(measures: Measures) -> Terms:
    terms: dict[str, tuple[cloudwatch.IMetric, float]] = {}
    for number, table in enumerate(measures.watched.tables.values()):
        written = table.metric_consumed_write_capacity_units(statistic=SUM, period=HOUR)
        read = table.metric_consumed_read_capacity_units(statistic=SUM, period=HOUR)
        terms[f"written{number}"], terms[f"read{number}"] = (written, WRITE_UNIT), (read, READ_UNIT)
    return terms
