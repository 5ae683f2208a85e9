"""The services wired for tests: a clock that only tests advance, and a gate that grants everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lookup.bulk import part_message
from lookup.bulk.intake.share import IntakeShare
from lookup.bulk.recording import Retry
from lookup.errors import ServiceError, UnknownClient, VendorAccessDenied, VendorError
from lookup.fetch.vendor_access import CallRecord, VendorAccess
from lookup.gate.limiter import Grant, WorkspaceGates
from lookup.ledger.model import ChangedProfiles, LookupRecord, LookupSpec, Roster
from lookup.ledger.parts import Counted, DeliveredPart
from lookup.ledger.shares import Share
from lookup.model import Counts, Identifier, IdentifierType, Lane, Outcome, Part, Status
from lookup.partners import Partner, Partners
from lookup.results.events import EventPublisher, RefusedFiring
from lookup.schedules.firings import Firings
from lookup.wiring.conversions import ConversionServices
from lookup.wiring.queue import QueueServices
from lookup.wiring.schedules import ScheduleServices
from tests.lookup.stage import Stage


def customer(name: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, name)


def counted(part: Part, counts: Counts) -> Counted:
    """Return a part whose outcomes are so many."""
    number = {Status.FOUND: counts.found, Status.NOT_FOUND: counts.not_found, Status.INVALID: counts.invalid}
    number[Status.FAILED] = counts.failed
    return Counted(part, [Outcome(customer("C"), status) for status, times in number.items() for _ in range(times)])


def done(completions: Iterable[Counted | Retry]) -> list[Counted]:
    """Return the parts, all of which must be done."""
    found = list(completions)
    assert not [one for one in found if isinstance(one, Retry)]
    return [one for one in found if isinstance(one, Counted)]


def retried(completions: Iterable[Counted | Retry]) -> list[Retry]:
    """Return the parts, all of which must be retried."""
    found = list(completions)
    assert not [one for one in found if isinstance(one, Counted)]
    return [one for one in found if isinstance(one, Retry)]


def retry_at(one: Counted | Retry) -> float | None:
    """Return when a part is to be retried; None of one that is done."""
    return one.retry_at if isinstance(one, Retry) else None


def outcomes_of(one: Counted | Retry) -> Sequence[Outcome]:
    """Return the outcomes of a part; none of one that is to be retried."""
    return one.outcomes if isinstance(one, Counted) else ()


@dataclass
class FakeClock:
    """A clock that tests set; sleeping advances it too. It starts at the real time, which signatures need."""

    now: float = field(default_factory=lambda: float(int(time.time())))
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeGate:
    """A gate without a quota that records its reports; `refusal` is raised after `room` users, if set.

    `takes` is how many seconds a grant takes.
    """

    clock: FakeClock
    room: int | None = None
    refusal: ServiceError | None = None
    largest_grant: int = 20
    granted: list[int] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)
    reports: list[str | None] = field(default_factory=list)
    released: int = 0
    takes: float = 0.0

    def room_at(self, users: int, lane: Lane) -> float:  # noqa: ARG002 - there is always room
        return 0.0

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:  # noqa: ARG002 - never waits
        if self.refusal is not None and (self.room is None or sum(self.granted) >= self.room):
            raise self.refusal
        self.clock.now += self.takes
        given = min(users, self.largest_grant)
        self.granted.append(given)
        self.lanes.add(lane)
        return Grant(given, self.clock(), self.clock() + 0.5)

    def report(self, grant: Grant, fault: VendorError | None) -> None:  # noqa: ARG002 - remembers the fault only
        self.reports.append(None if fault is None else fault.reason)
        if isinstance(fault, VendorAccessDenied):
            self.refusal = fault

    def release(self, grant: Grant) -> None:  # noqa: ARG002 - remembers the number only
        self.released += 1


class RecordedEvents(EventPublisher):
    """An event bus that keeps what is published."""

    def __init__(self) -> None:
        self.completed: list[LookupRecord] = []
        self.refused: list[RefusedFiring] = []
        self.changed: list[ChangedProfiles] = []

    def publish_completed(self, progress: LookupRecord) -> None:
        self.completed.append(progress)

    def publish_refused(self, refused: RefusedFiring) -> None:
        self.refused.append(refused)

    def publish_changed(self, changed: ChangedProfiles) -> None:
        self.changed.append(changed)


class FetchServices(QueueServices):
    """The queues' services over one `Stage`, but for the clock, the gate and the event bus."""

    clock: FakeClock
    events: RecordedEvents

    def __init__(self, stage: Stage, clock: FakeClock | None = None) -> None:
        self.stage = stage
        clock = clock or FakeClock()
        super().__init__(stage.settings, clock, clock.sleep)
        self.session = stage.session
        self.dynamodb, self.s3, self.sqs = stage.dynamodb, stage.s3, stage.sqs
        self.secretsmanager = stage.secretsmanager
        self.gate = FakeGate(clock)
        self.heard: list[CallRecord] = []
        self.events = RecordedEvents()

    @cached_property
    def gates(self) -> WorkspaceGates:
        """The real gates, in real time: they compare it with the dates of answers."""
        names = self.settings.ledger_table_name, self.settings.workspaces
        return WorkspaceGates(self.dynamodb, *names, time.time, self.clock.sleep)

    @cached_property
    def vendor(self) -> VendorAccess:
        """The access to every workspace; tests replace it."""
        real = super()._vendor("default")
        return VendorAccess(self.gate, real.client, real.credentials, self.clock, self.clock.sleep, self.heard.append)

    @cached_property
    def vendor_of(self) -> Callable[[str], VendorAccess]:
        return self._vendor

    def _vendor(self, workspace: str) -> VendorAccess:
        self.settings.workspace(workspace)
        return self.vendor

    @cached_property
    def intake(self) -> IntakeShare:
        return IntakeShare(
            self.lookups,
            self.table,
            self.settings.workspaces,
            clock=self.clock,
            sleep=self.clock.sleep,
            jitter=lambda: 0.5,
        )


