"""A lookup over a roster in the ledger: its request, how far it is fed, the counts of its outcomes.

Every lookup ends with `requested = found + not_found + invalid + failed`: `Cursor.entries_fed` is the left side,
written when parts are fed; `CompletedParts` is the right side, written when parts complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lookup.errors import ServiceError
from lookup.model import Counts, Outcome, Part, RosterRange

RETENTION_SECONDS = 90 * 24 * 3600  # of the ledger's items
PARTS_SECONDS = 7 * 24 * 3600.0  # for which parts are kept after their lookup's end, and their failures can be retried
SECONDS_PER_ENTRY = 0.06  # of MoEngage's default quota, 1,000 users a minute


class LookupState(StrEnum):
    """The state of a lookup; `completed` and `cancelled` are final but for a retry of failed identifiers."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INTAKE_DAY = "standing"  # the day's intake, which never ends by itself


@dataclass(frozen=True, slots=True)
class Roster:
    """A list of identifiers in S3, pinned by its version. Sizes are bytes; `entries` is an estimate.

    `counted` is set when the exact number is required and was not found in time: the number counted by then.
    """

    key: str
    version_id: str | None
    size: int
    entries: int
    needs_rewriting: bool = False
    counted: int | None = None

    @property
    def needs_conversion(self) -> bool:
        """Whether it must be converted, or counted to its end, before any of it is fed."""
        return self.needs_rewriting or self.counted is not None

    @property
    def charged_entries(self) -> int:
        """The entries that are charged at submission; the rest is charged when all are counted."""
        return self.entries if self.counted is None else self.counted


# Users of the day that a lookup takes whoever it asks for, or nobody: it costs writes, objects and events all the same,
# and of a partner with a limit only this count bounds them.
LEAST_CHARGE = 1


@dataclass(frozen=True, slots=True)
class DailyCharge:
    """The users that a lookup was charged for, and the day (UTC, `2026-11-25`).

    With `users` of None the charge is not corrected when the lookup ends: for a retry, and for a request that was
    charged before it became a lookup.
    """

    users: int | None
    day: str


def turn_of(submitted_at: float, entries: int) -> float:
    """Return when so many entries would be done if they had the whole quota."""
    return submitted_at + SECONDS_PER_ENTRY * entries


@dataclass(frozen=True, slots=True)
class LookupSpec:
    """The request; it never changes. `weight` is the partner's share against other partners.

    `charged` is None for a partner without a limit. `formats` are those of its results beside NDJSON and Parquet.
    """

    lookup_id: str
    workspace: str
    partner: str
    submitted_at: float
    roster: Roster
    max_age: float = 0.0
    fields: tuple[str, ...] | None = None
    weight: int = 1
    charged: DailyCharge | None = None
    due_at: float | None = None
    formats: tuple[str, ...] = ()

    @property
    def turn(self) -> float:
        """Its place among its partner's own lookups: when it would be done if it had the whole quota.

        So a small one overtakes a large one, and a large one does not wait for small ones for ever. It is fixed at
        submission; lookups of an earlier release have none stored.
        """
        return turn_of(self.submitted_at, self.roster.entries) if self.due_at is None else self.due_at


