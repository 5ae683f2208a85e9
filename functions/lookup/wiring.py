"""Who works with whom: every collaborator made once per function instance, and only where a door needs it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import boto3
import urllib3
from botocore.config import Config

from lookup import gate_metrics
from lookup.archive import Archive
from lookup.asking import Vendor
from lookup.credentials import CredentialStore
from lookup.ending import Ending
from lookup.feeder import Feeder
from lookup.fetch import Fetch
from lookup.gate import Gates, gate_client
from lookup.ledger import Ledger
from lookup.ledger_feed import LedgerFeed
from lookup.ledger_parts import LedgerParts
from lookup.ledger_states import LedgerStates
from lookup.ledger_table import LedgerTable
from lookup.model import Clock
from lookup.moengage import MoEngage
from lookup.notices import Notices
from lookup.oversize import Oversize
from lookup.parts import Parts
from lookup.profile_item import Retention
from lookup.profiles import Profiles
from lookup.queue_work import QueueWork
from lookup.queues import Queues
from lookup.roster_reader import RosterReader
from lookup.rosters import Rosters
from lookup.schedules import Schedules
from lookup.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

WRITERS = 8  # profiles written at once
CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=WRITERS + 2,
)
clock: Clock = time.time


@cache
def settings() -> Settings:
    """Read the settings once."""
    return Settings.from_environment()


@cache
def session() -> boto3.Session:
    """Share one session."""
    return boto3.Session()


@cache
def dynamodb() -> DynamoDBClient:
    """Share one client of DynamoDB."""
    return session().client("dynamodb", config=CONFIG)


@cache
def s3() -> S3Client:
    """Share one client of S3."""
    return session().client("s3", config=CONFIG.merge(Config(signature_version="s3v4")))  # which presigned URLs need


@cache
def credentials() -> CredentialStore:
    """Share one cache of secrets."""
    return CredentialStore(session().client("secretsmanager", config=CONFIG), settings())


@cache
def gates() -> Gates:
    """Share the gates of all workspaces."""
    facts = settings()
    return Gates(
        gate_client(session()),
        facts.ledger_table_name,
        facts.workspaces,
        clock,
        time.sleep,
        observe=gate_metrics.publish,
    )


@cache
def pool() -> urllib3.PoolManager:
    """Share connections to MoEngage; certificates are verified, which is urllib3's default."""
    return urllib3.PoolManager(maxsize=4)


@cache
def vendor(workspace: str) -> Vendor:
    """Make the way to one workspace. Raises `UnknownWorkspace`."""
    facts = settings().workspace(workspace)
    client = MoEngage(
        pool(),
        endpoint_url=settings().moengage_endpoint_url,
        moengage_id_name=facts.moengage_id_name,
        clock=clock,
    )
    return Vendor(gates().of(workspace), client, credentials(), clock, time.sleep)


@cache
def archive() -> Archive:
    """Make the archive."""
    return Archive(s3(), settings().bucket_name)


@cache
def fetch() -> Fetch:
    """Make the use case."""
    profiles = Profiles(
        dynamodb(),
        settings().profiles_table_name,
        oversize=Oversize(s3(), settings().bucket_name),
        retention=Retention(settings().profile_retention_days, settings().not_found_retention_days),
        clock=clock,
        sleep=time.sleep,
    )
    return Fetch(
        settings=settings(),
        profiles=profiles,
        vendor_of=vendor,
        keep_unmatched=archive().keep_unmatched,
        writers=ThreadPoolExecutor(WRITERS),
    )


@cache
def ledger_table() -> LedgerTable:
    """Share the ledger's table."""
    return LedgerTable(dynamodb(), settings().ledger_table_name, clock=clock, sleep=time.sleep)


@cache
def queues() -> Queues:
    """Make the queues."""
    return Queues(session().client("sqs", config=CONFIG), settings(), clock)


@cache
def ledger() -> Ledger:
    """Make the ledger of lookups."""
    return Ledger(ledger_table())


@cache
def states() -> LedgerStates:
    """Make the changes of lookups' states."""
    return LedgerStates(ledger_table(), ledger())


@cache
def ending() -> Ending:
    """Make the end of lookups."""
    notices = Notices(session().client("events", config=CONFIG), settings().event_bus_name)
    return Ending(ledger=ledger(), states=states(), tell=notices.lookup_completed, clock=clock)


@cache
def rosters() -> Rosters:
    """Make the rosters."""
    return Rosters(s3(), settings().bucket_name)


def feeder(*, unpacks: bool = False) -> Feeder:
    """Make a feeder; only one with minutes of time `unpacks`."""
    return Feeder(
        ledger=ledger(),
        feed=LedgerFeed(ledger_table()),
        ending=ending(),
        reader=RosterReader(s3(), settings().bucket_name),
        queues=queues(),
        settings=settings(),
        is_closed=lambda workspace: gates().of(workspace).state().is_closed,
        clock=clock,
        unpack=rosters().unpack if unpacks else None,
    )


@cache
def queue_work() -> QueueWork:
    """Serve the queues' door."""
    parts = Parts(fetch=fetch(), archive=archive(), ledger=LedgerParts(ledger_table()), clock=clock)
    return QueueWork(queues=queues(), parts=parts, ending=ending(), feeder=feeder())


@cache
def schedules() -> Schedules:
    """Serve the schedules' door."""
    return Schedules(ledger=ledger(), rosters=rosters(), feeder=feeder(unpacks=True), settings=settings())
