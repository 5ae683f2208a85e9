"""What a resumed lookup is charged: once for each user and day on which it may request users."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lookup.errors import DailyLimitExceeded, Forbidden, NotExported
from lookup.fetch.authorization import Authorization
from lookup.ledger.model import DailyCharge, LookupRecord, LookupSpec
from lookup.ledger.usage.daily_usage import DailyUsage
from lookup.model import DAY, Counts, Lane, timestamp
from lookup.partners import Partner
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

ACME = Partner("acme", users_per_day=500)
ROSTER = b"".join(b"user-%d\n" % number for number in range(300))


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


@pytest.fixture
def check(services: BulkServices) -> Authorization:
    return Authorization(services.stage.settings, services.daily, services.clock)


def used(services: BulkServices) -> int:
    use = services.daily.today(ACME)
    assert isinstance(use, DailyUsage)
    return use.users


def submitted(services: BulkServices, check: Authorization, name: str = "one", partner: Partner = ACME) -> LookupSpec:
    """Submit 300 users and pause them before any is fed."""
    reserved = check.reserve_users(partner, 300)
    roster = services.roster(ROSTER, f"rosters/{name}")
    spec = LookupSpec(name, "default", "acme", services.clock(), roster, charged=reserved.charge)
    assert services.lookups.submit(spec, reserved.reservations)
    assert services.states.pause(spec)
    return spec


def seen(services: BulkServices, name: str = "one") -> LookupRecord:
    progress = services.lookups.get(name)
    assert progress is not None
    return progress


def resumed(services: BulkServices, check: Authorization, partner: Partner = ACME, name: str = "one") -> bool:
    progress = seen(services, name)
    return services.states.resume(progress.spec, progress.cursor, check.reserve_resumed(partner, progress))


def test_pausing_gains_nothing(services: BulkServices, check: Authorization) -> None:
    """What was charged today is not charged anew; on another day what is left is, and never more than that day has."""
    for name in ("one", "two", "three"):
        submitted(services, check, name)
        assert resumed(services, check, name=name)
        assert services.states.pause(seen(services, name).spec)
        assert used(services) == 300
        services.clock.now += DAY
    for name in ("one", "two"):
        assert used(services) == (0 if name == "one" else 300)
        if name == "one":
            assert resumed(services, check, name=name)
            assert used(services) == 300
        else:
            with pytest.raises(DailyLimitExceeded, match="300 users are asked for and 200 of 500 are left"):
                resumed(services, check, name=name)
    assert seen(services, "two").spec.charged != seen(services).spec.charged


def test_a_resumed_lookup_is_settled_on_its_new_day(services: BulkServices, check: Authorization) -> None:
    """What it did not request in the end is refunded to the day that it was charged to."""
    submitted(services, check)
    services.clock.now += DAY
    assert resumed(services, check)
    assert used(services) == 300
    assert services.states.cancel(seen(services).spec)
    assert services.ending.finish_if_done("one")
    assert used(services) == 1  # which each lookup takes


def test_a_limit_that_came_later(services: BulkServices, check: Authorization) -> None:
    """A lookup that was made without a limit is charged for what is left when it goes on under one, once."""
    submitted(services, check, partner=Partner("acme"))
    for _ in range(2):
        assert resumed(services, check)
        assert (used(services), seen(services).spec.charged) == (300, DailyCharge(300, seen(services).spec.charged.day))  # type: ignore[union-attr]  # charged now
        assert services.states.pause(seen(services).spec)


def test_one_of_many_retries_is_charged(services: BulkServices, check: Authorization) -> None:
    """Of retries at once one begins, and only that one is charged; when it fails again the next one is, too."""
    reserved = check.reserve_users(ACME, 3)
    spec = LookupSpec(
        "one", "default", "acme", services.clock(), services.roster(b"C-1\nC-2\nC-3\n"), charged=reserved.charge
    )
    assert services.lookups.submit(spec, reserved.reservations)
    for charged in (5, 7):
        services.feeder.feed("default")
        (part,) = services.taken()
        services.part_ledger.count_completed([counted(part, Counts(3, found=1, failed=2))], "results/none")
        services.feeder.feed("default")
        services.ending.finish_if_done("one")
        ended = seen(services)
        assert ended.finished_at is not None

        def retried(_: int, ended: LookupRecord = ended) -> bool:
            return services.states.retry_failed(ended.spec, ended.cursor, check.reserve_retry(ACME, ended))

        with ThreadPoolExecutor(4) as callers:
            assert sum(callers.map(retried, range(8))) == 1
        assert used(services) == charged


def test_two_deliveries_are_charged_once(services: BulkServices, check: Authorization) -> None:
    """The second submission of one id writes nothing, and one over the limit writes no lookup."""
    spec = submitted(services, check)
    assert services.lookups.submit(spec, check.reserve_users(ACME, 200).reservations) is False
    assert services.lookups.submit(spec, check.reserve_users(ACME, 201).reservations) is False
    assert used(services) == 300
    with pytest.raises(DailyLimitExceeded):
        services.lookups.submit(replace(spec, lookup_id="two"), check.reserve_users(ACME, 201).reservations)
    assert (services.lookups.get("two"), used(services)) == (None, 300)


@pytest.mark.parametrize("late", [0, 13 * 3600])
def test_what_a_retry_is_charged(services: BulkServices, check: Authorization, late: int) -> None:
    """While the other profiles are surely stored only failures count; later all may be requested again, and count."""
    progress = replace(
        seen_after(services, check), tally=replace(seen(services).tally, counts=Counts(300, 290, 5, 2, 3))
    )
    services.clock.now += late
    charge = check.reserve_retry(ACME, progress).reservations[0].action
    assert charge["Update"]["ExpressionAttributeValues"][":users"] == {"N": "298" if late else "3"}


RETRIED = ((1, "same day", 0), (11, "day before", 3), (13, "same day", 298), (13, "day before", 298))


@pytest.mark.parametrize(("hours", "begun", "charged"), RETRIED)
def test_a_retry_that_was_paused(
    services: BulkServices, check: Authorization, hours: int, begun: str, charged: int
) -> None:
    """Who begins a retry for its failures alone, and resumes it when the others may be gone, pays for everybody."""
    ended = replace(seen_after(services, check), tally=replace(seen(services).tally, counts=Counts(300, 290, 5, 2, 3)))
    services.clock.now += hours * 3600
    now = services.clock() if begun == "same day" else services.clock() - DAY
    spec = replace(ended.spec, charged=DailyCharge(None, timestamp(now)[:10]))
    paused = replace(ended, spec=spec, cursor=replace(ended.cursor, retry_round=1))
    (reservation,) = check.reserve_resumed(ACME, paused).reservations
    assert reservation.action["Update"]["ExpressionAttributeValues"][":users"] == {"N": str(charged)}


def seen_after(services: BulkServices, check: Authorization) -> LookupRecord:
    submitted(services, check)
    return seen(services)


@pytest.mark.parametrize(
    ("now", "fields", "refusal"),
    [
        (replace(ACME, lanes=(Lane.ON_DEMAND,)), None, Forbidden),
        (replace(ACME, workspaces=("other",)), None, Forbidden),
        (replace(ACME, fields=("city",)), None, Forbidden),
        (replace(ACME, fields=("city",)), ("tier",), Forbidden),
        (ACME, ("salary",), NotExported),
    ],
)
def test_grants_of_now(
    services: BulkServices, now: Partner, fields: tuple[str, ...] | None, refusal: type[Exception]
) -> None:
    """To resume and to retry need the lane, the workspace and every field of the lookup, granted and exported now."""
    workspace = replace(services.stage.settings.workspaces["default"], fields=("city", "tier"))
    settings = replace(services.stage.settings, workspaces={"default": workspace})
    check = Authorization(settings, services.daily, services.clock)
    submitted(services, check)
    progress = seen(services)
    progress = replace(progress, spec=replace(progress.spec, fields=fields))
    for reserve in (check.reserve_resumed, check.reserve_retry):
        with pytest.raises(refusal):
            reserve(now, progress)
    assert used(services) == 300
