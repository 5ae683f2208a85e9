"""Feeding: every line of every roster ends in one outcome, fairly, however often something is delivered or dies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.ledger.model import LookupRecord, LookupState
from lookup.ledger.parts import DeliveredPart
from lookup.model import Counts
from lookup.quota import Quota
from lookup.rosters.reader import STEP_BYTES
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> BulkServices:
    """Return services whose quota allows 200 identifiers on the queue at once."""
    simulator.configure(not_found_share=0.0)
    workspace = replace(stage.settings.workspaces["default"], quota=Quota(limit=200))
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))


def names(prefix: str, number: int) -> bytes:
    return "".join(f"{prefix}-{index}\n" for index in range(number)).encode()


def seen(services: BulkServices, lookup_id: str) -> LookupRecord:
    progress = services.lookups.get(lookup_id)
    assert progress is not None
    return progress


def test_a_lookup_completes_and_is_published_once(services: BulkServices, simulator: Simulator) -> None:
    """430 lines with 7 junk ones end in 430 outcomes, one completion and one event; the queue stays shallow."""
    body = b"customer_id\n" + names("user", 423) + b"unknown\n\n" * 7
    services.submit("big", services.roster(body))
    assert services.feeder.feed("default") == 200
    assert services.lookups.in_flight("default").entries == 200
    assert services.feeder.feed("default") == 0
    while services.work():
        services.feeder.feed("default")
    progress = seen(services, "big")
    assert progress.state is LookupState.COMPLETED
    assert progress.tally.counts == Counts(requested=430, found=423, invalid=7)
    assert (progress.requested, progress.is_estimated, progress.tally.parts_done) == (430, False, 5)
    assert [one.spec.lookup_id for one in services.events.completed] == ["big"]
    assert (services.unfinished(), services.lookups.in_flight("default").entries) == ([], 0)
    assert simulator.counters().users == 423


def test_who_waits_comes_first_and_on_a_full_queue(services: BulkServices) -> None:
    """On a full queue each partner may be one part ahead: the first part of a lookup goes on it, no second one does."""
    services.submit("big", services.roster(names("user", 900)))
    services.feeder.feed("default")
    for name, partner in (("late-1", "b"), ("late-2", "b"), ("late-3", "c")):
        services.submit(name, services.roster(names(name, 100), f"rosters/{name}"), partner=partner)
    fed = [services.feeder.feed_first("default", name) for name in ("late-1", "late-2", "late-3", "big")]
    assert fed == [100, 0, 100, 0]
    assert [part.lookup_id for part in services.taken()] == ["big", "big", "late-1", "late-3"]


def test_a_request_feeds_its_own_part_only(services: BulkServices) -> None:
    """With room on the queue a lookup's first part goes on it, and nothing of anybody else's."""
    services.submit("one", services.roster(names("one", 300)))
    services.submit("two", services.roster(names("two", 300), "rosters/two"), partner="b")
    services.feeder.try_feed("default", "two")
    assert [(part.lookup_id, part.number) for part in services.taken()] == [("two", "00000001")]


def test_a_second_submission_of_an_id_is_the_first(services: BulkServices) -> None:
    """A schedule that fires twice for one time makes one lookup."""
    spec = services.submit("refresh-1", services.roster(names("user", 5)))
    assert services.lookups.submit(spec) is False


def test_a_part_delivered_three_times_counts_once(services: BulkServices) -> None:
    """Redelivery changes no count."""
    services.submit("one", services.roster(names("user", 30)))
    services.feeder.feed("default")
    parts = services.work()
    for _ in range(2):
        services.queues.send(parts)
        services.work(redelivered=True)
    assert seen(services, "one").tally.counts == Counts(requested=30, found=30)
    assert services.lookups.in_flight("default").entries == 0


def test_a_worker_that_feeds_itself_does_not_run_away(services: BulkServices) -> None:
    """However often each message is delivered, a roster puts its own parts on the queue, and no more than fits."""
    services.submit("big", services.roster(names("user", 1000)))
    services.feeder.feed("default")
    sent: list[str] = []
    while parts := services.taken():
        assert sum(len(part.identifiers) for part in parts) <= 200
        sent += [part.name for part in parts]
        for part in parts:
            for _ in range(4):
                found = Counts(len(part.identifiers), found=len(part.identifiers))
                services.part_ledger.count_completed([counted(part, found)], "results/none")
                services.ending.finish_if_done(part.lookup_id)
                services.feeder.feed("default")
    assert len(sent) == len(set(sent)) == 10
    assert (services.lookups.in_flight("default").entries, seen(services, "big").state) == (0, LookupState.COMPLETED)


def test_a_small_lookup_overtakes_a_huge_one(services: BulkServices) -> None:
    """Ten identifiers submitted behind thousands are in the next parts that are fed."""
    services.submit("huge", services.roster(names("huge", 3000)))
    services.feeder.feed("default")
    services.clock.now += 5
    services.submit("small", services.roster(names("small", 10), "rosters/two.csv"))
    services.count()
    services.feeder.feed("default")
    assert {part.lookup_id for part in services.count()} == {"huge", "small"}
    assert seen(services, "small").state is LookupState.COMPLETED


@pytest.mark.parametrize(("weight", "ratio"), [(1, 1.0), (3, 3.0)])
def test_partners_share_by_weight(services: BulkServices, weight: int, ratio: float) -> None:
    """While both have work, partners are fed in proportion to their weights, however many lookups each has."""
    services.submit("a1", services.roster(names("a1", 4000)), partner="a", weight=weight)
    services.submit("b1", services.roster(names("b1", 4000), "rosters/b1.csv"), partner="b")
    services.submit("b2", services.roster(names("b2", 4000), "rosters/b2.csv"), partner="b")
    served = {"a": 0, "b": 0}
    for _ in range(16):
        services.feeder.feed("default")
        for part in services.count():
            served[part.lookup_id[0]] += len(part.identifiers)
    assert served["a"] / served["b"] == pytest.approx(ratio, rel=0.1)


def test_pause_resume_and_cancel(services: BulkServices) -> None:
    """A paused lookup is not fed; resumed it goes on; cancelled it ends with what was fed, the rest unasked."""
    spec = services.submit("one", services.roster(names("user", 900)))
    services.feeder.feed("default")
    assert services.states.pause(spec)
    assert len(services.count()) == 2
    assert (services.feeder.feed("default"), services.count()) == (0, [])
    assert services.states.resume(spec, seen(services, "one").cursor)
    assert services.feeder.feed("default") == 200
    assert services.states.cancel(spec)
    assert len(services.work()) == 2
    progress = seen(services, "one")
    assert progress.state is LookupState.CANCELLED
    assert progress.tally.counts == Counts(requested=400, found=200, failed=200)
    assert progress.requested == 400
    assert services.states.cancel(spec) is False
    assert [one.state for one in services.events.completed] == [LookupState.CANCELLED]


def test_a_retry_requests_only_what_failed(services: BulkServices, simulator: Simulator) -> None:
    """A retry of a completed lookup requests only the failed identifiers, and moves their counts."""
    simulator.set_faults(Fault(distortions=("unaccounted",), identifiers=("user-7", "user-205")))
    spec = services.submit("one", services.roster(names("user", 220)))
    services.feeder.feed("default")
    while services.work():
        services.feeder.feed("default")
    assert seen(services, "one").tally.counts == Counts(requested=220, found=218, failed=2)
    simulator.set_faults()
    asked = simulator.counters().users
    services.clock.now += 60
    assert services.states.retry_failed(spec, seen(services, "one").cursor)
    services.feeder.feed("default")
    while services.work():
        services.feeder.feed("default")
    progress = seen(services, "one")
    assert progress.state is LookupState.COMPLETED
    assert progress.tally.counts == Counts(requested=220, found=220)
    assert simulator.counters().users == asked + 2
    assert len(services.events.completed) == 2


def test_nothing_is_fed_to_a_closed_gate(services: BulkServices) -> None:
    """While the gate is closed the work stays in S3."""
    services.submit("one", services.roster(names("user", 30)))
    services.is_closed = True
    assert services.feeder.feed("default") == 0


def test_a_lost_part_is_sent_again(services: BulkServices) -> None:
    """A part that was sent and never came in is sent again by the sweep, after twice the visibility time."""
    services.submit("one", services.roster(names("user", 30)))
    services.feeder.feed("default")
    lost = services.stage.messages(services.stage.settings.parts_queue_url)
    assert len(lost) == 1
    services.sweep.run("default")
    assert services.work() == []
    services.clock.now += 2 * 362
    services.sweep.run("default")
    assert len(services.work()) == 1
    assert seen(services, "one").state is LookupState.COMPLETED


def test_a_late_delivery_of_what_failed_hides_no_lost_retry(services: BulkServices, simulator: Simulator) -> None:
    """A part's old message that comes once more while the part is out for its retry leaves it to the sweep."""
    simulator.set_faults(Fault(status=400))
    spec = services.submit("one", services.roster(names("user", 30)))
    services.feeder.feed("default")
    (old,) = services.work()
    simulator.set_faults()
    assert services.states.retry_failed(spec, seen(services, "one").cursor)
    services.feeder.feed("default")
    assert len(services.taken()) == 1  # and the worker that received it is killed
    services.parts.process([DeliveredPart(old, redelivered=True)], until=services.clock() + 60)
    services.clock.now += 2 * 362
    services.sweep.run("default")
    services.work()
    assert seen(services, "one").tally.counts == Counts(requested=30, found=30)


