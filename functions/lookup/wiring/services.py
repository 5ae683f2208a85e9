"""Who works with whom: every collaborator made once per function instance, and only where a door needs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from lookup.aws.lambda_lifecycle import Shutdown
from lookup.bulk.completion import LookupCompletion
from lookup.bulk.conversion.conversions import ConversionRequests
from lookup.bulk.conversion.queue import ConversionQueue
from lookup.bulk.feeder import Feeder, FeedingSteps
from lookup.bulk.intake_share import IntakeShare
from lookup.bulk.processor import PartProcessor
from lookup.bulk.queues import Queues
from lookup.bulk.recording import CompletionRecorder
from lookup.bulk.worker import QueueWorker
from lookup.errors import RetryLater
from lookup.fetch import call_metrics as vendor_metrics
from lookup.fetch.fetcher import Fetcher
from lookup.fetch.neutral_calls import SharedCalls
from lookup.fetch.vendor_access import VendorAccess
from lookup.gate import metrics as gate_metrics
from lookup.gate.limiter import gate_client
from lookup.gate.workspaces import WorkspaceGates
from lookup.ledger.conversions import ConversionLedger
from lookup.ledger.feeding import FeedingLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.parts import PartLedger
from lookup.ledger.sweep import Adoption, SweepLedger
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions
from lookup.model import Attributes
from lookup.moengage.client import MoEngage
from lookup.moengage.credential_store import CredentialStore
from lookup.results.events import EventPublisher
from lookup.results.files import ResultFiles
from lookup.results.oversize import Oversize
from lookup.results.profile_item import Retention
from lookup.results.profiles import ProfileStore
from lookup.rosters.reader import RosterReader
from lookup.rosters.references import RosterReferences
from lookup.rosters.store import RosterStore
from lookup.rosters.unpacking import Bounds
from lookup.schedules.sweep import Sweep
from lookup.telemetry import Metric, count
from lookup.wiring.clients import CONFIG, WRITERS, clock, dynamodb, pool, s3, session, settings


@cache
def credentials() -> CredentialStore:
    """Share one cache of secrets."""
    return CredentialStore(session().client("secretsmanager", config=CONFIG), settings())


@cache
def stopping() -> Shutdown:
    """Share the word to stop."""
    return Shutdown(clock, time.sleep)


@cache
def gates() -> WorkspaceGates:
    """Share the gates of all workspaces."""
    facts = settings()
    return WorkspaceGates(
        gate_client(session()),
        facts.ledger_table_name,
        facts.workspaces,
        clock,
        stopping().sleep,
        observe=gate_metrics.publish,
    )


@cache
def vendor(workspace: str) -> VendorAccess:
    """Make the way to one workspace. Raises `UnknownWorkspace`."""
    facts = settings().workspace(workspace)
    client = MoEngage(
        pool(),
        endpoint_url=settings().moengage_endpoint_url,
        moengage_id_name=facts.moengage_id_name,
        clock=clock,
    )
    return VendorAccess(
        gate=gates().of(workspace),
        client=client,
        credentials=credentials(),
        clock=clock,
        sleep=stopping().sleep,
        heard=vendor_metrics.publish,
        unused=partial(count, Metric.USERS_GRANTED_UNUSED),
        is_stopping=lambda: stopping().is_requested,
        neutral_calls=SharedCalls(ledger_table(), workspace),
    )


@cache
def archive() -> ResultFiles:
    """Make the archive."""
    return ResultFiles(s3(), settings().bucket_name)


def _keep_unmatched(workspace: str, fetched_at: float, users: Sequence[Attributes]) -> None:
    count(Metric.USERS_UNMATCHED, len(users))
    archive().keep_unmatched(workspace, fetched_at, users)


@cache
def fetch() -> Fetcher:
    """Make the use case."""
    profiles = ProfileStore(
        dynamodb(),
        settings().profiles_table_name,
        oversize=Oversize(s3(), settings().bucket_name),
        retention=Retention(settings().profile_retention_days, settings().not_found_retention_days),
        clock=clock,
        sleep=time.sleep,
    )
    return Fetcher(
        settings=settings(),
        profiles=profiles,
        vendor_of=vendor,
        keep_unmatched=_keep_unmatched,
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
def ledger() -> LookupLedger:
    """Make the ledger of lookups."""
    return LookupLedger(ledger_table())


@cache
def states() -> Transitions:
    """Make the changes of lookups' states."""
    return Transitions(ledger_table(), ledger(), adoption().adopt)


