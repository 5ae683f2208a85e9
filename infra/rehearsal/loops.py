"""What Lambda dropped as part of an endless loop: nothing, or `RecursiveLoop` is missing somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.rehearsal.report import Failed

FUNCTION_OUTPUT = "FunctionName"  # how the outputs end that name a function
LOOKED_BACK = timedelta(hours=3)  # further than any rehearsal


def none_dropped(cloudwatch: Any, outputs: Mapping[str, str]) -> str:  # noqa: ANN401 - boto3 makes its class
    """Check every function of the outputs. Raises `Failed` with the names of those that were not invoked."""
    functions = sorted(value for name, value in outputs.items() if name.endswith(FUNCTION_OUTPUT))
    dropped = [name for name in functions if _dropped(cloudwatch, name) > 0]
    if dropped:
        raise Failed(f"Lambda dropped invocations of {', '.join(dropped)} as a recursive loop")
    return f"nothing was dropped of {len(functions)} functions"


def _dropped(cloudwatch: Any, function: str) -> float:  # noqa: ANN401 - as above
    now = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="RecursiveInvocationsDropped",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - LOOKED_BACK,
        EndTime=now + timedelta(minutes=1),
        Period=300,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))