def test_a_paused_lookup_that_is_fed_out_is_not_chosen_again(services: BulkServices) -> None:
    """Resumed with all its parts out, a lookup waits for them without being looked at for more."""
    spec = services.submit("one", services.roster(names("user", 30)))
    services.feeder.feed("default")
    assert services.states.pause(spec)
    assert services.states.resume(spec, seen(services, "one").cursor)
    assert (services.lookups.shares.ready_entry(spec), seen(services, "one").state) == (None, LookupState.ACTIVE)
    assert (services.share("acme").ready, services.share("acme").running, services.share("acme").users) == (0, 1, 0)
    services.work()
    assert seen(services, "one").state is LookupState.COMPLETED


def test_resuming_with_an_old_cursor_never_leaves_a_retry_unfed(services: BulkServices) -> None:
    """A lookup that began a retry since its cursor was read is not resumed as one that is fed out."""
    spec = services.submit("one", services.roster(names("user", 30)))
    services.feeder.feed("default")
    old = seen(services, "one").cursor
    services.work()
    assert services.states.retry_failed(spec, seen(services, "one").cursor)
    assert services.states.pause(spec)
    assert services.states.resume(spec, old) is False
    assert services.states.resume(spec, seen(services, "one").cursor)
    assert [one.lookup_id for one in services.lookups.shares.next("default", "acme", 5)] == ["one"]


def test_megabytes_of_blank_lines_move_the_cursor_and_are_no_part(services: BulkServices) -> None:
    """Bytes without an entry send nothing and are no part; the lookup ends over its two entries."""
    blanks = b"\n" * (2 * STEP_BYTES + 5)
    services.submit("blank", services.roster(b"C-1\n" + blanks + b"C-2\n" + blanks))
    for _ in range(20):
        services.feeder.feed("default")
        services.work()
    cursor = seen(services, "blank").cursor
    assert (cursor.parts_fed, cursor.entries_fed, cursor.exhausted) == (2, 2, True)
    assert (seen(services, "blank").state, seen(services, "blank").tally.parts_done) == (LookupState.COMPLETED, 2)
    assert seen(services, "blank").tally.counts == Counts(requested=2, found=2)
    assert len(services.events.completed) == 1
