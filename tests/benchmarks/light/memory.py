"""The most memory that a function instance has: at huge rosters, large profiles and large answers."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from infra.local.ministack.process import EmbeddedAws
from lookup.model import PART_LIMIT
from tests.benchmarks.cost.scenarios import posted
from tests.benchmarks.light.processes import peak_mb
from tests.benchmarks.light.stage import EVENTS, Deployed, ample_stage

LINES = 1_000_000
PROFILE_BYTES = 150_000  # of a large profile's attributes
ANSWERED = 33  # such profiles make an answer of 5 MB


def measured(server: EmbeddedAws, lines: int = LINES) -> dict[str, float]:
    """Return MB by function and case; every case has a process and a stage of its own."""
    cases: Mapping[str, tuple[str, Callable[[Deployed, int], dict[str, Any]]]] = {
        f"on_request, roster of {lines:,} lines": ("on_request", _submitted),
        f"on_request, roster of {lines:,} lines, gzip": ("on_request", _submitted_packed),
        "on_request, answer of 5 MB": ("on_request", _large_answer),
        "on_queue, part of 100 profiles of 150 KB": ("on_queue", _large_part),
        f"on_schedule, roster of {lines:,} lines": ("on_schedule", _fired),
    }
    return {name: _peak(server, module, event, lines) for name, (module, event) in cases.items()}


def _peak(server: EmbeddedAws, module: str, event_of: Callable[[Deployed, int], dict[str, Any]], lines: int) -> float:
    with ample_stage(server) as deployed, tempfile.TemporaryDirectory() as folder:
        event = Path(folder) / "event.json"
        event.write_text(json.dumps(event_of(deployed, lines)))
        return round(peak_mb(deployed, module, event), 1)


def _roster(deployed: Deployed, key: str, body: bytes) -> None:
    deployed.stage.s3.put_object(Bucket=deployed.stage.settings.bucket_name, Key=key, Body=body)


def _lines(lines: int) -> bytes:
    return b"customer_id\n" + "".join(f"customer-{number:07}\n" for number in range(lines)).encode()


def _submitted(deployed: Deployed, lines: int) -> dict[str, Any]:
    roster_id = uuid4().hex
    _roster(deployed, f"rosters/acme/{roster_id}", _lines(lines))
    return posted({"roster_id": roster_id})


def _submitted_packed(deployed: Deployed, lines: int) -> dict[str, Any]:
    roster_id = uuid4().hex
    _roster(deployed, f"rosters/acme/{roster_id}", gzip.compress(_lines(lines), mtime=0))
    return posted({"roster_id": roster_id})


def _fired(deployed: Deployed, lines: int) -> dict[str, Any]:
    _roster(deployed, "rosters/refresh.csv", _lines(lines))
    event: dict[str, Any] = json.loads((EVENTS / "on_schedule/refresh.json").read_text())
    return event


def _large_answer(deployed: Deployed, _: int) -> dict[str, Any]:
    return posted({"identifiers": _large_users(deployed, ANSWERED)})


def _large_part(deployed: Deployed, _: int) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "on_queue/parts.json").read_text())
    (record,) = event["Records"]
    identifiers = [["customer_id", name] for name in _large_users(deployed, PART_LIMIT)]
    record["body"] = json.dumps(json.loads(record["body"]) | {"identifiers": identifiers, "invalid": []})
    return event


def _large_users(deployed: Deployed, number: int) -> list[str]:
    """Create users of `PROFILE_BYTES`, in attributes of the usual length."""
    names = [f"large-{one}" for one in range(number)]
    for name in names:
        many = {
            f"attribute_{one:05}": f"a value of some length, as they are: {one:05}"
            for one in range(PROFILE_BYTES // 64)
        }
        deployed.vendor.set_user(name, {"customer_id": name, **many}, exact=True)
    return names
