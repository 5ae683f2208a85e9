"""Rosters that are gone: their lookups end with a reason, everything fed is counted, nobody else is held up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lookup.api.responses import lookup_json
from lookup.bulk.queues import MAX_DELAY
from lookup.ledger.model import Claim, LookupRecord, LookupState, Roster
from lookup.ledger.shares import turns
from lookup.model import Counts
from lookup.quota import Quota
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage


@pytest.fixture
def desk(stage: Stage) -> BulkServices:
    """Give a desk whose quota lets 200 identifiers onto the queue at once."""
    workspace = replace(stage.settings.workspaces["default"], quota=Quota(limit=200))
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))


def roster(desk: BulkServices, name: str, lines: int) -> Roster:
    return desk.roster("".join(f"{name}-{n}\n" for n in range(lines)).encode(), f"rosters/{name}.csv")


def delete(desk: BulkServices, gone: Roster) -> None:
    assert gone.version_id is not None
    bucket = desk.stage.settings.bucket_name
    desk.stage.s3.delete_object(Bucket=bucket, Key=gone.key, VersionId=gone.version_id)


def seen(desk: BulkServices, lookup_id: str) -> LookupRecord:
    progress = desk.lookups.get(lookup_id)
    assert progress is not None
    return progress


def test_a_lookup_whose_roster_is_gone_ends_with_a_reason(desk: BulkServices) -> None:
    """It is cancelled when the next part cannot be read, its partner sees why, and the others are fed."""
    gone = roster(desk, "gone", 30)
    desk.submit("gone", gone)
    delete(desk, gone)
    desk.submit("other", roster(desk, "other", 30))
    assert desk.feeder.feed("default") == 30
    assert {part.lookup_id for part in desk.count()} == {"other"}
    assert seen(desk, "other").state is LookupState.COMPLETED
    shown = lookup_json(seen(desk, "gone"), None)
    assert (shown["state"], shown["ended_because"]) == ("cancelled", "the roster is gone")
    assert shown["counts"] == {"requested": 0, "found": 0, "not_found": 0, "invalid": 0, "failed": 0}
    assert sorted(told.spec.lookup_id for told in desk.events.completed) == ["gone", "other"]
    assert desk.unfinished() == []


def test_what_was_fed_before_is_waited_for_and_counted(desk: BulkServices) -> None:
    """Parts that are out when the roster goes come in as those of a cancelled lookup; then it ends."""
    gone = roster(desk, "gone", 500)
    desk.submit("gone", gone)
    assert desk.feeder.feed("default") == 200
    delete(desk, gone)
    first, second = desk.taken()
    desk.queues.send([first])
    desk.count()
    desk.feeder.feed("default")
    assert (seen(desk, "gone").state, seen(desk, "gone").finished_at) == (LookupState.CANCELLED, None)
    desk.queues.send([second])
    desk.work()
    progress = seen(desk, "gone")
    assert progress.finished_at is not None
    assert progress.tally.counts == Counts(200, found=100, failed=100)
    assert progress.requested == 200


def test_a_lost_part_of_a_lost_roster_counts_as_failed(desk: BulkServices) -> None:
    """A part that is lost and cannot be read again is waited for as long as a message may wait, then it has failed."""
    gone = roster(desk, "gone", 130)
    desk.submit("gone", gone)
    desk.feeder.feed("default")
    desk.taken()
    delete(desk, gone)
    desk.clock.now += 2 * 362
    desk.sweep.run("default")
    assert (seen(desk, "gone").state, seen(desk, "gone").tally.parts_done) == (LookupState.ACTIVE, 0)
    desk.clock.now += MAX_DELAY
    desk.sweep.run("default")
    progress = seen(desk, "gone")
    assert (progress.state, progress.ended_because) == (LookupState.COMPLETED, None)
    assert progress.tally.counts == Counts(130, failed=130)
    assert progress.requested == 130
    assert (desk.lookups.in_flight("default").entries, desk.unfinished()) == (0, [])


def test_a_part_that_comes_in_late_after_all_counts_once(desk: BulkServices) -> None:
    """What was given up as lost and is delivered later changes nothing."""
    gone = roster(desk, "gone", 30)
    desk.submit("gone", gone)
    desk.feeder.feed("default")
    (late,) = desk.taken()
    delete(desk, gone)
    desk.clock.now += 2 * 362 + MAX_DELAY
    desk.sweep.run("default")
    desk.queues.send([late])
    desk.work(redelivered=True)
    assert seen(desk, "gone").tally.counts == Counts(30, failed=30)
    assert desk.lookups.in_flight("default").entries == 0


def test_a_retry_without_its_roster_keeps_what_was(desk: BulkServices) -> None:
    """A completed lookup whose failures can no longer be read ends again, with the counts that it had."""
    gone = roster(desk, "gone", 30)
    spec = desk.submit("gone", gone)
    desk.feeder.feed("default")
    delete(desk, gone)
    desk.taken()
    desk.clock.now += 2 * 362 + MAX_DELAY
    desk.sweep.run("default")
    assert desk.states.retry_failed(spec, seen(desk, "gone").cursor)
    desk.feeder.feed("default")
    progress = seen(desk, "gone")
    assert (progress.state, progress.ended_because) == (LookupState.CANCELLED, "the roster is gone")
    assert (progress.tally.counts, progress.requested) == (Counts(30, failed=30), 30)


def test_a_dead_feeders_claim_holds_up_no_end(desk: BulkServices) -> None:
    """A claim that its feeder left behind is given up with the roster, once its time is over."""
    gone = roster(desk, "gone", 300)
    spec = desk.submit("gone", gone)
    desk.feeder.feed("default")
    desk.count()
    cursor = seen(desk, "gone").cursor
    assert isinstance(desk.feed.claim(spec, cursor, turns(desk.lookups.shares.of("default"))[0]), Claim)
    delete(desk, gone)
    desk.sweep.run("default")
    assert seen(desk, "gone").finished_at is None
    desk.clock.now += 61
    desk.feeder.feed("default")
    assert seen(desk, "gone").ended_because == "the roster is gone"
    assert (seen(desk, "gone").tally.counts, seen(desk, "gone").requested) == (Counts(200, found=200), 200)
    assert seen(desk, "gone").finished_at is not None


def test_a_roster_that_may_not_be_read_is_not_given_up(desk: BulkServices, caplog: pytest.LogCaptureFixture) -> None:
    """A policy that somebody broke is no reason to end lookups: they are passed over, and it is said."""
    desk.submit("one", roster(desk, "one", 30))

    def denied(parsed: dict[str, Any], http_response: Any, **_: object) -> None:
        http_response.status_code = 403
        parsed["Error"] = {"Code": "AccessDenied", "Message": "Access Denied"}

    desk.stage.s3.meta.events.register("after-call.s3.GetObject", denied)
    assert desk.feeder.feed("default") == 0
    assert seen(desk, "one").state is LookupState.ACTIVE
    assert "lookup passed over" in caplog.messages
    desk.stage.s3.meta.events.unregister("after-call.s3.GetObject", denied)
    assert desk.feeder.feed("default") == 30
