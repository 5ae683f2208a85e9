"""One stage with its vendor and its workers: lookups are submitted to it and watched."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import boto3

from infra.local.ministack.process import REGION
from infra.local.simulator.process import (
    WORKSPACE_ID,
    LatencyConfig,
    QuotaConfig,
    Simulator,
    SimulatorConfig,
    WorkspaceConfig,
)
from lookup.bulk.completion import LookupCompletion
from lookup.bulk.feeder import QUEUE_SECONDS, Feeder, FeedingSteps
from lookup.bulk.queues import BATCH_LIMIT, Queues
from lookup.ledger.feeding import FeedingLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupSpec
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions
from lookup.model import timestamp
from lookup.quota import Quota
from lookup.rosters.reader import RosterReader
from lookup.rosters.store import RosterStore
from tests.benchmarks.feeder.workers import READY_SECONDS, tick, work, work_intake
from tests.benchmarks.gate.plan import LATENCY, quota_of_time
from tests.forking import forking
from tests.lookup.stage import Stage, deployed
from tests.waiting import GIVE_UP

WORKERS = 3
LOOK = 0.5  # seconds between two looks at the ledger
_accounts = itertools.count(400_000_000_000)


@dataclass(frozen=True, slots=True)
class Sample:
    """Users that were served of each lookup, `at` seconds after the first submission."""

    at: float
    served: Mapping[str, int]


@dataclass
class FeederStage:
    """`factor` is quota seconds in a real second."""

    stage: Stage
    factor: float
    samples: list[Sample] = field(default_factory=list)
    started: float | None = None

    def __post_init__(self) -> None:
        settings = self.stage.settings
        table = LedgerTable(self.stage.dynamodb, settings.ledger_table_name, clock=time.time, sleep=time.sleep)
        self.ledger = LookupLedger(table)
        self.rosters = RosterStore(self.stage.s3, settings.bucket_name)
        states = Transitions(table, self.ledger)
        feed = FeedingLedger(table, self.ledger.shares)
        self.feeder = Feeder(
            ledger=self.ledger,
            feed=feed,
            steps=FeedingSteps(feed, RosterReader(self.stage.s3, settings.bucket_name)),
            ending=LookupCompletion(ledger=self.ledger, states=states, publish=lambda _: None, clock=time.time),
            queues=Queues(self.stage.sqs, settings, time.time),
            settings=settings,
            is_closed=lambda _: False,
            clock=time.time,
            depth_seconds=QUEUE_SECONDS / self.factor,
        )

    @property
    def window(self) -> float:
        """How long a quota window is here, in real seconds."""
        return self.stage.settings.workspace("default").quota.window

    def put(self, lookup_id: str, lines: Iterable[str]) -> str:
        """Put a roster of these lines in the bucket; return its key."""
        key = f"rosters/bench/{lookup_id}"
        body = "customer_id\n" + "".join(f"{line}\n" for line in lines)
        self.stage.s3.put_object(Bucket=self.stage.settings.bucket_name, Key=key, Body=body.encode())
        return key

    def submit(self, lookup_id: str, users: int, *, partner: str, weight: int = 1, feed: bool = True) -> None:
        """Submit a lookup over so many users as the handler does."""
        lines = (f"{lookup_id}-{number}" for number in range(users))
        self.submit_lines(lookup_id, lines, partner=partner, weight=weight, feed=feed)

    def submit_lines(
        self, lookup_id: str, lines: Iterable[str], *, partner: str, weight: int = 1, feed: bool = True
    ) -> None:
        """Submit a lookup over these lines as the handler does."""
        roster = self.rosters.pin(self.put(lookup_id, lines))
        now = time.time()
        self.started = self.started or now
        self.ledger.submit(LookupSpec(lookup_id, "default", partner, now, roster, weight=weight))
        if feed:
            self.feeder.feed("default")

    def send(self, messages: int, users: int) -> None:
        """Put messages of so many users each on the intake queue, as other systems do."""
        names = (f"message-{number}" for number in range(messages))
        bodies = [json.dumps([f"{name}-{one}" for one in range(users)]) for name in names]
        for start in range(0, messages, BATCH_LIMIT):
            some = enumerate(bodies[start : start + BATCH_LIMIT])
            self.stage.sqs.send_message_batch(
                QueueUrl=self.stage.settings.intake_queue_url,
                Entries=[{"Id": str(number), "MessageBody": body} for number, body in some],
            )

    def from_intake(self) -> int:
        """Return how many users of messages were served; a run may go past midnight."""
        days = {f"intake-{timestamp(at)[:10]}" for at in (self.started or 0.0, time.time())}
        return sum(tally.counts.requested for tally in map(self.ledger.tally, days) if tally is not None)

    def watch(self, lookup_ids: list[str], until: Callable[[Mapping[str, LookupRecord]], bool]) -> None:
        """Sample these lookups until something is true of them. Raises `TimeoutError` when that never comes."""
        deadline = time.time() + GIVE_UP
        while time.time() < deadline:
            seen = {one.spec.lookup_id: one for one in self.ledger.get_many(lookup_ids)}
            at = time.time() - (self.started or 0.0)
            self.samples.append(Sample(at, {name: one.tally.counts.requested for name, one in seen.items()}))
            if until(seen):
                return
            time.sleep(LOOK)
        raise TimeoutError(f"the lookups are at {self.samples[-1].served} after {GIVE_UP:.0f} s")


@contextmanager
def opened(
    factor: float, plain: Quota | None = None, *, workers: int = WORKERS, intake_workers: int = 0
) -> Iterator[FeederStage]:
    """Deploy a stage whose quota (`plain`) runs `factor` times as fast, with workers, all for the context."""
    quota = quota_of_time(factor, plain or Quota())
    session = boto3.Session(str(next(_accounts)), "local", region_name=REGION)
    with Simulator(config=_vendor(quota, factor)) as vendor, deployed(session, vendor.endpoint_url) as bare:
        workspace = replace(bare.settings.workspaces["default"], quota=quota)
        stage = replace(bare, settings=replace(bare.settings, workspaces={"default": workspace}))
        with team(stage, factor, workers, intake_workers):
            yield FeederStage(stage, factor)


@contextmanager
def bare() -> Iterator[Stage]:
    """Deploy a stage without a vendor and without workers, for the context."""
    session = boto3.Session(str(next(_accounts)), "local", region_name=REGION)
    with deployed(session, "http://127.0.0.1:9") as stage:
        yield stage


def _vendor(quota: Quota, factor: float) -> SimulatorConfig:
    strict = QuotaConfig(mode="sliding", limit=quota.limit, window=quota.window, reset="absent")
    return SimulatorConfig(
        workspaces={WORKSPACE_ID: WorkspaceConfig(quota=strict)},
        latency=LatencyConfig(mean=LATENCY / factor),
        not_found_share=0.0,
        log_identifiers=False,
    )


def environment_of(stage: Stage) -> dict[str, str]:
    """Return what a function instance of this stage finds in its environment."""
    credentials = stage.session.get_credentials()
    return stage.settings.to_environment() | {
        "AWS_ACCESS_KEY_ID": str(credentials.access_key if credentials else None),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup",
        "POWERTOOLS_LOG_LEVEL": "ERROR",
    }


@contextmanager
def team(stage: Stage, factor: float, workers: int, intake_workers: int) -> Iterator[None]:
    """Run a stage's workers and its tick, each a process, for the context."""
    context = forking()
    over = context.Event()
    jobs = [work] * workers + [work_intake] * intake_workers + [tick] * bool(workers)
    ready = context.Barrier(len(jobs) + 1)
    facts = (environment_of(stage), factor, ready, over)
    team = [context.Process(target=job, args=facts, daemon=True) for job in jobs]
    for one in team:
        one.start()
    try:
        ready.wait(READY_SECONDS)
        yield
    finally:
        over.set()
        for one in team:
            one.join(GIVE_UP)
            if one.is_alive():
                one.terminate()
                one.join()
