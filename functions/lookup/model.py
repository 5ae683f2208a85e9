"""The data types that all modules share, as frozen values.

Times are seconds since the epoch (UTC) as floats; `timestamp` writes them.
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
DAY = 24 * 3600  # seconds
ERASED = "erased"  # reason of an invalid identifier whose person was erased, and of records of such a person
PART_LIMIT = 100  # identifiers in one part: one queue message, one S3 object, one completion


def timestamp(epoch: float) -> str:
    """Write a time as ISO 8601 in UTC with microseconds, of fixed width: text order is time order."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch(written: str) -> float:
    """Read what `timestamp` wrote."""
    return datetime.fromisoformat(written).timestamp()


class IdentifierType(StrEnum):
    """The kind of an identifier in MoEngage; input may spell `id` as `moengage_id`."""

    CUSTOMER_ID = "customer_id"
    ID = "id"


class Status(StrEnum):
    """The outcome of one identifier."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    FAILED = "failed"


class Lane(StrEnum):
    """The priority at the gate: a caller waits for the response, or none does."""

    ON_DEMAND = "on_demand"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Period:
    """Users granted from `start` until `end` (epoch seconds)."""

    start: float
    end: float
    on_demand: int
    bulk: int


class Source(StrEnum):
    """The origin of a profile: MoEngage just now, our store, or our store though it is too old (`STALE`)."""

    MOENGAGE = "moengage"
    STORED = "stored"
    STALE = "stale"


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One user's identifier in MoEngage: at most 512 characters, checked by `validation`."""

    identifier_type: IdentifierType
    identifier: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What MoEngage held of one user at the request; `attributes` of None means that it had no such user.

    `fetched_at` is when the request left, so a later change is never older than it. `fields` is what was requested.
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
        """Return whether this profile holds all of the requested `fields` (None: all)."""
        if self.fields is None:
            return True
        return fields is not None and set(fields) <= set(self.fields)


@dataclass(frozen=True, slots=True)
class InvalidIdentifier:
    """Input that can never be sent: its excerpt, the rule that it breaks and, in a roster, its line."""

    excerpt: str
    reason: str
    identifier_type: str = IdentifierType.CUSTOMER_ID.value
    line: int | None = None


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What to look up, and how: a roster by its key, or identifiers that came inline.

    `fields` of None means every attribute that the workspace exports. `stale_if_error` is how many seconds beyond
    `max_age` a stored profile may be old while MoEngage cannot be asked, for a caller who waits. `submitted_at` is when
    it was requested, if not now. `lookup_id` names this request and no other; it is empty before there is one.
    `waited_for` is a request that a caller waited for until the quota left no room; `charged_on` is the day to which
    its users are charged already. `formats` are those of a lookup's results beside NDJSON and Parquet. `forwarded_for`
    is the caller's address.
    """

    workspace: str
    roster_key: str | None = None
    entries: Sequence[Identifier | InvalidIdentifier] = ()
    fields: tuple[str, ...] | None = None
    max_age: float = 0.0
    stale_if_error: float = 0.0
    submitted_at: float | None = None
    lookup_id: str = ""
    charged_on: str | None = None
    waited_for: bool = False
    formats: tuple[str, ...] = ()
    lane: Lane = Lane.BULK
    forwarded_for: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one requested identifier."""

    subject: Identifier | InvalidIdentifier
    status: Status
    reason: str | None = None
    profile: Profile | None = None
    source: Source | None = None

    @classmethod
    def of_invalid(cls, invalid: InvalidIdentifier) -> Outcome:
        """Return the outcome of input that is never sent."""
        return cls(invalid, Status.INVALID, invalid.reason)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many identifiers have which outcome. At the end `requested` equals the sum of the other four."""

    requested: int = 0
    found: int = 0
    not_found: int = 0
    invalid: int = 0
    failed: int = 0

    def to_json(self) -> dict[str, int]:
        """Return the counts by their names; at the end the last four add up to the first."""
        return {name: getattr(self, name) for name in ("requested", *(status.value for status in Status))}

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Counts:
        """Count outcomes by status."""
        by_status = dict.fromkeys(Status, 0)
        for outcome in outcomes:
            by_status[outcome.status] += 1
        return cls(sum(by_status.values()), **{status.value: number for status, number in by_status.items()})


@dataclass(frozen=True, slots=True)
class RosterRange:
    """The place of a part in its roster: bytes `start` to before `end`, from line `line` on.

    `retry_round` is 0 at first and grows by one with every retry of failed identifiers.
    """

    start: int
    end: int
    line: int
    retry_round: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Up to 100 identifiers of one lookup: one queue message, one completion.

    `submitted_at` is the lookup's; `fed_at` is this part's, and its hour is in the key of the result object.
    `number` is unique within the lookup and the same at every delivery. `origin` is None when it is of no roster.
    `places` are of each invalid one how many identifiers come before it in the roster; none are known of a part that an
    earlier release sent.
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
    places: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The name of this part, unique among all parts."""
        return f"{self.lookup_id}-{self.number}"

    @property
    def fresh_since(self) -> float:
        """The oldest fetch that is fresh enough for this part, and costs no quota."""
        return self.submitted_at - self.max_age