class FakePartners(Partners):
    """Grants by name, which a test may change."""

    def __init__(self, grants: Mapping[str, Partner]) -> None:
        self.grants = grants

    def by_name(self, name: str) -> Partner:
        if name not in self.grants:
            raise UnknownClient("this partner has no grants")
        return self.grants[name]


class BulkServices(FetchServices, ScheduleServices, ConversionServices):
    """The services of a ledger and a feeder, whose parts queue a test serves itself."""

    is_closed = False

    def is_shut(self, workspace: str) -> bool:  # noqa: ARG002 - all workspaces alike
        return self.is_closed

    def unfinished(self) -> list[str]:
        """Return the ids of the lookups that have not ended."""
        return [item["sk"]["S"] for item in self.table.query("unfinished#default")]

    def share(self, partner: str) -> Share:
        """Read a partner's share."""
        return next(one for one in self.lookups.shares.of("default") if one.partner == partner)

    def roster(self, body: bytes, key: str = "rosters/one.csv") -> Roster:
        """Put a roster in the bucket; pin what is there."""
        answer = self.stage.s3.put_object(Bucket=self.stage.settings.bucket_name, Key=key, Body=body)
        return Roster(key, answer.get("VersionId"), len(body), entries=body.count(b"\n"))

    def submit(self, lookup_id: str, roster: Roster, *, partner: str = "acme", weight: int = 1) -> LookupSpec:
        spec = LookupSpec(lookup_id, "default", partner, self.clock(), roster, weight=weight)
        assert self.lookups.submit(spec)
        return spec

    def taken(self) -> list[Part]:
        """Take every part off the queue."""
        url = self.stage.settings.parts_queue_url
        return [part_message.parse_part(message["Body"]) for message in self.stage.messages(url)]

    def count(self) -> list[Part]:
        """Count every part on the queue as found, without a call; return them."""
        parts = self.taken()
        for part in parts:
            counts = Counts(
                len(part.identifiers) + len(part.invalid), found=len(part.identifiers), invalid=len(part.invalid)
            )
            self.part_ledger.count_completed([counted(part, counts)], "results/none")
            self.ending.finish_if_done(part.lookup_id)
        return parts

    def work(self, *, redelivered: bool = False) -> list[Part]:
        """Serve every part that is on the queue, as a worker does; give them."""
        parts = self.taken()
        for part in parts:
            self.parts.process([DeliveredPart(part, redelivered=redelivered)], until=self.clock() + 60)
            self.ending.finish_if_done(part.lookup_id)
        return parts


def firings_of(services: BulkServices, partners: Mapping[str, Partner]) -> Firings:
    """Serve firings; `partners` may be changed meanwhile."""
    services.partners = FakePartners(partners)
    return services.firings