@dataclass(frozen=True, slots=True)
class Claim:
    """One feeder's claim to send the part at the cursor; after `until` another feeder may take it over.

    A claim that is taken over keeps `fed_at`, so that the same part is sent again, and `advanced`, the entries by
    which its partner's share was advanced beforehand.
    """

    token: str
    until: float
    fed_at: float
    advanced: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a lookup is fed: bytes and lines of the roster, parts, entries. `retry_round` counts retries."""

    position: int = 0
    line: int = 1
    parts_fed: int = 0
    entries_fed: int = 0
    retry_round: int = 0
    retried_after: str = ""
    exhausted: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class CompletedParts:
    """The counts of the completed parts."""

    parts_done: int = 0
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class LookupRecord:
    """A lookup. `ended_because` is the reason of a cancellation that was not requested."""

    spec: LookupSpec
    state: LookupState
    cursor: Cursor
    tally: CompletedParts
    finished_at: float | None = None
    ended_because: str | None = None

    @property
    def is_fully_counted(self) -> bool:
        """Whether all fed parts are counted and nothing is left to feed."""
        return is_fully_counted(self.state, self.cursor, self.tally)

    def has_expired_parts(self, now: float) -> bool:
        """Return whether its parts are deleted, or about to be, as some days after its end."""
        return self.finished_at is not None and now >= self.finished_at + PARTS_SECONDS

    @property
    def left(self) -> int:
        """The users still to be fed, by the estimate; at least one until the roster is exhausted."""
        if self.cursor.exhausted:
            return 0
        failed = self.tally.counts.failed
        return max(1, failed if self.cursor.retry_round else self.spec.roster.entries - self.cursor.entries_fed)

    @property
    def is_ready(self) -> bool:
        """Whether the feeder may choose it: it is active, needs no conversion, and is not exhausted."""
        return self.state is LookupState.ACTIVE and not self.cursor.exhausted and not self.spec.roster.needs_conversion

    @property
    def requested(self) -> int:
        """The requested identifiers: exact once the roster is exhausted, until then the better estimate."""
        if self.ended_because is not None and self.finished_at is not None:
            return self.tally.counts.requested
        if self.is_estimated:
            return max(self.spec.roster.entries, self.cursor.entries_fed)
        return self.cursor.entries_fed

    @property
    def is_estimated(self) -> bool:
        """Whether `requested` is still an estimate."""
        is_first_round = self.cursor.retry_round == 0
        return is_first_round and not self.cursor.exhausted and self.state is not LookupState.CANCELLED


@dataclass(frozen=True, slots=True)
class LookupSummary:
    """A lookup without its request, which may be long: for the sweep."""

    lookup_id: str
    state: LookupState
    cursor: Cursor
    tally: CompletedParts
    finished_at: float | None = None

    @property
    def is_fully_counted(self) -> bool:
        """Whether all fed parts are counted and nothing is left to feed."""
        return is_fully_counted(self.state, self.cursor, self.tally)


def is_fully_counted(state: LookupState, cursor: Cursor, tally: CompletedParts) -> bool:
    """Return whether all fed parts of a lookup are counted and nothing is left to feed."""
    fed_out = cursor.exhausted or state is LookupState.CANCELLED
    return fed_out and cursor.claim is None and tally.parts_done >= cursor.parts_fed


@dataclass(frozen=True, slots=True)
class FeedingStep:
    """A part as read from the roster, and how the cursor moves past it; the part may have no entries.

    `next_line` is the number of the line after it, `users` how many fewer are left to feed, by the estimate. With
    `is_last` nothing comes after it. `length` is in bytes: of it and `entries` its cost is computed. `retried_after` is
    the sort key of the last part that a retry has passed.
    """

    part: Part
    origin: RosterRange
    next_line: int
    length: int
    users: int = 0
    is_last: bool = False
    retried_after: str = ""

    @property
    def entries(self) -> int:
        """Its identifiers and invalid lines."""
        return len(self.part.identifiers) + len(self.part.invalid)


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """The ledger's record of a completed part: its counts, its result object, and its place in the roster.

    `dead_letter_reason` is set when its message belongs on the dead-letter queue.
    """

    number: str
    counts: Counts
    key: str
    fed_at: float
    origin: RosterRange
    dead_letter_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedProfiles:
    """How many of a result object's `profiles` are new, gone, or differ in a field from the fetch before."""

    lookup_id: str
    workspace: str
    key: str
    profiles: int
    changed: int

    @classmethod
    def of(cls, part: Part, key: str, outcomes: Iterable[Outcome]) -> ChangedProfiles:
        """Count the changes that the part's lookup found; a second delivery that reads the store counts the same."""
        profiles = {one.profile.identifier: one.profile for one in outcomes if one.profile is not None}
        own = [one for one in profiles.values() if one.lookup_id == part.lookup_id]
        changed = sum(one.changed_at == one.fetched_at for one in own)
        return cls(part.lookup_id, part.workspace, key, len(profiles), changed)


@dataclass(frozen=True, slots=True)
class Reservation:
    """An action for another transaction, in which it is written together or not at all.

    `refusal` returns the error to raise when the action's condition fails.
    """

    action: Mapping[str, Any]
    refusal: Callable[[], ServiceError]


@dataclass(frozen=True, slots=True)
class Reserved:
    """The charge of a lookup, and the actions that charge it in the lookup's transaction; none without a limit."""

    charge: DailyCharge | None = None
    reservations: tuple[Reservation, ...] = ()
