"""A week after a run: ticks delete the parts of lookups, and are throttled, unanswered and killed at any moment.

The processes' clocks are set on by what is left until the deletion; everything else of the run has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookup.ledger.collecting.collections import MARGIN, PARTS_EXPIRY
from lookup.ledger.model import PARTS_SECONDS
from tests.chaos import instance
from tests.chaos.environment import Environment
from tests.chaos.findings import LOST, STUCK, WRONG, Findings
from tests.chaos.ledger_evidence import scan
from tests.chaos.plan import Plan
from tests.chaos.processes import Processes
from tests.lookup.stage import Stage

HOUR = 3600.0
TICKS, FAULTY_TICKS = 40, 8  # at most, and with faults; each in a process of its own, which looks at its first tick
LONGEST_LIFE = 0.5  # real seconds after which a tick is killed, in every second of the faulty ones


@dataclass(frozen=True)
class Week:
    """The objects before and after by key, each with its content's tag, and the entries that are left."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    due: int
    killed: int = 0


def pass_a_week(environment: Environment, plan: Plan, facts: Mapping[str, Any], folder: Path) -> Week:
    """Let ticks run after a run has ended, and read what is left."""
    folder.mkdir()
    later = {**facts, "later": PARTS_SECONDS + MARGIN + HOUR}
    processes, chance = Processes(environment.variables, later, folder), plan.chance("a week later")
    before = _objects(environment.stage)
    for tick in range(TICKS):
        if tick == FAULTY_TICKS:
            (folder / "calm").touch()
        slot = processes.slot(f"schedule-{tick:02}", instance.serve, "on_schedule")
        death = threading.Timer(chance.uniform(0.0, LONGEST_LIFE), slot.kill)
        if tick < FAULTY_TICKS and tick % 2:
            death.start()
        reply = slot.invoke({"task": "feed"})
        processes.killed["killed_at_any_moment"] += reply is None
        death.cancel()
        slot.end()
        if tick > FAULTY_TICKS and not _due(environment.stage):
            break
    killed = processes.killed["killed_at_any_moment"]
    return Week(before, _objects(environment.stage), _due(environment.stage), killed)


def check_week(week: Week, parts: set[str], found: Findings) -> None:
    """Compare: `parts` are the objects of parts of lookups that are collected, which end; all else stays as it is."""
    found.add(STUCK, "objects of parts are there a week after their lookups' end", len(parts & week.after.keys()))
    found.add(STUCK, "lookups are due for the deletion of their parts", week.due)
    kept = {key: tag for key, tag in week.before.items() if key not in parts}
    found.add(LOST, "objects were deleted beside the parts of lookups", len(kept.keys() - week.after.keys()))
    changed = [key for key, tag in kept.items() if week.after.get(key, tag) != tag]
    found.add(WRONG, f"objects hold something else a week later: {changed[:3]}", len(changed))


def _objects(stage: Stage) -> dict[str, str]:
    pages = stage.s3.get_paginator("list_objects_v2").paginate(Bucket=stage.settings.bucket_name)
    return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", [])}


def _due(stage: Stage) -> int:
    return sum(item["pk"] == PARTS_EXPIRY for item in scan(stage, stage.settings.ledger_table_name))
