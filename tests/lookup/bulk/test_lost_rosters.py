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
def services(stage: Stage) -> BulkServices:
    """Return services whose quota allows 200 identifiers on the queue at once."""
    workspace = replace(stage.settings.workspaces["default"], quota=Quota(limit=200))
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))


def roster(services: BulkServices, name: str, lines: int) -> Roster:
    return services.roster("".join(f"{name}-{n}\n" for n in range(lines)).encode(), f"rosters/{name}.csv")


def delete(services: BulkServices, gone: Roster) -> None:
    assert gone.version_id is not None
    bucket = services.stage.settings.bucket_name
    services.stage.s3.delete_object(Bucket=bucket, Key=gone.key, VersionId=gone.version_id)


def seen(services: BulkServices, lookup_id: str) -> LookupRecord:
    progress = services.lookups.get(lookup_id)
    assert progress is not None
    return progress


def test_a_lookup_whose_roster_is_gone_ends_with_a_reason(services: BulkServices) -> None:
    """It is cancelled when the next part cannot be read, its partner sees why, and the others are fed."""
    gone = roster(services, "gone", 30)
    services.submit("gone", gone)
    delete(services, gone)
    services.submit("other", roster(services, "other", 30))
    assert services.feeder.feed("default") == 30
    assert {part.lookup_id for part in services.count()} == {"other"}
    assert seen(services, "other").state is LookupState.COMPLETED
    shown = lookup_json(seen(services, "gone"), None)
    assert (shown["state"], shown["ended_because"]) == ("cancelled", "the roster is gone")
    assert shown["counts"] == {"requested": 0, "found": 0, "not_found": 0, "invalid": 0, "failed": 0}
    assert sorted(one.spec.lookup_id for one in services.events.completed) == ["gone", "other"]
    assert services.unfinished() == []


def test_what_was_fed_before_is_waited_for_and_counted(services: BulkServices) -> None:
    """Parts that are out when the roster goes come in as those of a cancelled lookup; then it ends."""
    gone = roster(services, "gone", 500)
    services.submit("gone", gone)
    assert services.feeder.feed("default") == 200
    delete(services, gone)
    first, second = services.taken()
    services.queues.send([first])
    services.count()
    services.feeder.feed("default")
    assert (seen(services, "gone").state, seen(services, "gone").finished_at) == (LookupState.CANCELLED, None)
    services.queues.send([second])
    services.work()
    progress = seen(services, "gone")
    assert progress.finished_at is not None
    assert progress.tally.counts == Counts(200, found=100, failed=100)
    assert progress.requested == 200


def test_a_lost_part_of_a_lost_roster_counts_as_failed(services: BulkServices) -> None:
    """A part that is lost and cannot be read again is waited for as long as a message may wait, then it has failed."""
    gone = roster(services, "gone", 130)
    services.submit("gone", gone)
    services.feeder.feed("default")
    services.taken()
    delete(services, gone)
    services.clock.now += 2 * 362
    services.sweep.run("default")
    assert (seen(services, "gone").state, seen(services, "gone").tally.parts_done) == (LookupState.ACTIVE, 0)
    services.clock.now += MAX_DELAY
    services.sweep.run("default")
    progress = seen(services, "gone")
    assert (progress.state, progress.ended_because) == (LookupState.COMPLETED, None)
    assert progress.tally.counts == Counts(130, failed=130)
    assert progress.requested == 130
    assert (services.lookups.in_flight("default").entries, services.unfinished()) == (0, [])


def test_a_part_that_comes_in_late_after_all_counts_once(services: BulkServices) -> None:
    """What was given up as lost and is delivered later changes nothing."""
    gone = roster(services, "gone", 30)
    services.submit("gone", gone)
    services.feeder.feed("default")
    (late,) = services.taken()
    delete(services, gone)
    services.clock.now += 2 * 362 + MAX_DELAY
    services.sweep.run("default")
    services.queues.send([late])
    services.work(redelivered=True)
    assert seen(services, "gone").tally.counts == Counts(30, failed=30)
    assert services.lookups.in_flight("default").entries == 0


def test_a_retry_without_its_roster_keeps_what_was(services: BulkServices) -> None:
    """A completed lookup whose failures can no longer be read ends again, with the counts that it had."""
    gone = roster(services, "gone", 30)
    spec = services.submit("gone", gone)
    services.feeder.feed("default")
    delete(services, gone)
    services.taken()
    services.clock.now += 2 * 362 + MAX_DELAY
    services.sweep.run("default")
    assert services.states.retry_failed(spec, seen(services, "gone").cursor)
    services.feeder.feed("default")
    progress = seen(services, "gone")
    assert (progress.state, progress.ended_because) == (LookupState.CANCELLED, "the roster is gone")
    assert (progress.tally.counts, progress.requested) == (Counts(30, failed=30), 30)


def test_a_dead_feeders_claim_holds_up_no_end(services: BulkServices) -> None:
    """A claim that its feeder left behind is given up with the roster, once its time is over."""
    gone = roster(services, "gone", 300)
    spec = services.submit("gone", gone)
    services.feeder.feed("default")
    services.count()
    cursor = seen(services, "gone").cursor
    assert isinstance(services.feed.claim(spec, cursor, turns(services.lookups.shares.of("default"))[0]), Claim)
    delete(services, gone)
    services.sweep.run("default")
    assert seen(services, "gone").finished_at is None
    services.clock.now += 61
    services.feeder.feed("default")
    assert seen(services, "gone").ended_because == "the roster is gone"
    assert (seen(services, "gone").tally.counts, seen(services, "gone").requested) == (Counts(200, found=200), 200)
    assert seen(services, "gone").finished_at is not None


def test_a_roster_without_read_access_does_not_end_its_lookup(
    services: BulkServices, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken bucket policy is no reason to end lookups: they are skipped, and it is logged."""
    services.submit("one", roster(services, "one", 30))

    def denied(parsed: dict[str, Any], http_response: Any, **_: object) -> None:
        http_response.status_code = 403
        parsed["Error"] = {"Code": "AccessDenied", "Message": "Access Denied"}

    services.stage.s3.meta.events.register("after-call.s3.GetObject", denied)
    assert services.feeder.feed("default") == 0
    assert seen(services, "one").state is LookupState.ACTIVE
    assert "lookup passed over" in caplog.messages
    services.stage.s3.meta.events.unregister("after-call.s3.GetObject", denied)
    assert services.feeder.feed("default") == 30
