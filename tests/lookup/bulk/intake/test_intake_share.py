"""The intake queue beside rosters: each has its weighted share of the quota, and what one leaves the other one uses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.process import Simulator
from lookup.bulk.intake.share import RETURN_DELAY, SHARE, STALLED_AFTER, IntakeShare
from lookup.errors import RetryLater, UnknownWorkspace
from lookup.ledger.parts import DeliveredPart
from lookup.ledger.shares import INTAKE, Share, Turn, cost, intake_turn, turns
from lookup.model import PART_LIMIT, Counts, Part
from lookup.quota import Quota
from tests.lookup.services import BulkServices, counted, customer, retry_at
from tests.lookup.stage import Stage

PAYLOAD = 20
LATER = 1e12  # a time that no batch comes to
WORKERS = 2  # of each queue, as many as the default quota has


@dataclass
class Day:
    """A simulated day: the quota is shared evenly by the workers that have requests."""

    services: BulkServices
    intake: IntakeShare = field(init=False)
    waiting: list[Part] = field(default_factory=list)
    progress: float = 0.0  # users of the parts on the queue that were requested and are not counted yet
    asked: Counter[str] = field(default_factory=Counter)
    waited: float = 0.0

    def __post_init__(self) -> None:
        services = self.services
        workspaces = services.stage.settings.workspaces
        self.intake = IntakeShare(
            services.lookups, services.table, workspaces, clock=services.clock, sleep=self.sleep, jitter=lambda: 1.0
        )

    @property
    def rate(self) -> float:
        quota = self.services.stage.settings.workspaces["default"].quota
        return quota.limit / quota.window

    def sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.pass_by(seconds, beside=0)

    def pass_by(self, seconds: float, *, beside: int) -> None:
        """Advance the clock and process rosters' parts, while `beside` workers serve the intake queue."""
        self.services.clock.now += seconds
        self.waiting += self.services.taken()
        workers = min(WORKERS, len(self.waiting))
        self.progress += seconds * self.rate * workers / (workers + beside) if workers else 0.0
        while self.waiting and self.progress >= len(self.waiting[0].identifiers):
            part = self.waiting.pop(0)
            self.progress -= len(part.identifiers)
            self.asked[part.lookup_id] += len(part.identifiers)
            counts = Counts(len(part.identifiers), found=len(part.identifiers))
            self.services.part_ledger.count_completed([counted(part, counts)], "results/none")
            self.services.ending.finish_if_done(part.lookup_id)
            self.services.feeder.feed("default")
            self.waiting += self.services.taken()

    def batch(self, users: int) -> None:
        """Serve a batch of messages, as the intake queue's workers do."""
        with self.intake.turns("default") as batch:
            while users > 0:
                most = batch.turn(None, min(users, PAYLOAD), users, LATER)
                self.waiting += self.services.taken()
                workers = min(WORKERS, len(self.waiting))
                self.pass_by(most / self.rate * (workers + WORKERS) / WORKERS, beside=WORKERS)
                batch.sent(most)
                self.asked[INTAKE] += most
                users -= most


def services_of(stage: Stage, *, intake_weight: int = 1) -> BulkServices:
    workspace = replace(stage.settings.workspaces["default"], quota=Quota(), intake_weight=intake_weight)
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))


def lines(number: int) -> bytes:
    return "".join(f"user-{index}\n" for index in range(number)).encode()


def submit(services: BulkServices, name: str, users: int, *, weight: int = 1) -> None:
    services.submit(name, services.roster(lines(users), f"rosters/{name}"), partner=name, weight=weight)
    services.feeder.feed("default")


@pytest.mark.parametrize(("intake", "roster"), [(1, 1), (1, 3)])
def test_a_flood_of_messages_leaves_rosters_their_share(stage: Stage, intake: int, roster: int) -> None:
    """Beside an endless flood of messages a roster gets the share of its weight, less a part and a batch."""
    services = services_of(stage, intake_weight=intake)
    submit(services, "roster", 20_000, weight=roster)
    day = Day(services)
    while day.asked.total() < 2400:
        day.batch(PART_LIMIT)
    wanted = day.asked.total() * roster / (intake + roster)
    assert day.asked["roster"] >= wanted - 2 * PART_LIMIT, day.asked
    assert day.asked[INTAKE] >= day.asked.total() - wanted - 2 * PART_LIMIT, day.asked


