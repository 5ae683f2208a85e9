"""The input of a firing of EventBridge Scheduler: which roster is to be refreshed, for whom, and when it was due."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lookup import validation
from lookup.errors import InvalidInput
from lookup.partners import OPERATOR

NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")  # EventBridge Scheduler's rule; the name becomes part of S3 keys
MAX_WEIGHT = 1000
KEYS = {"schedule", "scheduled_time", "workspace", "roster", "fields", "max_age", "partner", "weight"}


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
        """The lookup's id, the same at every delivery."""
        return f"{self.schedule}-{datetime.fromtimestamp(self.scheduled_at, UTC):%Y%m%dT%H%M%SZ}"


def parse_firing(event: Mapping[str, Any]) -> Firing:
    """Parse the input that a schedule sends its target. Raises `InvalidInput` naming the key."""
    if not isinstance(event, Mapping):
        raise InvalidInput("event", "must be an object")
    unknown = sorted(set(event) - KEYS)
    if unknown:
        raise InvalidInput("event", f"holds an unknown key; known are {', '.join(sorted(KEYS))}")
    name, roster = validation.optional_text(event, "schedule"), validation.optional_text(event, "roster")
    if name is None or roster is None:
        raise InvalidInput("schedule" if name is None else "roster", "is required")
    if not NAME.fullmatch(name):
        raise InvalidInput("schedule", "must be 1 to 64 letters, digits, hyphens, underscores or dots")
    return Firing(
        schedule=name,
        scheduled_at=_time(event.get("scheduled_time")),
        workspace=validation.optional_text(event, "workspace") or "default",
        roster=roster,
        fields=validation.parse_fields(event),
        max_age=validation.parse_max_age(event),
        partner=validation.optional_text(event, "partner") or OPERATOR,
        weight=_weight(event.get("weight")),
    )


def _time(written: object) -> float:
    """Parse a time; without an offset it is UTC."""
    try:
        read = datetime.fromisoformat(written if isinstance(written, str) else "")
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput("scheduled_time", "must be an ISO 8601 time") from None


def _weight(value: object) -> int:
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WEIGHT:
        raise InvalidInput("weight", f"must be a whole number from 1 to {MAX_WEIGHT}")
    return value
