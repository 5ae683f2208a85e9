"""Promise 1 under any interleaving: every identifier ends in one outcome, counted once, published once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import boto3
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from infra.local.ministack.process import EmbeddedAws
from tests.lookup.bulk.feeder.interruptions import Crash
from tests.lookup.bulk.feeder.world import World
from tests.lookup.stage import deployed

# A run makes thousands of requests; FEEDER_EXAMPLES asks for more of them than every change needs.
WANTED = int(os.environ.get("FEEDER_EXAMPLES") or 0)
SIZE = settings(
    max_examples=WANTED or 20,
    stateful_step_count=30 if WANTED else 14,
    derandomize=not WANTED,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
LINES = st.lists(st.sampled_from(["user-1", "user-2", "user-3", "x", ""]), min_size=1, max_size=7)
PICK = st.integers(0, 3)
OTHERS = ("crash", "feed", "serve", "sweep", "pause", "resume", "cancel", "retry")
ALWAYS = st.tuples(st.integers(1, 4), st.booleans(), st.sampled_from(OTHERS), st.integers(0, 1))
BETWEEN = st.none() | ALWAYS
Between = tuple[int, bool, str, int] | None
_accounts = itertools.count(300_000_000_000)


class Feeding(RuleBasedStateMachine):
    """Partners, two feeders, workers, the sweep and time, one after the other or in each other's middle."""

    session_of: Callable[[str], boto3.Session]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        stage = self.stack.enter_context(deployed(self.session_of(str(next(_accounts))), None))
        self.world = World(stage)

    def do(self, turn: Callable[[], object], between: Between) -> None:
        if between is not None:
            at, after, kind, pick = between
            self.world.between.arm(at, after=after, action=partial(self.come_between, kind, pick))
        self.world.carry_out(turn)

    def come_between(self, kind: str, pick: int) -> None:
        world = self.world
        if kind == "crash":
            raise Crash
        turns: dict[str, Callable[[], object]] = {
            "feed": lambda: world.feeder.feed("default"),
            "serve": lambda: world.serve_next(pick, 1),
            "sweep": lambda: world.sweep.run("default"),
            "pause": lambda: world.steer(pick, world.states.pause),
            "resume": lambda: world.steer(pick, world.resume),
            "cancel": lambda: world.steer(pick, world.states.cancel),
            "retry": lambda: world.steer(pick, world.retry),
        }
        turns[kind]()

    @initialize(lines=LINES)
    def begin(self, lines: list[str]) -> None:
        self.world.order(lines, "a", 1)

    @rule(lines=LINES, partner=st.sampled_from("ab"), weight=st.integers(1, 3), between=BETWEEN)
    def submit(self, lines: list[str], partner: str, weight: int, between: Between) -> None:
        self.do(lambda: self.world.order(lines, partner, weight), between)

    @rule(between=BETWEEN)
    def feed(self, between: Between) -> None:
        self.do(lambda: self.world.feeder.feed("default"), between)

    @rule(lines=LINES, between=ALWAYS)
    def feed_a_new_one(self, lines: list[str], between: Between) -> None:
        self.world.order(lines, "a", 1)
        self.do(lambda: self.world.feeder.feed("default"), between)

    @rule(failures=st.integers(0, 2), between=ALWAYS)
    def serve_all(self, failures: int, between: Between) -> None:
        self.do(lambda: self.world.serve_all(failures), between)

    @rule(pick=PICK, between=ALWAYS)
    def retry_and_feed(self, pick: int, between: Between) -> None:
        self.world.steer(pick, self.world.retry)
        self.do(lambda: self.world.feeder.feed("default"), between)

    @rule(pick=PICK, failures=st.integers(0, 2), between=BETWEEN)
    def serve(self, pick: int, failures: int, between: Between) -> None:
        self.do(lambda: self.world.serve_next(pick, failures), between)

    @rule(pick=PICK, failures=st.integers(0, 2), between=BETWEEN)
    def redeliver(self, pick: int, failures: int, between: Between) -> None:
        self.do(lambda: self.world.serve_again(pick, failures), between)

    @rule(pick=PICK, kind=st.sampled_from(["pause", "resume", "cancel", "retry", "retry"]), between=BETWEEN)
    def steer(self, pick: int, kind: str, between: Between) -> None:
        self.do(lambda: self.come_between(kind, pick), between)

    @rule(between=BETWEEN)
    def sweep(self, between: Between) -> None:
        self.do(lambda: self.world.sweep.run("default"), between)

    @rule(seconds=st.sampled_from([61.0, 130.0, 900.0]))
    def wait(self, seconds: float) -> None:
        self.world.clock.now += seconds

    @rule(number=st.integers(1, 3))
    def meet_conflicts(self, number: int) -> None:
        self.world.between.conflicts = number

    @invariant()
    def nothing_is_counted_twice(self) -> None:
        self.world.check_along_the_way()

    def teardown(self) -> None:
        with self.stack:
            self.world.drain()
            self.world.check_the_end()


def test_every_identifier_ends_in_one_outcome(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crashes, conflicts, redeliveries: no part is counted twice, none is missing, every completion is published."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded_aws.endpoint_url)
    machine = type("Machine", (Feeding,), {"session_of": staticmethod(embedded_aws.session)})
    run_state_machine_as_test(machine, settings=SIZE)
