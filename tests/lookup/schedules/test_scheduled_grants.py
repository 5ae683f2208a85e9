"""A partner's schedule requests what its partner is granted when it fires, not when it was created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lookup.ledger.usage.daily_usage import DailyUsage
from lookup.model import Lane
from lookup.partners import Partner
from lookup.schedules.firing import parse_firing
from lookup.schedules.firings import FiringResult, Firings
from tests.lookup.services import BulkServices, FakeClock, firings_of
from tests.lookup.stage import Stage

ROSTER = "rosters/acme/nightly"
EVENT: dict[str, Any] = {
    "schedule": "acme.nightly",
    "scheduled_time": "2026-11-23T19:00:00Z",
    "roster": ROSTER,
    "partner": "acme",
    "fields": None,
}
AT = 1_795_460_400.0  # 2026-11-23 19:00:00 UTC
ID = "acme.nightly-20261123T190000Z"
ACME = Partner("acme")


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    services = BulkServices(stage, FakeClock(AT + 3))
    services.roster(b"C-1\nC-2\nnull\n", ROSTER)
    return services


@pytest.fixture
def partners() -> dict[str, Partner]:
    return {"acme": ACME}


@pytest.fixture
def firings(services: BulkServices, partners: dict[str, Partner]) -> Firings:
    return firings_of(services, partners)


def used(services: BulkServices, partner: Partner) -> int:
    use = services.daily.today(partner)
    assert isinstance(use, DailyUsage)
    return use.users


def test_all_fields_are_those_granted_now(
    services: BulkServices, firings: Firings, partners: dict[str, Partner]
) -> None:
    """A schedule without a field list requests all that is granted when it fires, at the weight of that time."""
    partners["acme"] = replace(ACME, fields=("city",), weight=7)
    assert firings.serve(parse_firing(EVENT)) == FiringResult(ID)
    assert [part.fields for part in services.taken()] == [("city",)]
    assert [share.weight for share in services.lookups.shares.of("default")] == [7]


@pytest.mark.parametrize(
    ("now", "because"),
    [
        (replace(ACME, fields=("city",)), "field 'salary' is not granted"),
        (replace(ACME, workspaces=("brand-b",)), "workspace 'default' is not granted"),
        (replace(ACME, lanes=(Lane.ON_DEMAND,)), "lane 'bulk' is not granted"),
        (
            replace(ACME, users_per_day=2),
            "3 users are asked for and 2 are granted a day: ask for fewer at a time",
        ),
        (None, "this partner has no grants"),
    ],
)
def test_what_is_not_granted_any_more_is_refused(
    services: BulkServices, firings: Firings, partners: dict[str, Partner], now: Partner | None, because: str
) -> None:
    """Such a firing starts no lookup and makes no call; it is no error, and the schedule shows the reason."""
    partners.clear()
    partners |= {"acme": now} if now else {}
    fired = firings.serve(parse_firing(EVENT | {"fields": ["city", "salary"]}))
    assert fired == FiringResult(ID, refused_because=because)
    assert services.lookups.get(ID) is None
    assert services.taken() == []
    (published,) = services.events.refused
    assert (published.lookup_id, published.schedule, published.partner) == (ID, "acme.nightly", "acme")
    assert (published.due_at, "salary" in published.reason) == (AT, False)
    assert services.lookups.last_firing("acme.nightly") == {
        "pk": "schedule#acme.nightly", "sk": "last", "skipped_at": AT, "skipped_because": because,
    }  # fmt: skip


def test_the_next_firing_after_a_refused_one(
    services: BulkServices, firings: Firings, partners: dict[str, Partner]
) -> None:
    """Once it is granted again, the schedule goes on as if nothing had been."""
    partners["acme"] = replace(ACME, workspaces=("brand-b",))
    firings.serve(parse_firing(EVENT))
    partners["acme"] = ACME
    later = firings.serve(parse_firing(EVENT | {"scheduled_time": "2026-11-23T20:00:00Z"}))
    assert later == FiringResult("acme.nightly-20261123T200000Z")
    assert len(services.taken()) == 1


def test_a_firing_is_charged_once(services: BulkServices, firings: Firings, partners: dict[str, Partner]) -> None:
    """A firing counts among the users of the day; its second delivery counts nothing, even at the limit."""
    partners["acme"] = limited = replace(ACME, users_per_day=4)
    for _ in range(2):
        assert firings.serve(parse_firing(EVENT)) == FiringResult(ID)
        assert used(services, limited) == 3
    services.count()
    assert used(services, limited) == 2  # the third line was no user
    over = firings.serve(parse_firing(EVENT | {"scheduled_time": "2026-11-23T20:00:00Z"}))
    assert over.refused_because == "3 users are asked for and 2 of 4 are left until midnight UTC"
    assert used(services, limited) == 2


def test_the_stages_own_schedules_need_no_grants(
    services: BulkServices, firings: Firings, partners: dict[str, Partner]
) -> None:
    """A schedule that was deployed with the stage belongs to no partner, and requests what it declares."""
    partners.clear()
    own = {name: value for name, value in EVENT.items() if name != "partner"} | {
        "schedule": "own",
        "fields": ["salary"],
    }
    assert firings.serve(parse_firing(own)).refused_because is None
    assert [part.fields for part in services.taken()] == [("salary",)]
