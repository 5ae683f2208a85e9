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
from lookup.fetch import Fetch
from lookup.gate import Gates, gate_client
from lookup.ledger_parts import LedgerParts
from lookup.ledger_table import LedgerTable
from lookup.model import Clock
from lookup.moengage import MoEngage
from lookup.on_demand import OnDemand
from lookup.oversize import Oversize
from lookup.parts import Parts
from lookup.profile_item import Retention
from lookup.profiles import Profiles
from lookup.queue_work import QueueWork
from lookup.queues import Queues
from lookup.schedules import Schedules
from lookup.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
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
    return session().client("s3", config=CONFIG)


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


def queue_work() -> QueueWork:
    """Serve the queues' door."""
    ledger = LedgerParts(ledger_table())
    return QueueWork(queues=queues(), parts=Parts(fetch=fetch(), archive=archive(), ledger=ledger, clock=clock))


def schedules() -> Schedules:
    """Serve the schedules' door."""
    return Schedules(s3=s3(), queues=queues(), settings=settings(), clock=clock)


@cache
def api() -> APIGatewayHttpResolver:
    """Serve the HTTP door; pydantic is loaded here only."""
    from lookup.api import resolver  # noqa: PLC0415 - the other doors must not pay for pydantic's start
    from lookup.routes_on_demand import OnDemandRoutes  # noqa: PLC0415
    from lookup.routes_quota import QuotaRoutes  # noqa: PLC0415

    app = resolver(clock)
    OnDemandRoutes(app, OnDemand(fetch=fetch(), archive=archive(), clock=clock), clock)
    QuotaRoutes(app, lambda workspace: gates().of(workspace).state())
    return app