def test_huge_rosters_leave_messages_their_share(stage: Stage) -> None:
    """The intake queue's greater weight is respected: rosters are fed as slowly as needed, but never starved."""
    services = services_of(stage, intake_weight=2)
    submit(services, "one", 20_000)
    submit(services, "two", 20_000)
    day = Day(services)
    while day.asked.total() < 2400:
        day.batch(PART_LIMIT)
    assert day.asked[INTAKE] >= day.asked.total() / 2 - 3 * PART_LIMIT, day.asked
    assert min(day.asked["one"], day.asked["two"]) >= day.asked.total() / 4 - 3 * PART_LIMIT, day.asked


def test_a_trickle_waits_for_nobody_and_holds_nobody_up(stage: Stage) -> None:
    """An occasional message is requested at once beside huge rosters, and the queue stays as deep as before."""
    services = services_of(stage)
    submit(services, "roster", 20_000)
    day = Day(services)
    for _ in range(8):
        day.batch(1)
        day.pass_by(29.0, beside=0)
        assert services.lookups.in_flight("default").entries == 500
    assert day.waited == 0
    assert day.asked[INTAKE] == 8
    assert services.share(INTAKE).ready == 0


def test_messages_alone_have_it_all(stage: Stage) -> None:
    """Nobody waits where no roster does, and who comes then begins beside the intake queue, not far behind it."""
    services = services_of(stage)
    day = Day(services)
    for _ in range(20):
        day.batch(PART_LIMIT)
    assert day.waited == 0
    assert services.share(INTAKE).tag == cost(2000, 1)
    submit(services, "roster", 20_000)
    before = day.asked[INTAKE]
    while day.asked["roster"] < 1000:
        day.batch(PART_LIMIT)
    assert abs(day.asked[INTAKE] - before - day.asked["roster"]) <= 5 * PART_LIMIT  # what was fed at once to begin with


def test_what_does_not_go_on_keeps_nobody_waiting(stage: Stage) -> None:
    """Rosters without progress, as while their parts wait out a vendor error, lose their turn for a while."""
    services = services_of(stage)
    submit(services, "roster", 20_000)
    day = Day(services)
    day.batch(PART_LIMIT)
    day.waiting.clear()
    services.stage.messages(services.stage.settings.parts_queue_url)
    waited: list[float] = []
    for _ in range(4):
        before = day.waited
        with day.intake.turns("default") as batch:
            assert batch.turn(None, PAYLOAD, PART_LIMIT, LATER) == PAYLOAD
            batch.sent(PART_LIMIT)
        waited.append(day.waited - before)
    assert max(waited) <= STALLED_AFTER * 6.0 + 10.0
    assert sum(waited) > 0


def test_out_of_turn_is_no_attempt(stage: Stage, simulator: Simulator) -> None:
    """Messages that wait for the rosters' turn are returned uncounted, and stored profiles still answer."""
    simulator.configure(not_found_share=0.0)
    services = services_of(stage)
    submit(services, "roster", 20_000)
    now = services.clock()
    stored, new = message("stored", "C-1", now), message("new", "C-2", now)
    (first,) = services.parts.process([DeliveredPart(stored)], until=now + 60)
    assert retry_at(first) is None
    charged = services.share(INTAKE).tag
    services.intake.advance("default", turn_of(services), 1000, 1)
    known = replace(message("known", "C-1", now), max_age=3600)
    completions = services.parts.process(
        [DeliveredPart(known), DeliveredPart(new, redelivered=True)], until=services.clock() + 30
    )
    by_number = {one.part.number: one for one in completions}
    assert retry_at(by_number["known"]) is None
    assert retry_at(by_number["new"]) == pytest.approx(services.clock() + RETURN_DELAY * 60, abs=5)
    assert services.part_ledger.status_of(new).attempts == 0
    assert services.share(INTAKE).tag == charged + cost(1000, 1)


