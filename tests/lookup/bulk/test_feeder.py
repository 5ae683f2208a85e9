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
def desk(stage: Stage, simulator: Simulator) -> BulkServices:
    """Give a desk whose quota lets 200 identifiers onto the queue at once."""
    simulator.configure(not_found_share=0.0)
    workspace = replace(stage.settings.workspaces["default"], quota=Quota(limit=200))
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))


def names(prefix: str, number: int) -> bytes:
    return "".join(f"{prefix}-{index}\n" for index in range(number)).encode()


def seen(desk: BulkServices, lookup_id: str) -> LookupRecord:
    progress = desk.lookups.get(lookup_id)
    assert progress is not None
    return progress


def test_a_lookup_ends_complete_and_is_told_once(desk: BulkServices, simulator: Simulator) -> None:
    """430 lines with 7 junk ones end in 430 outcomes, one completion and one event; the queue stays shallow."""
    body = b"customer_id\n" + names("user", 423) + b"unknown\n\n" * 7
    desk.submit("big", desk.roster(body))
    assert desk.feeder.feed("default") == 200
    assert desk.lookups.in_flight("default").entries == 200
    assert desk.feeder.feed("default") == 0
    while desk.work():
        desk.feeder.feed("default")
    progress = seen(desk, "big")
    assert progress.state is LookupState.COMPLETED
    assert progress.tally.counts == Counts(requested=430, found=423, invalid=7)
    assert (progress.requested, progress.is_estimated, progress.tally.parts_done) == (430, False, 5)
    assert [told.spec.lookup_id for told in desk.events.completed] == ["big"]
    assert (desk.unfinished(), desk.lookups.in_flight("default").entries) == ([], 0)
    assert simulator.counters().users == 423


def test_who_waits_comes_first_and_on_a_full_queue(desk: BulkServices) -> None:
    """On a full queue each partner may be one part ahead: the first part of a lookup goes on it, no second one does."""
    desk.submit("big", desk.roster(names("user", 900)))
    desk.feeder.feed("default")
    for name, partner in (("late-1", "b"), ("late-2", "b"), ("late-3", "c")):
        desk.submit(name, desk.roster(names(name, 100), f"rosters/{name}"), partner=partner)
    fed = [desk.feeder.feed_first("default", name) for name in ("late-1", "late-2", "late-3", "big")]
    assert fed == [100, 0, 100, 0]
    assert [part.lookup_id for part in desk.taken()] == ["big", "big", "late-1", "late-3"]


def test_a_request_feeds_its_own_part_only(desk: BulkServices) -> None:
    """With room on the queue a lookup's first part goes on it, and nothing of anybody else's."""
    desk.submit("one", desk.roster(names("one", 300)))
    desk.submit("two", desk.roster(names("two", 300), "rosters/two"), partner="b")
    desk.feeder.try_feed("default", "two")
    assert [(part.lookup_id, part.number) for part in desk.taken()] == [("two", "00000001")]


def test_a_second_submission_of_an_id_is_the_first(desk: BulkServices) -> None:
    """A schedule that fires twice for one time makes one lookup."""
    spec = desk.submit("refresh-1", desk.roster(names("user", 5)))
    assert desk.lookups.submit(spec) is False


def test_a_part_delivered_three_times_counts_once(desk: BulkServices) -> None:
    """Redelivery changes no count."""
    desk.submit("one", desk.roster(names("user", 30)))
    desk.feeder.feed("default")
    parts = desk.work()
    for _ in range(2):
        desk.queues.send(parts)
        desk.work(redelivered=True)
    assert seen(desk, "one").tally.counts == Counts(requested=30, found=30)
    assert desk.lookups.in_flight("default").entries == 0


