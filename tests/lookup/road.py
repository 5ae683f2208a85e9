"""The road put together for tests: a clock that only tests move, and a gate that lets everything through."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import urllib3

from lookup.archive import Archive
from lookup.asking import Vendor
from lookup.credentials import CredentialStore
from lookup.errors import LookupFault, VendorFault
from lookup.fetch import Fetch
from lookup.gate import Grant
from lookup.ledger_parts import LedgerParts
from lookup.ledger_table import LedgerTable
from lookup.model import Identifier, IdentifierType, Lane
from lookup.moengage import MoEngage
from lookup.oversize import Oversize
from lookup.parts import Parts
from lookup.profile_item import Retention
from lookup.profiles import Profiles
from tests.lookup.stage import Stage

WRITERS = ThreadPoolExecutor(4)


def customer(name: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, name)


@dataclass
class Hand:
    """A clock moved by hand; sleeping moves it too. It starts at the real time, which signatures need."""

    now: float = field(default_factory=lambda: float(int(time.time())))
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class OpenGate:
    """A gate without a quota that remembers what it was told; `refusal` is raised after `room` users, if set."""

    clock: Hand
    room: int | None = None
    refusal: LookupFault | None = None
    largest_grant: int = 20
    granted: list[int] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)
    reports: list[str | None] = field(default_factory=list)

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:  # noqa: ARG002 - never waits
        if self.refusal is not None and (self.room is None or sum(self.granted) >= self.room):
            raise self.refusal
        given = min(users, self.largest_grant)
        self.granted.append(given)
        self.lanes.add(lane)
        return Grant(given, self.clock(), self.clock() + 0.5)

    def report(self, grant: Grant, fault: VendorFault | None) -> None:  # noqa: ARG002 - remembers the fault only
        self.reports.append(None if fault is None else fault.reason)
        if fault is not None and fault.remedy.name == "CLOSE":
            self.refusal = fault


@dataclass
class Road:
    """Everything between a door and the stores of one `Stage`."""

    stage: Stage
    clock: Hand = field(default_factory=Hand)

    def __post_init__(self) -> None:
        settings = self.stage.settings
        self.gate = OpenGate(self.clock)
        self.profiles = Profiles(
            self.stage.dynamodb,
            settings.profiles_table_name,
            oversize=Oversize(self.stage.s3, settings.bucket_name),
            retention=Retention(30, 1),
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        self.archive = Archive(self.stage.s3, settings.bucket_name)
        table = LedgerTable(self.stage.dynamodb, settings.ledger_table_name, clock=self.clock, sleep=self.clock.sleep)
        self.ledger = LedgerParts(table)
        client = MoEngage(
            urllib3.PoolManager(), endpoint_url=settings.moengage_endpoint_url, moengage_id_name="id", clock=self.clock
        )
        credentials = CredentialStore(self.stage.secretsmanager, settings)
        self.vendor = Vendor(self.gate, client, credentials, self.clock, self.clock.sleep)
        self.fetch = Fetch(
            settings=settings,
            profiles=self.profiles,
            vendor_of=self._vendor,
            keep_unmatched=self.archive.keep_unmatched,
            writers=WRITERS,
        )
        self.parts = Parts(fetch=self.fetch, archive=self.archive, ledger=self.ledger, clock=self.clock)

    def _vendor(self, workspace: str) -> Vendor:
        self.stage.settings.workspace(workspace)
        return self.vendor
