"""The words of the service, as frozen values that every other module speaks in.

Times are seconds since the epoch (UTC) as floats; `timestamp` gives their written form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

Clock = Callable[[], float]
Sleep = Callable[[float], None]

# What a JSON text can hold once numbers are read without loss: int and Decimal, never float.
Json = None | bool | int | Decimal | str | Sequence["Json"] | Mapping[str, "Json"]
Attributes = Mapping[str, Json]

PAYLOAD_LIMIT = 20  # users in one vendor call (MoEngage, Get User: "max limit allowed is 20")
PART_LIMIT = 100  # identifiers in one part: one queue message, one S3 object, one completion


def timestamp(epoch: float) -> str:
    """Write a time as ISO 8601 in UTC with microseconds, of fixed width: text order is time order."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch(written: str) -> float:
    """Read what `timestamp` wrote."""
    return datetime.fromisoformat(written).timestamp()


class IdentifierType(StrEnum):
    """What an identifier is in MoEngage; `moengage_id` is a second spelling of `id`, understood at intake."""

    CUSTOMER_ID = "customer_id"
    ID = "id"


class Status(StrEnum):
    """What became of one identifier."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    FAILED = "failed"


class Lane(StrEnum):
    """Who is asking the gate: a person or system that waits, or work that nobody waits for."""

    ON_DEMAND = "on_demand"
    BULK = "bulk"


class Source(StrEnum):
    """Where an answer came from: MoEngage just now, our own store, or the store though it is too old (`STALE`)."""

    MOENGAGE = "moengage"
    STORED = "stored"
    STALE = "stale"


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One user's name in MoEngage: at most 512 characters, checked by `intake`."""

    identifier_type: IdentifierType
    identifier: str


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How a set of identifiers is to be looked up; `fields` of None means every attribute the workspace exports."""

    workspace: str
    lookup_id: str
    lane: Lane
    fields: tuple[str, ...] | None = None
    forwarded_for: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What MoEngage held of one user when it was asked; `attributes` of None means it held no such user.

    `fetched_at` is when the request left, so a later change is never older than it. `fields` is what was asked for.
    `replaced_fields` are the attributes whose text held half of a surrogate pair, and holds U+FFFD instead.
    """

    workspace: str
    identifier: Identifier
    attributes: Attributes | None
    fetched_at: float
    lookup_id: str
    fields: tuple[str, ...] | None = None
    changed_at: float | None = None
    changed_fields: tuple[str, ...] = ()
    replaced_fields: tuple[str, ...] = ()

    def covers(self, fields: tuple[str, ...] | None) -> bool:
        """Tell whether this profile answers a question for `fields` (None: all)."""
        if self.fields is None:
            return True
        return fields is not None and set(fields) <= set(self.fields)


@dataclass(frozen=True, slots=True)
class InvalidIdentifier:
    """Something handed to us that can never be sent: as text, with the rule it breaks and, in a roster, its line."""

    text: str
    reason: str
    identifier_type: str = IdentifierType.CUSTOMER_ID.value
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one identifier that was asked for."""

    asked: Identifier | InvalidIdentifier
    status: Status
    reason: str | None = None
    profile: Profile | None = None
    source: Source | None = None

    @classmethod
    def of_invalid(cls, invalid: InvalidIdentifier) -> Outcome:
        """Say of something that was never sent why it was not."""
        return cls(invalid, Status.INVALID, invalid.reason)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many identifiers ended how. Promise 1: at the end `requested` equals the sum of the other four."""

    requested: int = 0
    found: int = 0
    not_found: int = 0
    invalid: int = 0
    failed: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Counts:
        """Count outcomes by status."""
        by_status = dict.fromkeys(Status, 0)
        for outcome in outcomes:
            by_status[outcome.status] += 1
        return cls(sum(by_status.values()), **{status.value: number for status, number in by_status.items()})

    @property
    def balanced(self) -> bool:
        """Whether every requested identifier has exactly one outcome."""
        return self.requested == self.found + self.not_found + self.invalid + self.failed


@dataclass(frozen=True, slots=True)
class RosterRange:
    """Where in its roster a part comes from: bytes `start` to before `end`, from line `line` on.

    `round` is 0 at first and grows by one with every retry of what failed.
    """

    start: int
    end: int
    line: int
    round: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Up to 100 identifiers of one lookup: one queue message, one completion.

    `submitted_at` is the lookup's; `fed_at` is this part's and names the hour its results are filed under.
    `number` is unique within the lookup and the same at every delivery. `origin` is None when it is of no roster.
    """

    lookup_id: str
    number: str
    workspace: str
    identifiers: tuple[Identifier, ...]
    submitted_at: float
    fed_at: float
    max_age: float = 0.0
    fields: tuple[str, ...] | None = None
    invalid: tuple[InvalidIdentifier, ...] = field(default=())
    correlation_id: str | None = None
    origin: RosterRange | None = None

    @property
    def name(self) -> str:
        """What tells this part from every other one."""
        return f"{self.lookup_id}-{self.number}"

    @property
    def fresh_since(self) -> float:
        """The oldest fetch that still answers this part: costs no quota, whatever was asked in between."""
        return self.submitted_at - self.max_age
