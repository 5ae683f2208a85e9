"""One run: all traffic and faults at once, then no more faults until nothing is left to do; then the verdict."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from lookup.erasure.worker import DRAIN
from tests.chaos import instance, poller
from tests.chaos.clock import FastClock
from tests.chaos.environment import Environment, opened
from tests.chaos.erasing import EraseRequests, are_over, remove_abandoned_uploads
from tests.chaos.evidence import gathered, waiting
from tests.chaos.export_traffic import ExportPartner
from tests.chaos.faults import FaultInjector
from tests.chaos.hour_evidence import ask_for_hours
from tests.chaos.ledger_evidence import ledger
from tests.chaos.orders import Call, Drawing, Listed, Orders
from tests.chaos.plan import Plan, Size
from tests.chaos.processes import Processes
from tests.chaos.report import Report
from tests.chaos.traffic import ExtraSender, Partner, Scheduler, TrafficLog, send_messages
from tests.chaos.verdict import RunRecord, report_on
from tests.chaos.week_later import Week, pass_a_week
from tests.waiting import GIVE_UP

MAX_CALM_SECONDS = GIVE_UP  # real seconds without faults after which what is not done is stuck
SEARCHES = 4  # of an erasure at the most, as far as a run waits for it
LOOK = 1.0  # real seconds between two reads
HOURS_EVERY = 5  # looks between two times that hours are collected while there are faults
QUIET_LOOKS = 3  # in a row that find nothing to do
DONE_SHARE = 0.85  # of the identifiers that have their outcome when the faults end
LONGEST, LEAST = 5.0, GIVE_UP  # horizons, real seconds: whatever is more is when the faults end at the latest

Advance = Callable[[int, int | None], None]


@dataclass
class Run:
    """A run in progress."""

    plan: Plan
    orders: Orders
    environment: Environment
    folder: Path
    advance: Advance
    traffic: TrafficLog = field(default_factory=TrafficLog)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        (self.folder / "echoes").mkdir(parents=True)
        self.clock = FastClock(time.time(), self.plan.size.factor)
        size = self.plan.size
        self.facts = {"seed": self.plan.seed, "identifiers": size.identifiers, "started": self.clock.started}
        self.processes = Processes(self.environment.variables, self.facts, self.folder)
        stage = self.environment.stage
        extra_sender = ExtraSender(
            self.orders.token, self.clock, stage.sqs, stage.settings.intake_queue_url, self.traffic
        )
        self.injector = FaultInjector(
            self.plan,
            self.clock,
            stage,
            self.environment.vendor,
            self.processes,
            extra_sender.send_one_more,
            self.orders.refused,
            self.orders.failing,
        )

    def carry_out(self) -> None:
        """Carry the run out. An exception of the harness ends it."""
        size = self.plan.size
        pollers = [self.processes.slot(f"queue-{number}", poller.serve) for number in range(size.pollers)]
        with ThreadPoolExecutor(size.partners + 6) as threads:
            try:
                busy = [threads.submit(job) for job in self._jobs()]
                tick = threads.submit(self._scheduler().run, self._firings, self.is_over)
                self._watch(pollers, busy, tick)
            finally:
                self.is_over.set()
                self.injector.stop()
                self.processes.end()

    def _jobs(self) -> list[Callable[[], None]]:
        stage = self.environment.stage
        requests: queue.SimpleQueue[Call | Listed] = queue.SimpleQueue()
        by_http = [one for one in self.orders.requests if one.channel != "schedule"]
        for request in sorted(by_http, key=lambda one: one.at):
            requests.put(request)
        partners = [
            Partner(self.processes.slot(f"request-{number}", instance.serve, "on_request"), self.clock, self.traffic)
            for number in range(self.plan.size.partners)
        ]
        url = stage.settings.intake_queue_url
        sender = partial(send_messages, self.orders, self.clock, stage.sqs, url, self.traffic)
        by_partners = [partial(one.run, requests) for one in partners]
        exporting = partial(self._exporter().run, self.is_over)
        jobs: list[Callable[[], None]] = [self.injector.run, sender, *by_partners, exporting]
        return [*jobs, self._erasing().run] if self.orders.erased else jobs

    def _erasing(self) -> EraseRequests:
        slot = self.processes.slot("erasing", instance.serve, "on_request")
        return EraseRequests(slot, self.clock, self.orders.erased, self.plan.size.horizon)

    def _exporter(self) -> ExportPartner:
        slot = self.processes.slot("request-exports", instance.serve, "on_request")
        return ExportPartner(slot, self.clock, self.traffic, self._are_all_accepted)

    def _are_all_accepted(self) -> bool:
        return len({lookup_id for lookup_id, _ in self.traffic.accepted}) >= len(self.orders.listed)

    @property
    def _firings(self) -> list[Listed]:
        return [one for one in self.orders.listed if one.channel == "schedule"]

    def _scheduler(self) -> Scheduler:
        return Scheduler(self.processes.slot("schedule", instance.serve, "on_schedule"), self.clock, self.traffic)

    def _watch(self, pollers: Sequence[Any], busy: Sequence[Future[None]], tick: Future[None]) -> None:
        """Replace dead processes, end the faults in time, and wait until nothing is left to do."""
        calm_since, quiet, looks, is_asked = None, 0, 0, False
        while quiet < QUIET_LOOKS or not is_asked:
            looks += 1
            if quiet == QUIET_LOOKS or (calm_since is None and looks % HOURS_EVERY == 0):
                is_asked, quiet = calm_since is not None, 0
                ask_for_hours(self.environment.stage)
            for slot in pollers:
                slot.running()
            for job in (one for one in (*busy, tick) if one.done()):
                job.result()
            done, idle = self._look()
            self.advance(min(done, self.orders.identifiers), self.orders.identifiers)
            if calm_since is None and self._may_calm(busy, done):
                calm_since = self._calm()
            quiet = quiet + 1 if idle and calm_since is not None and self._all_done(busy) else 0
            if calm_since is not None and self.clock.passed() - calm_since > self._longest_calm:
                return
            wait(busy, timeout=0)
            time.sleep(LOOK)

    @property
    def _longest_calm(self) -> float:
        """How long calm may last, in real seconds: each search of an erasure that finds something waits for another."""
        searches = DRAIN / self.clock.factor * SEARCHES if self.orders.erased else 0.0
        return MAX_CALM_SECONDS + searches

    def _all_done(self, busy: Sequence[Future[None]]) -> bool:
        return all(one.done() for one in busy) and self._are_all_accepted()

    def _may_calm(self, busy: Sequence[Future[None]], done: int) -> bool:
        if self.clock.passed() > max(LONGEST * self.plan.size.horizon, LEAST):
            return True
        return busy[0].done() and done >= DONE_SHARE * self.orders.identifiers

    def _calm(self) -> float:
        (self.folder / "calm").touch()
        self.injector.stop()
        return self.clock.passed()

    def _look(self) -> tuple[int, bool]:
        """Count the outcomes so far; return whether nothing is left to do."""
        lookups, out = ledger(self.environment.stage)
        done = sum(one.counts.get("requested", 0) for one in lookups.values())
        done += sum(len(one.entries) for one in self.traffic.answered)
        ended = all(one.state == "completed" and not one.out for one in lookups.values() if one.roster)
        idle = ended and not waiting(self.environment.stage) and not out
        if idle and self.orders.erased and (self.folder / "calm").exists():
            remove_abandoned_uploads(self.environment.stage)
            idle = are_over(self.environment.stage)
        return done, idle

    def record(self) -> RunRecord:
        """Let a week pass, and return what the verdict needs of this run."""
        week = self._week_later()
        return RunRecord(
            plan=self.plan,
            orders=self.orders,
            traffic=self.traffic,
            population=self.environment.population,
            versions=self.injector.versions,
            keys=self.injector.keys,
            returns=self.injector.returns,
            rotations=self.injector.rotations,
            noted=self.processes.killed + self._noted(week),
            logs=[f"{slot.name}.log" for slot in self.processes.slots],
            seconds=self.clock.passed(),
            week=week,
        )

    def _week_later(self) -> Week:
        return pass_a_week(self.environment, self.plan, self.facts, self.folder / "week")

    def _noted(self, week: Week) -> Counter[str]:
        noted = [(folder / "faults").read_text().split() for folder in (self.folder, self.folder / "week")]
        return Counter([*noted[0], *noted[1]]) + Counter(killed_at_any_moment=week.killed)


def carried_out(seed: int, identifiers: int, session: boto3.Session, folder: Path, advance: Advance) -> Report:
    """Carry a run out in the session's account and return the report; `folder` keeps its logs."""
    shutil.rmtree(folder, ignore_errors=True)
    plan = Plan(seed, Size.of(identifiers))
    orders = Drawing(seed, plan.size.horizon).orders(identifiers)
    with opened(session, plan.size, orders) as environment:
        run = Run(plan, orders, environment, folder, advance)
        run.carry_out()
        evidence = gathered(environment, folder, orders.erased)
        return report_on(run.record(), evidence)