def test_a_worker_that_feeds_itself_does_not_run_away(desk: BulkServices) -> None:
    """However often each message is delivered, a roster puts its own parts on the queue, and no more than fits."""
    desk.submit("big", desk.roster(names("user", 1000)))
    desk.feeder.feed("default")
    sent: list[str] = []
    while parts := desk.taken():
        assert sum(len(part.identifiers) for part in parts) <= 200
        sent += [part.name for part in parts]
        for part in parts:
            for _ in range(4):
                found = Counts(len(part.identifiers), found=len(part.identifiers))
                desk.part_ledger.count_completed([counted(part, found)], "results/none")
                desk.ending.finish_if_done(part.lookup_id)
                desk.feeder.feed("default")
    assert len(sent) == len(set(sent)) == 10
    assert (desk.lookups.in_flight("default").entries, seen(desk, "big").state) == (0, LookupState.COMPLETED)


def test_a_small_lookup_overtakes_a_huge_one(desk: BulkServices) -> None:
    """Ten identifiers submitted behind thousands are in the next parts that are fed."""
    desk.submit("huge", desk.roster(names("huge", 3000)))
    desk.feeder.feed("default")
    desk.clock.now += 5
    desk.submit("small", desk.roster(names("small", 10), "rosters/two.csv"))
    desk.count()
    desk.feeder.feed("default")
    assert {part.lookup_id for part in desk.count()} == {"huge", "small"}
    assert seen(desk, "small").state is LookupState.COMPLETED


@pytest.mark.parametrize(("weight", "ratio"), [(1, 1.0), (3, 3.0)])
def test_partners_share_by_weight(desk: BulkServices, weight: int, ratio: float) -> None:
    """While both have work, partners are fed in proportion to their weights, however many lookups each has."""
    desk.submit("a1", desk.roster(names("a1", 4000)), partner="a", weight=weight)
    desk.submit("b1", desk.roster(names("b1", 4000), "rosters/b1.csv"), partner="b")
    desk.submit("b2", desk.roster(names("b2", 4000), "rosters/b2.csv"), partner="b")
    served = {"a": 0, "b": 0}
    for _ in range(16):
        desk.feeder.feed("default")
        for part in desk.count():
            served[part.lookup_id[0]] += len(part.identifiers)
    assert served["a"] / served["b"] == pytest.approx(ratio, rel=0.1)


def test_pause_resume_and_cancel(desk: BulkServices) -> None:
    """A paused lookup is not fed; resumed it goes on; cancelled it ends with what was fed, the rest unasked."""
    spec = desk.submit("one", desk.roster(names("user", 900)))
    desk.feeder.feed("default")
    assert desk.states.pause(spec)
    assert len(desk.count()) == 2
    assert (desk.feeder.feed("default"), desk.count()) == (0, [])
    assert desk.states.resume(spec, seen(desk, "one").cursor)
    assert desk.feeder.feed("default") == 200
    assert desk.states.cancel(spec)
    assert len(desk.work()) == 2
    progress = seen(desk, "one")
    assert progress.state is LookupState.CANCELLED
    assert progress.tally.counts == Counts(requested=400, found=200, failed=200)
    assert progress.requested == 400
    assert desk.states.cancel(spec) is False
    assert [told.state for told in desk.events.completed] == [LookupState.CANCELLED]


def test_retrying_asks_only_for_what_failed(desk: BulkServices, simulator: Simulator) -> None:
    """A retry of a completed lookup asks for the failed identifiers alone, and moves their counts."""
    simulator.set_faults(Fault(distortions=("unaccounted",), identifiers=("user-7", "user-205")))
    spec = desk.submit("one", desk.roster(names("user", 220)))
    desk.feeder.feed("default")
    while desk.work():
        desk.feeder.feed("default")
    assert seen(desk, "one").tally.counts == Counts(requested=220, found=218, failed=2)
    simulator.set_faults()
    asked = simulator.counters().users
    desk.clock.now += 60
    assert desk.states.retry_failed(spec, seen(desk, "one").cursor)
    desk.feeder.feed("default")
    while desk.work():
        desk.feeder.feed("default")
    progress = seen(desk, "one")
    assert progress.state is LookupState.COMPLETED
    assert progress.tally.counts == Counts(requested=220, found=220)
    assert simulator.counters().users == asked + 2
    assert len(desk.events.completed) == 2


