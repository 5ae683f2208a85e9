"""Cold starts: CPU of a whole process that imports a handler and answers its first event, in units of boto3's start."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.light.processes import cpu_of, environment_of, first_event
from tests.benchmarks.light.stage import EVENTS, Deployed

UNIT = "import boto3; boto3.client('dynamodb')"
SAMPLES = 9
TARGETS: Mapping[str, float] = {"on_queue": 1.25, "on_schedule": 1.3, "on_request": 1.8}
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Starts:
    """CPU seconds of starts, of each kind in the order in which they were measured, turn by turn."""

    unit: tuple[float, ...]
    functions: Mapping[str, tuple[float, ...]]

    def ratios(self) -> dict[str, float]:
        """Return each function's median in units: of a turn's own unit, so that a slower minute slows both."""
        return {
            name: round(median(own / unit for own, unit in zip(seconds, self.unit, strict=True)), 3)
            for name, seconds in self.functions.items()
        }


def measured(deployed: Deployed, samples: int = SAMPLES) -> Starts:
    """Start everything `samples` times in turn, after a first turn that does not count: it may write bytecode."""
    unit, functions = list[float](), {name: list[float]() for name in TARGETS}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(samples + 1):
            seconds = {name: _started(deployed, name, Path(folder)) for name in TARGETS}
            own = cpu_of([sys.executable, "-c", UNIT], environment_of(deployed))
            if turn:
                unit.append(own)
                for name, took in seconds.items():
                    functions[name].append(took)
    return Starts(tuple(unit), {name: tuple(own) for name, own in functions.items()})


def _started(deployed: Deployed, name: str, folder: Path) -> float:
    event = folder / f"{name}.json"
    event.write_text(json.dumps(EVENT_OF[name]()))
    return first_event(deployed, name, event)


def _part() -> dict[str, Any]:
    """Return a part of users whom no start has asked for yet."""
    event: dict[str, Any] = json.loads((EVENTS / "on_queue/parts.json").read_text())
    (record,) = event["Records"]
    body = json.loads(record["body"])
    number = next(_numbers)
    identifiers = [[kind, f"{name}-{number}"] for kind, name in body["identifiers"]]
    record["body"] = json.dumps(body | {"lookup_id": f"{body['lookup_id']}-{number}", "identifiers": identifiers})
    return event


def _tick() -> dict[str, Any]:
    tick: dict[str, Any] = json.loads((EVENTS / "on_schedule/tick.json").read_text())
    return tick


def _warm_hit() -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "on_request/get_profile.json").read_text())
    return event | {"rawQueryString": "max_age=86400", "queryStringParameters": {"max_age": "86400"}}


EVENT_OF: Mapping[str, Callable[[], dict[str, Any]]] = {
    "on_queue": _part,
    "on_schedule": _tick,
    "on_request": _warm_hit,
}
