"""Refreshes of rosters: what a firing of EventBridge Scheduler asks for, made into parts on the queue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lookup import intake
from lookup.errors import InvalidInput
from lookup.model import Clock, Part
from lookup.queues import Queues
from lookup.roster import entries, in_parts
from lookup.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")  # EventBridge Scheduler's rule; the name becomes part of S3 keys
KEYS = {"schedule", "scheduled_time", "workspace", "roster", "fields", "max_age"}
CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of one schedule; a second delivery of the same firing gives the same lookup."""

    lookup_id: str
    scheduled_at: float
    workspace: str
    roster: str
    fields: tuple[str, ...] | None
    max_age: float


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
    scheduled_at = _time(event.get("scheduled_time"))
    return Firing(
        lookup_id=f"{name}-{datetime.fromtimestamp(scheduled_at, UTC):%Y%m%dT%H%M%SZ}",
        scheduled_at=scheduled_at,
        workspace=intake.text(event, "workspace") or "default",
        roster=roster,
        fields=intake.field_names(event),
        max_age=intake.max_age(event),
    )


def _time(written: object) -> float:
    """Read a time; without an offset it is UTC."""
    try:
        read = datetime.fromisoformat(written if isinstance(written, str) else "")
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput("scheduled_time", "must be an ISO 8601 time") from None


class Schedules:
    """Serves firings."""

    def __init__(self, *, s3: S3Client, queues: Queues, settings: Settings, clock: Clock) -> None:
        self._s3 = s3
        self._queues = queues
        self._settings = settings
        self._clock = clock

    def fire(self, firing: Firing) -> int:
        """Put the roster's identifiers on the parts queue; give the number of parts.

        Raises `UnknownWorkspace` before anything is read, botocore's `ClientError` when there is no such roster.
        """
        self._settings.workspace(firing.workspace)
        body = self._s3.get_object(Bucket=self._settings.bucket_name, Key=firing.roster)["Body"]
        return self._queues.send(self._parts(firing, entries(body.iter_lines(CHUNK))))

    def _parts(self, firing: Firing, items: Iterator[intake.Entry]) -> Iterator[Part]:
        for number, chunk in enumerate(in_parts(items), 1):
            identifiers, invalid = intake.sorted_out(chunk)
            yield Part(
                lookup_id=firing.lookup_id,
                number=f"{number:06}",
                workspace=firing.workspace,
                identifiers=identifiers,
                invalid=invalid,
                submitted_at=firing.scheduled_at,
                fed_at=firing.scheduled_at,
                max_age=firing.max_age,
                fields=firing.fields,
            )
