"""The road put together for tests: a clock that only tests move, and a gate that lets everything through."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import urllib3

from lookup.bulk import part_message
from lookup.bulk.completion import LookupCompletion
from lookup.bulk.conversion.conversions import ConversionRequests
from lookup.bulk.conversion.queue import ConversionQueue
from lookup.bulk.estimates import Estimates
from lookup.bulk.feeder import Feeder, FeedingSteps
from lookup.bulk.intake_share import IntakeShare
from lookup.bulk.processor import PartProcessor
from lookup.bulk.queues import Queues
from lookup.bulk.recording import CompletionRecorder, Retry
from lookup.bulk.submission import Submission
from lookup.errors import ServiceError, UnknownClient, VendorAccessDenied, VendorError
from lookup.fetch.authorization import Authorization
from lookup.fetch.fetcher import Fetcher
from lookup.fetch.vendor_access import CallRecord, VendorAccess
from lookup.gate.limiter import Grant
from lookup.gate.workspaces import WorkspaceGates
from lookup.ledger.conversions import ConversionLedger
from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.ledger.fair_share import Share
from lookup.ledger.feeding import FeedingLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import ChangedProfiles, LookupRecord, LookupSpec, Roster
from lookup.ledger.parts import Counted, DeliveredPart, PartLedger
from lookup.ledger.sweep import Adoption, SweepLedger
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions
from lookup.model import Counts, Identifier, IdentifierType, Lane, Outcome, Part, Status
from lookup.moengage.client import MoEngage
from lookup.moengage.credential_store import CredentialStore
from lookup.partners import Partner
from lookup.results.files import ResultFiles
from lookup.results.oversize import Oversize
from lookup.results.profile_item import Retention
from lookup.results.profiles import ProfileStore
from lookup.rosters.reader import RosterReader
from lookup.rosters.references import RosterReferences
from lookup.rosters.store import RosterStore
from lookup.schedules.firings import Firings
from lookup.schedules.maintenance import Maintenance, Reopening
from lookup.schedules.sweep import Sweep
from tests.lookup.stage import Stage

WRITERS = ThreadPoolExecutor(4)


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
    """A clock moved by hand; sleeping moves it too. It starts at the real time, which signatures need."""

    now: float = field(default_factory=lambda: float(int(time.time())))
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeGate:
    """A gate without a quota that remembers what it was told; `refusal` is raised after `room` users, if set.

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


