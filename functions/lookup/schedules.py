"""What a firing of EventBridge Scheduler asks for: a roster refreshed as a lookup, once for each time it fires."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lookup import intake
from lookup.errors import InvalidInput, LookupFault
from lookup.feeder import Feeder
from lookup.ledger import Ledger
from lookup.lookup_model import LookupSpec
from lookup.reopening import Reopening
from lookup.rosters import Rosters
from lookup.settings import Settings
from lookup.telemetry import logger

NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")  # EventBridge Scheduler's rule; the name becomes part of S3 keys
HEAVIEST = 1000
KEYS = {"schedule", "scheduled_time", "workspace", "roster", "fields", "max_age", "partner", "weight"}
OPERATOR = "operator"  # whose lookups those of the stage's own schedules are


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of one schedule; `scheduled_at` is the same at every delivery of it."""

    schedule: str
    scheduled_at: float
    workspace: str
    roster: str
    fields: tuple[str, ...] | None
    max_age: float
    partner: str
    weight: int

    @property
    def lookup_id(self) -> str:
        """The lookup's id: a second delivery gives the same."""
        return f"{self.schedule}-{datetime.fromtimestamp(self.scheduled_at, UTC):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, slots=True)
class Fired:
    """What a firing led to: a lookup, new or the one of an earlier delivery; or that it was skipped, and for what."""

    lookup_id: str
    skipped_for: str | None = None


def read_firing(event: Mapping[str, Any]) -> Firing:
    """Read the input that the schedule gives its target. Raises `InvalidInput` naming the key."""
    if not isinstance(event, Mapping):
        raise InvalidInput("event", "must be an object")
    unknown = sorted(set(event) - KEYS)
    if unknown:
        raise InvalidInput(unknown[0][: intake.TEXT_KEPT], f"is unknown; known are {', '.join(sorted(KEYS))}")
    name, roster = intake.text(event, "schedule"), intake.text(event, "roster")
    if name is None or roster is None:
        raise InvalidInput("schedule" if name is None else "roster", "is required")
    if not NAME.fullmatch(name):
        raise InvalidInput("schedule", "must be 1 to 64 letters, digits, hyphens, underscores or dots")
    return Firing(
        schedule=name,
        scheduled_at=_time(event.get("scheduled_time")),
        workspace=intake.text(event, "workspace") or "default",
        roster=roster,
        fields=intake.field_names(event),
        max_age=intake.max_age(event),
        partner=intake.text(event, "partner") or OPERATOR,
        weight=_weight(event.get("weight")),
    )


def _time(written: object) -> float:
    """Read a time; without an offset it is UTC."""
    try:
        read = datetime.fromisoformat(written if isinstance(written, str) else "")
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput("scheduled_time", "must be an ISO 8601 time") from None


def _weight(value: object) -> int:
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= HEAVIEST:
        raise InvalidInput("weight", f"must be a whole number from 1 to {HEAVIEST}")
    return value


class Schedules:
    """Serves firings."""

    def __init__(
        self, *, ledger: Ledger, rosters: Rosters, feeder: Feeder, reopening: Reopening, settings: Settings
    ) -> None:
        self._ledger = ledger
        self._rosters = rosters
        self._feeder = feeder
        self._reopening = reopening
        self._settings = settings

    def fire(self, firing: Firing) -> Fired:
        """Submit the firing's lookup, unless the schedule's last one still runs.

        Raises `UnknownWorkspace`, and `InvalidInput` when the roster is missing or unreadable.
        """
        self._settings.workspace(firing.workspace)
        running = self._running(firing)
        if running is not None:
            self._ledger.note_firing(firing.schedule, skipped_at=firing.scheduled_at)
            return Fired(firing.lookup_id, skipped_for=running)
        if self._ledger.submit(self._spec(firing)):
            self._ledger.note_firing(firing.schedule, lookup_id=firing.lookup_id)
        self._feeder.feed(firing.workspace)
        return Fired(firing.lookup_id)

    def _running(self, firing: Firing) -> str | None:
        last = self._ledger.last_firing(firing.schedule).get("lookup_id")
        if last is None or last == firing.lookup_id:
            return None
        progress = self._ledger.progress(str(last))
        return str(last) if progress is not None and progress.finished_at is None else None

    def _spec(self, firing: Firing) -> LookupSpec:
        return LookupSpec(
            lookup_id=firing.lookup_id,
            workspace=firing.workspace,
            partner=firing.partner,
            submitted_at=firing.scheduled_at,
            roster=self._rosters.pin(firing.roster),
            max_age=firing.max_age,
            fields=firing.fields,
            weight=firing.weight,
        )

    def tick(self) -> int:
        """Tend every workspace; give how many identifiers went on the queue.

        One workspace's trouble is no other's: the first fault is raised when all have had their turn.
        """
        fed, faults = 0, list[Exception]()
        for workspace in self._settings.workspaces:
            try:
                fed += self._tended(workspace)
            except (LookupFault, BotoCoreError, ClientError, OSError) as fault:
                logger.error("workspace not tended", workspace=workspace, error=type(fault).__name__)
                faults.append(fault)
        if faults:
            raise faults[0]
        return fed

    def _tended(self, workspace: str) -> int:
        """Do again what was left undone, and feed."""
        self._reopening.look(workspace)
        self._feeder.sweep(workspace)
        return self._feeder.feed(workspace)