@cache
def adoption() -> Adoption:
    """Take over lookups of an earlier release."""
    return Adoption(ledger_table(), ledger())


@cache
def ledger_feed() -> FeedingLedger:
    """Make the ledger of feeding."""
    return FeedingLedger(ledger_table(), ledger().shares)


@cache
def roster_reader() -> RosterReader:
    """Share what was read of the rosters' openings."""
    return RosterReader(s3(), settings().bucket_name)


@cache
def notices() -> EventPublisher:
    """Share the event bus."""
    return EventPublisher(session().client("events", config=CONFIG), settings().event_bus_name)


@cache
def ending() -> LookupCompletion:
    """Make the end of lookups."""
    return LookupCompletion(ledger=ledger(), states=states(), publish=notices().lookup_completed, clock=clock)


@cache
def rosters() -> RosterStore:
    """Make the rosters."""
    megabytes = settings().roster_megabytes
    bounds = unpacking_bounds()
    return RosterStore(s3(), settings().bucket_name, megabytes=megabytes, bounds=bounds)


def unpacking_bounds() -> Bounds:
    """Tell how much a packed roster may hold."""
    return Bounds(settings().unpacked_roster_megabytes)


@cache
def pending_conversions() -> ConversionLedger:
    """Share which conversions are pending."""
    return ConversionLedger(ledger_table())


@cache
def conversion_queue() -> ConversionQueue:
    """Share the queue of rosters to convert."""
    urls = settings().conversion_queue_url, settings().conversion_dead_letter_queue_url
    return ConversionQueue(session().client("sqs", config=CONFIG), *urls)


@cache
def conversion_requests() -> ConversionRequests:
    """Make what submits lookups and asks for conversions."""
    return ConversionRequests(
        ledger=ledger(),
        needs=RosterReferences(ledger_table()),
        pending=pending_conversions(),
        queue=conversion_queue(),
        clock=clock,
    )


def _is_shut(workspace: str) -> bool:
    """Tell whether feeding makes no sense now: a gate that does not answer lets nobody through."""
    try:
        return gates().of(workspace).state().is_blocked(clock())
    except RetryLater:
        return True


@cache
def feeder() -> Feeder:
    """Make the feeder."""
    return Feeder(
        ledger=ledger(),
        feed=ledger_feed(),
        steps=FeedingSteps(ledger_feed(), roster_reader()),
        ending=ending(),
        queues=queues(),
        settings=settings(),
        is_closed=_is_shut,
        clock=clock,
    )


@cache
def sweep() -> Sweep:
    """Make the minute's sweep."""
    return Sweep(
        ledger=ledger(),
        swept=SweepLedger(ledger_table()),
        feed=ledger_feed(),
        feeder=feeder(),
        ending=ending(),
        adoption=adoption(),
        reader=roster_reader(),
        queues=queues(),
        is_closed=_is_shut,
        clock=clock,
    )


@cache
def parts() -> PartProcessor:
    """Make the service of parts."""
    part_ledger = PartLedger(ledger_table())
    recorder = CompletionRecorder(archive=archive(), parts=part_ledger, publish_changed=notices().profiles_changed)
    intake = IntakeShare(ledger(), ledger_table(), settings().workspaces, clock=clock, sleep=stopping().sleep)
    return PartProcessor(fetch=fetch(), recorder=recorder, parts=part_ledger, intake=intake, clock=clock)


@cache
def queue_work() -> QueueWorker:
    """Serve the queues' door."""
    return QueueWorker(queues=queues(), parts=parts(), ending=ending(), feeder=feeder())