def test_what_is_stored_is_not_charged(stage: Stage, simulator: Simulator) -> None:
    """Only users requested from MoEngage count; a batch that the store answers writes nothing."""
    simulator.configure(not_found_share=0.0)
    services = services_of(stage)
    now = services.clock()
    services.parts.process([DeliveredPart(message("one", "C-1", now))], until=now + 60)
    assert services.share(INTAKE).tag == cost(1, 1)
    services.parts.process([DeliveredPart(replace(message("two", "C-1", now), max_age=3600))], until=now + 60)
    assert services.share(INTAKE).tag == cost(1, 1)


def test_a_death_harms_by_a_part(stage: Stage) -> None:
    """A batch whose server dies leaves a part charged at most; one whose gate refuses it leaves nothing."""
    services = services_of(stage)
    day = Day(services)
    dying = day.intake.turns("default")
    assert dying.__enter__().turn(None, PAYLOAD, 10_000, LATER) == PAYLOAD
    assert services.share(INTAKE).tag == cost(PART_LIMIT, 1)
    assert services.share(INTAKE).ready == 0
    with day.intake.turns("default") as batch:
        batch.turn(None, PAYLOAD, 10_000, LATER)
    assert services.share(INTAKE).tag == cost(PART_LIMIT, 1)
    assert services.share(INTAKE).ready == 1  # what is returned waits
    with pytest.raises(UnknownWorkspace), day.intake.turns("unknown"):
        pass
    assert services.share(INTAKE).tag == cost(PART_LIMIT, 1)


def test_of_many_servers_one_has_the_turn(stage: Stage) -> None:
    """A turn that was read before another server took it is not charged twice over."""
    services = services_of(stage)
    turn = turn_of(services)
    assert services.intake.advance("default", turn, PART_LIMIT, 1)
    assert not services.intake.advance("default", turn, PART_LIMIT, 1)
    assert services.share(INTAKE).tag == cost(PART_LIMIT, 1)


def test_a_batch_that_waits_too_long_is_returned(stage: Stage) -> None:
    """When the turn does not come in time the batch is returned before its deadline."""
    services = services_of(stage)
    submit(services, "roster", 20_000)
    day = Day(services)
    services.intake.advance("default", turn_of(services), 5000, 1)
    until = services.clock() + 20
    with pytest.raises(RetryLater, match=SHARE), day.intake.turns("default") as batch:
        batch.turn(None, PAYLOAD, PART_LIMIT, until)
    assert services.clock() < until
    assert services.share(INTAKE).ready == 1
    services.clock.now += 11
    assert services.share(INTAKE).ready == 0


def message(number: str, name: str, now: float) -> Part:
    return Part(
        lookup_id="intake-2026-01-01",
        number=number,
        workspace="default",
        identifiers=(customer(name),),
        submitted_at=now,
        fed_at=now,
    )


def turn_of(services: BulkServices) -> Turn:
    """Return the turn that the intake queue has when nobody else goes on."""
    shares = services.lookups.shares.of("default")
    turn = intake_turn(shares, 1, is_out=False, is_stalled=True)
    assert turn is not None
    return turn


ACTS = st.lists(st.sampled_from([INTAKE, "roster", "other"]), max_size=120)
WEIGHTS = st.tuples(*(st.sampled_from([1, 3, 1000]) for _ in range(3)))


@given(WEIGHTS, ACTS)
def test_no_order_of_events_gives_more_than_a_share(weights: tuple[int, int, int], acts: list[str]) -> None:
    """While all of them wait, however often each requests, tags stay within a part of each other."""
    names = (INTAKE, "other", "roster")
    shares = {name: Share(name, weight=weight, ready=1) for name, weight in zip(names, weights, strict=True)}
    for act in acts:
        known = list(shares.values())
        if act == INTAKE:
            turn = intake_turn(known, weights[0], is_out=True, is_stalled=False)
        else:
            turn = next(one for one in turns(known) if one.share.partner == act)
            turn = turn if turn.lead == 0 else None
        if turn is not None:
            tag = turn.tag + cost(PART_LIMIT, turn.share.weight)
            shares[act] = replace(shares[act], tag=tag, virtual=turn.virtual)
    tags = [turn.tag for turn in turns(list(shares.values()))]
    assert max(tags) - min(tags) <= max(cost(PART_LIMIT, weight) for weight in weights)
