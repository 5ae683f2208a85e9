"""A lookup over a roster as the ledger knows it: what was asked, how far it was fed, what became of it.

Every lookup ends with `requested = found + not_found + invalid + failed`: `Cursor.entries_fed` is the left, written
when parts are fed; `CompletedParts` is the right, written when parts complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lookup.errors import ServiceError
from lookup.model import Counts, Outcome, Part, RosterRange

KEPT_SECONDS = 90 * 24 * 3600  # that the ledger keeps what it wrote
SECONDS_PER_ENTRY = 0.06  # of MoEngage's default quota, 1,000 users a minute


class LookupState(StrEnum):
    """Where a lookup stands; `completed` and `cancelled` are final but for a retry of what failed."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STANDING = "standing"  # the day's intake, which never ends by itself


@dataclass(frozen=True, slots=True)
class Roster:
    """A list of identifiers in S3, pinned by its version. Sizes are bytes; `entries` is an estimate.

    `counted` is how many were counted where all of them must be, and that was more work than there was time for.
    """

    key: str
    version_id: str | None
    size: int
    entries: int
    gzipped: bool = False
    counted: int | None = None

    @property
    def needs_conversion(self) -> bool:
        """Whether nothing of it may be fed as it lies there: it is to be unpacked, or counted to its end, before."""
        return self.gzipped or self.counted is not None

    @property
    def least(self) -> int:
        """How many entries are charged for when it is submitted; the rest is when all are counted."""
        return self.entries if self.counted is None else self.counted


@dataclass(frozen=True, slots=True)
class DailyCharge:
    """How many users a lookup was charged for, and on which day (UTC, `2026-11-25`).

    `users` of None: what was charged stands, and nothing is corrected when the lookup ends. So it is with a retry, and
    with a request that was charged before it became a lookup.
    """

    users: int | None
    day: str


def turn_of(submitted_at: float, entries: int) -> float:
    """Compute when so many entries would be done if they had a quota to themselves."""
    return submitted_at + SECONDS_PER_ENTRY * entries


@dataclass(frozen=True, slots=True)
class LookupSpec:
    """What was asked for; never changes. `weight` is the partner's share against other partners.

    `charged` is None for a partner without a limit.
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

    @property
    def turn(self) -> float:
        """Where it stands among its partner's own lookups: when it would be done if it had a quota to itself.

        So a small one overtakes a large one, and a large one does not wait for small ones for ever. It is fixed when
        the lookup is submitted; those of an earlier release have none written down.
        """
        return turn_of(self.submitted_at, self.roster.entries) if self.due_at is None else self.due_at


@dataclass(frozen=True, slots=True)
class Claim:
    """One feeder's word that it is sending the part at the cursor; after `until` anybody may take it over.

    A claim that is taken over keeps `fed_at`, so that the part that is sent again is the same part, and `charged`, the
    entries that the partner's share was charged for it beforehand.
    """

    token: str
    until: float
    fed_at: float
    charged: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a lookup is fed: bytes and lines of the roster, parts and entries. `round` counts retries of failures."""

    position: int = 0
    line: int = 1
    parts_fed: int = 0
    entries_fed: int = 0
    round: int = 0
    retried_after: str = ""
    exhausted: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class CompletedParts:
    """What became of the parts that are in."""

    parts_done: int = 0
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class LookupRecord:
    """A lookup as it stands. `ended_because` says why it was cancelled, when nobody asked for it."""

    spec: LookupSpec
    state: LookupState
    cursor: Cursor
    tally: CompletedParts
    finished_at: float | None = None
    ended_because: str | None = None

    @property
    def is_in(self) -> bool:
        """Whether everything that was fed is counted and nothing is left to feed."""
        return is_in(self.state, self.cursor, self.tally)

    @property
    def left(self) -> int:
        """How many users are still to be fed, by the estimate; at least one, until it is known that there is none."""
        if self.cursor.exhausted:
            return 0
        failed = self.tally.counts.failed
        return max(1, failed if self.cursor.round else self.spec.roster.entries - self.cursor.entries_fed)

    @property
    def is_ready(self) -> bool:
        """Whether the feeder may choose it: it is active, readable as it lies there, and not fed out."""
        return self.state is LookupState.ACTIVE and not self.cursor.exhausted and not self.spec.roster.needs_conversion

    @property
    def requested(self) -> int:
        """How many identifiers are asked for: exact once the roster is exhausted, until then the better estimate."""
        if self.ended_because is not None and self.finished_at is not None:
            return self.tally.counts.requested
        if self.is_estimated:
            return max(self.spec.roster.entries, self.cursor.entries_fed)
        return self.cursor.entries_fed

    @property
    def is_estimated(self) -> bool:
        """Whether `requested` is an estimate still."""
        is_first_round = self.cursor.round == 0
        return is_first_round and not self.cursor.exhausted and self.state is not LookupState.CANCELLED


@dataclass(frozen=True, slots=True)
class LookupSummary:
    """A lookup as the sweep looks at it: without what was asked for, which may be long."""

    lookup_id: str
    state: LookupState
    cursor: Cursor
    tally: CompletedParts
    finished_at: float | None = None

    @property
    def is_in(self) -> bool:
        """Whether everything that was fed is counted and nothing is left to feed."""
        return is_in(self.state, self.cursor, self.tally)


def is_in(state: LookupState, cursor: Cursor, tally: CompletedParts) -> bool:
    """Return whether everything of a lookup that was fed is counted and nothing is left to feed."""
    fed_out = cursor.exhausted or state is LookupState.CANCELLED
    return fed_out and cursor.claim is None and tally.parts_done >= cursor.parts_fed


@dataclass(frozen=True, slots=True)
class RosterSegment:
    """A part as it lies in the roster, and the number of the line after it."""

    part: Part
    origin: RosterRange
    next_line: int

    @property
    def entries(self) -> int:
        """How many identifiers and junk lines it holds."""
        return len(self.part.identifiers) + len(self.part.invalid)


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """What the ledger keeps of a part that is in: its counts, its result object, and where it came from.

    `laid_aside` is the reason for which its message has to be on the dead-letter queue, if it has to.
    """

    number: str
    counts: Counts
    key: str
    fed_at: float
    origin: RosterRange
    laid_aside: str | None = None


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
        """Count what the part's lookup found changed; the same when it is read from the store at a second delivery."""
        profiles = {one.profile.identifier: one.profile for one in outcomes if one.profile is not None}
        own = [one for one in profiles.values() if one.lookup_id == part.lookup_id]
        changed = sum(one.changed_at == one.fetched_at for one in own)
        return cls(part.lookup_id, part.workspace, key, len(profiles), changed)


@dataclass(frozen=True, slots=True)
class Reservation:
    """An action that belongs to a transaction of somebody else's: what it counts is counted with it, or not at all.

    `refusal` makes the fault to raise when the action's condition does not hold.
    """

    action: Mapping[str, Any]
    refusal: Callable[[], ServiceError]


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a lookup is charged, and what charges it in the lookup's own transaction; nothing without a limit."""

    charge: DailyCharge | None = None
    reservations: tuple[Reservation, ...] = ()