@dataclass
class FetchServices:
    """Everything between a door and the stores of one `Stage`."""

    stage: Stage
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        settings = self.stage.settings
        self.gate = FakeGate(self.clock)
        self.profiles = ProfileStore(
            self.stage.dynamodb,
            settings.profiles_table_name,
            oversize=Oversize(self.stage.s3, settings.bucket_name),
            retention=Retention(30, 1),
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        self.archive = ResultFiles(self.stage.s3, settings.bucket_name)
        table = LedgerTable(self.stage.dynamodb, settings.ledger_table_name, clock=self.clock, sleep=self.clock.sleep)
        self.ledger = PartLedger(table)
        client = MoEngage(
            urllib3.PoolManager(), endpoint_url=settings.moengage_endpoint_url, moengage_id_name="id", clock=self.clock
        )
        credentials = CredentialStore(self.stage.secretsmanager, settings)
        self.heard: list[CallRecord] = []
        self.vendor = VendorAccess(self.gate, client, credentials, self.clock, self.clock.sleep, self.heard.append)
        self.fetch = Fetcher(
            settings=settings,
            profiles=self.profiles,
            vendor_of=self._vendor,
            keep_unmatched=self.archive.keep_unmatched,
            writers=WRITERS,
        )
        self.changed: list[ChangedProfiles] = []
        recorder = CompletionRecorder(archive=self.archive, parts=self.ledger, publish_changed=self.changed.append)
        self.lookups = LookupLedger(table)
        self.intake = IntakeShare(
            self.lookups, table, settings.workspaces, clock=self.clock, sleep=self.clock.sleep, jitter=lambda: 0.5
        )
        self.parts = PartProcessor(
            fetch=self.fetch, recorder=recorder, parts=self.ledger, intake=self.intake, clock=self.clock
        )

    def _vendor(self, workspace: str) -> VendorAccess:
        self.stage.settings.workspace(workspace)
        return self.vendor


@dataclass
class BulkServices(FetchServices):
    """A road with a ledger and a feeder, whose parts queue a test serves itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        settings = self.stage.settings
        table = LedgerTable(self.stage.dynamodb, settings.ledger_table_name, clock=self.clock, sleep=self.clock.sleep)
        self.table = table
        self.states = Transitions(table, self.lookups, Adoption(table, self.lookups).adopt)
        self.told: list[LookupRecord] = []
        self.ending = LookupCompletion(
            ledger=self.lookups, states=self.states, publish=self.told.append, clock=self.clock
        )
        self.adoption = Adoption(table, self.lookups)
        self.queues = Queues(self.stage.sqs, settings, self.clock)
        urls = settings.conversion_queue_url, settings.conversion_dead_letter_queue_url
        self.pending = ConversionLedger(table)
        self.conversion_queue = ConversionQueue(self.stage.sqs, *urls)
        self.needs = RosterReferences(table)
        self.conversions = ConversionRequests(
            ledger=self.lookups, needs=self.needs, pending=self.pending, queue=self.conversion_queue, clock=self.clock
        )
        self.reader = RosterReader(self.stage.s3, settings.bucket_name)
        gates = WorkspaceGates(self.stage.dynamodb, table.name, settings.workspaces, time.time, self.clock.sleep)
        self.reopening = Reopening(gates=gates, credentials=self.vendor.credentials, table=table)
        self.is_closed = False
        self.daily = DailyUsageCounter(table, self.clock)
        self.feed = FeedingLedger(table, self.lookups.shares)
        self.feeding_from(self.reader)

    def feeding_from(self, reader: RosterReader) -> None:
        """Wire the feeder and the sweep."""
        shared: dict[str, Any] = {
            "ledger": self.lookups,
            "feed": self.feed,
            "ending": self.ending,
            "queues": self.queues,
            "is_closed": lambda _: self.is_closed,
            "clock": self.clock,
        }
        steps = FeedingSteps(self.feed, reader)
        self.feeder = Feeder(steps=steps, settings=self.stage.settings, **shared)
        swept = SweepLedger(self.table)
        self.sweep = Sweep(swept=swept, feeder=self.feeder, adoption=self.adoption, reader=reader, **shared)

    def unfinished(self) -> list[str]:
        """Give the ids of the lookups that have not ended."""
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
        """Count every part that is on the queue as found, without asking anybody; give them."""
        parts = self.taken()
        for part in parts:
            counts = Counts(
                len(part.identifiers) + len(part.invalid), found=len(part.identifiers), invalid=len(part.invalid)
            )
            self.ledger.count_completed([counted(part, counts)], "results/none")
            self.ending.finish_if_done(part.lookup_id)
        return parts

    def work(self, *, redelivered: bool = False) -> list[Part]:
        """Serve every part that is on the queue, as a worker does; give them."""
        parts = self.taken()
        for part in parts:
            self.parts.process([DeliveredPart(part, redelivered=redelivered)], until=self.clock() + 60)
            self.ending.finish_if_done(part.lookup_id)
        return parts


def firings_of(desk: BulkServices, partners: Mapping[str, Partner]) -> Firings:
    """Serve firings at a desk; `partners` may be changed while it does."""

    def named(name: str) -> Partner:
        if name not in partners:
            raise UnknownClient("this partner has no grants")
        return partners[name]

    submission = Submission(
        ledger=desk.lookups,
        conversions=desk.conversions,
        feeder=desk.feeder,
        rosters=RosterStore(desk.stage.s3, desk.stage.settings.bucket_name),
        estimates=Estimates(desk.lookups, desk.stage.settings, opens_at=lambda _: 0.0, clock=desk.clock),
        authorization=Authorization(desk.stage.settings, desk.daily, desk.clock),
        clock=desk.clock,
        most=desk.stage.settings.lookups_per_partner,
    )
    return Firings(ledger=desk.lookups, submission=submission, feeder=desk.feeder, partner_named=named)


def maintenance_of(desk: BulkServices) -> Maintenance:
    """Maintain a desk's workspaces."""
    return Maintenance(
        settings=desk.stage.settings,
        reopening=desk.reopening,
        sweep=desk.sweep,
        feeder=desk.feeder,
        conversions=desk.conversions,
    )
