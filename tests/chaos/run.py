"""One run: everybody at work at once, then calm, until nothing is left to do; then what became of it."""

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

from tests.chaos.clock import FastClock
from tests.chaos.environment import Scene, opened
from tests.chaos.evidence import gathered, waiting
from tests.chaos.faults import Weather
from tests.chaos.ledger_evidence import ledger
from tests.chaos.orders import Call, Drawing, Listed, Orders
from tests.chaos.plan import Plan, Size
from tests.chaos.processes import Crew
from tests.chaos.report import Report
from tests.chaos.traffic import Diary, Knocker, Partner, Scheduler, send_messages
from tests.chaos.verdict import Left, judged
from tests.waiting import GIVE_UP

PATIENCE = GIVE_UP  # real seconds of calm after which what is not done is stuck
LOOK = 1.0  # real seconds between two looks
QUIET_LOOKS = 3  # in a row that find nothing to do
DONE_SHARE = 0.85  # of the identifiers that have their outcome when the faults end
LONGEST, LEAST = 5.0, GIVE_UP  # horizons, real seconds: whatever is more is when the faults end at the latest

Advance = Callable[[int, int | None], None]


@dataclass
class Run:
    """A run in progress."""

    plan: Plan
    orders: Orders
    scene: Scene
    folder: Path
    advance: Advance
    diary: Diary = field(default_factory=Diary)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        (self.folder / "echoes").mkdir(parents=True)
        self.clock = FastClock(time.time(), self.plan.size.factor)
        facts = {"seed": self.plan.seed, "identifiers": self.plan.size.identifiers, "started": self.clock.started}
        self.crew = Crew(self.scene.environment, facts, self.folder)
        stage = self.scene.stage
        knocker = Knocker(self.orders.token, self.clock, stage.sqs, stage.settings.intake_queue_url, self.diary)
        self.weather = Weather(
            self.plan,
            self.clock,
            stage,
            self.scene.vendor,
            self.crew,
            knocker.knock,
            self.orders.refused,
            self.orders.failing,
        )

    def carry_out(self) -> None:
        """Let it all happen. Whoever of ours fails ends the run with its exception."""
        size = self.plan.size
        pollers = [self.crew.post(f"queue-{number}", "tests.chaos.poller") for number in range(size.pollers)]
        with ThreadPoolExecutor(size.people + 4) as threads:
            try:
                busy = [threads.submit(job) for job in self._jobs()]
                tick = threads.submit(self._scheduler().run, self._firings, self.is_over)
                self._watch(pollers, busy, tick)
            finally:
                self.is_over.set()
                self.crew.end()

    def _jobs(self) -> list[Callable[[], None]]:
        stage = self.scene.stage
        requests: queue.SimpleQueue[Call | Listed] = queue.SimpleQueue()
        by_http = [one for one in self.orders.requests if one.door != "schedule"]
        for request in sorted(by_http, key=lambda one: one.at):
            requests.put(request)
        partners = [
            Partner(self.crew.post(f"request-{number}", "tests.chaos.instance", "on_request"), self.clock, self.diary)
            for number in range(self.plan.size.people)
        ]
        url = stage.settings.intake_queue_url
        sender = partial(send_messages, self.orders, self.clock, stage.sqs, url, self.diary)
        return [self.weather.run, sender, *(partial(one.run, requests) for one in partners)]

    @property
    def _firings(self) -> list[Listed]:
        return [one for one in self.orders.listed if one.door == "schedule"]

    def _scheduler(self) -> Scheduler:
        return Scheduler(self.crew.post("schedule", "tests.chaos.instance", "on_schedule"), self.clock, self.diary)

    def _watch(self, pollers: Sequence[Any], busy: Sequence[Future[None]], tick: Future[None]) -> None:
        """Replace the dead, end the faults in time, and go on until nothing is left to do."""
        calm_since, quiet = None, 0
        while quiet < QUIET_LOOKS:
            for post in pollers:
                post.filled()
            for job in (one for one in (*busy, tick) if one.done()):
                job.result()
            done, idle = self._look()
            self.advance(min(done, self.orders.identifiers), self.orders.identifiers)
            if calm_since is None and self._may_calm(busy, done):
                calm_since = self._calm()
            quiet = quiet + 1 if idle and calm_since is not None and self._all_done(busy) else 0
            if calm_since is not None and self.clock.passed() - calm_since > PATIENCE:
                return
            wait(busy, timeout=0)
            time.sleep(LOOK)

    def _all_done(self, busy: Sequence[Future[None]]) -> bool:
        fired = {lookup_id for lookup_id, _ in self.diary.accepted}
        return all(one.done() for one in busy) and len(fired) >= len(self.orders.listed)

    def _may_calm(self, busy: Sequence[Future[None]], done: int) -> bool:
        if self.clock.passed() > max(LONGEST * self.plan.size.horizon, LEAST):
            return True
        return busy[0].done() and done >= DONE_SHARE * self.orders.identifiers

    def _calm(self) -> float:
        (self.folder / "calm").touch()
        self.weather.clear_up()
        return self.clock.passed()

    def _look(self) -> tuple[int, bool]:
        """Count the outcomes so far; tell whether nothing is left to do."""
        lookups, out = ledger(self.scene.stage)
        done = sum(one.counts.get("requested", 0) for one in lookups.values())
        done += sum(len(one.entries) for one in self.diary.answered)
        ended = all(one.state == "completed" and not one.out for one in lookups.values() if one.roster)
        return done, ended and not waiting(self.scene.stage) and not out

    def left(self) -> Left:
        """Return what is needed to judge this run."""
        return Left(
            plan=self.plan,
            orders=self.orders,
            diary=self.diary,
            people=self.scene.people,
            versions=self.weather.versions,
            keys=self.weather.keys,
            returns=self.weather.returns,
            rotations=self.weather.rotations,
            noted=self.crew.killed + Counter((self.folder / "faults").read_text().split()),
            logs=[f"{post.name}.log" for post in self.crew.posts],
            seconds=self.clock.passed(),
        )


def carried_out(seed: int, identifiers: int, session: boto3.Session, folder: Path, advance: Advance) -> Report:
    """Carry a run out in the session's account and return what was found; `folder` keeps its logs."""
    shutil.rmtree(folder, ignore_errors=True)
    plan = Plan(seed, Size.of(identifiers))
    orders = Drawing(seed, plan.size.horizon).orders(identifiers)
    with opened(session, plan.size, orders) as scene:
        run = Run(plan, orders, scene, folder, advance)
        run.carry_out()
        return judged(run.left(), gathered(scene, folder))
