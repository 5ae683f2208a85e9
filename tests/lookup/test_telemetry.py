"""What an invocation writes of its metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lookup.telemetry import Metric, count, metrics, publishes_metrics


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Clear what this process has counted outside of a handler."""
    metrics.clear_metrics()


@publishes_metrics
def handler(event: dict[str, Any], _: object) -> str:
    for _ in range(event["times"]):
        count(Metric.USERS_FOUND)
    if event["fails"]:
        raise ValueError
    return "answer"


def test_metrics_of_an_invocation_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Values of one metric are together, in the embedded metric format, and no later invocation repeats them."""
    assert handler({"times": 2, "fails": False}, None) == "answer"
    (line,) = capsys.readouterr().out.splitlines()
    written = json.loads(line)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "UsersFound", "Unit": "Count"}]
    assert written["UsersFound"] == [1.0, 1.0]
    assert line == json.dumps(written, separators=(",", ":"))
    handler({"times": 0, "fails": False}, None)
    assert capsys.readouterr().out == ""


def test_an_invocation_without_metrics_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a line nor a warning: both would be paid by their bytes, with every request."""
    assert handler({"times": 0, "fails": False}, None) == "answer"
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_failed_invocation_tells_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics are written however the invocation ends, and its error is Lambda's."""
    with pytest.raises(ValueError):  # noqa: PT011 - the handler's own, without a text
        handler({"times": 1, "fails": True}, None)
    assert json.loads(capsys.readouterr().out)["UsersFound"] == [1.0]