def test_nothing_is_fed_to_a_closed_gate(desk: BulkServices) -> None:
    """While the gate is closed the work stays in S3."""
    desk.submit("one", desk.roster(names("user", 30)))
    desk.is_closed = True
    assert desk.feeder.feed("default") == 0


def test_a_lost_part_is_sent_again(desk: BulkServices) -> None:
    """A part that was sent and never came in is sent again by the sweep, after twice the visibility time."""
    desk.submit("one", desk.roster(names("user", 30)))
    desk.feeder.feed("default")
    lost = desk.stage.messages(desk.stage.settings.parts_queue_url)
    assert len(lost) == 1
    desk.sweep.run("default")
    assert desk.work() == []
    desk.clock.now += 2 * 362
    desk.sweep.run("default")
    assert len(desk.work()) == 1
    assert seen(desk, "one").state is LookupState.COMPLETED


def test_a_late_delivery_of_what_failed_hides_no_lost_retry(desk: BulkServices, simulator: Simulator) -> None:
    """A part's old message that comes once more while the part is out for its retry leaves it to the sweep."""
    simulator.set_faults(Fault(status=400))
    spec = desk.submit("one", desk.roster(names("user", 30)))
    desk.feeder.feed("default")
    (old,) = desk.work()
    simulator.set_faults()
    assert desk.states.retry_failed(spec, seen(desk, "one").cursor)
    desk.feeder.feed("default")
    assert len(desk.taken()) == 1  # and whoever took it dies
    desk.parts.process([DeliveredPart(old, redelivered=True)], until=desk.clock() + 60)
    desk.clock.now += 2 * 362
    desk.sweep.run("default")
    desk.work()
    assert seen(desk, "one").tally.counts == Counts(requested=30, found=30)


def test_a_paused_lookup_that_is_fed_out_is_not_chosen_again(desk: BulkServices) -> None:
    """Resumed with all its parts out, a lookup waits for them without being looked at for more."""
    spec = desk.submit("one", desk.roster(names("user", 30)))
    desk.feeder.feed("default")
    assert desk.states.pause(spec)
    assert desk.states.resume(spec, seen(desk, "one").cursor)
    assert (desk.lookups.shares.ready_entry(spec), seen(desk, "one").state) == (None, LookupState.ACTIVE)
    assert (desk.share("acme").ready, desk.share("acme").running, desk.share("acme").users) == (0, 1, 0)
    desk.work()
    assert seen(desk, "one").state is LookupState.COMPLETED


def test_resuming_with_an_old_cursor_never_leaves_a_retry_unfed(desk: BulkServices) -> None:
    """A lookup that began a retry since its cursor was read is not resumed as one that is fed out."""
    spec = desk.submit("one", desk.roster(names("user", 30)))
    desk.feeder.feed("default")
    old = seen(desk, "one").cursor
    desk.work()
    assert desk.states.retry_failed(spec, seen(desk, "one").cursor)
    assert desk.states.pause(spec)
    assert desk.states.resume(spec, old) is False
    assert desk.states.resume(spec, seen(desk, "one").cursor)
    assert [one.lookup_id for one in desk.lookups.shares.next("default", "acme", 5)] == ["one"]


def test_megabytes_of_blank_lines_move_the_cursor_and_are_no_part(desk: BulkServices) -> None:
    """Bytes without an entry send nothing and are no part; the lookup ends over its two entries."""
    blanks = b"\n" * (2 * STEP_BYTES + 5)
    desk.submit("blank", desk.roster(b"C-1\n" + blanks + b"C-2\n" + blanks))
    for _ in range(20):
        desk.feeder.feed("default")
        desk.work()
    cursor = seen(desk, "blank").cursor
    assert (cursor.parts_fed, cursor.entries_fed, cursor.exhausted) == (2, 2, True)
    assert (seen(desk, "blank").state, seen(desk, "blank").tally.parts_done) == (LookupState.COMPLETED, 2)
    assert seen(desk, "blank").tally.counts == Counts(requested=2, found=2)
    assert len(desk.events.completed) == 1
