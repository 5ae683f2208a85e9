"""What one partner may try on the real ledger, and what the other one is given all the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.errors import LimitExceeded
from lookup.ledger.parts import DeliveredPart
from lookup.ledger.shares import cost
from lookup.model import Counts, Part
from lookup.quota import Quota
from tests.lookup.services import BulkServices, counted, retry_at
from tests.lookup.stage import Stage

SERVED = 24  # parts of each scene


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> BulkServices:
    """Return services whose queue takes 200 entries, where an honest partner has more pending than can be served."""
    simulator.configure(not_found_share=0.0)
    workspace = replace(stage.settings.workspaces["default"], quota=Quota(limit=200))
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces={"default": workspace})))


def lines(number: int) -> bytes:
    return "".join(f"user-{index}\n" for index in range(number)).encode()


def honest(services: BulkServices, *, weight: int = 1) -> None:
    services.submit("honest", services.roster(lines(6000), "rosters/honest"), partner="honest", weight=weight)


def attack(services: BulkServices, name: str, body: bytes) -> None:
    services.submit(name, services.roster(body, f"rosters/{name}"), partner="other")


def served(services: BulkServices, waiting: list[Part]) -> str:
    """Count the part that has waited longest on the queue, and feed as a worker does; give whose it was."""
    waiting += services.taken()
    part = waiting.pop(0)
    total = len(part.identifiers) + len(part.invalid)
    counts = Counts(total, found=len(part.identifiers), invalid=len(part.invalid))
    services.part_ledger.count_completed([counted(part, counts)], "results/none")
    services.ending.finish_if_done(part.lookup_id)
    services.clock.now += 1
    services.feeder.feed("default")
    return "honest" if part.lookup_id == "honest" else "other"


def test_a_flood_of_small_ones_takes_its_share(services: BulkServices) -> None:
    """Small lookups whose first part goes ahead are charged: ten of each round are given half, not all of it."""
    honest(services)
    services.feeder.feed("default")
    waiting: list[Part] = []
    entries: Counter[str] = Counter()
    for turn in range(SERVED):
        for number in range(3):
            name = f"small-{turn}-{number}"
            attack(services, name, lines(50))
            services.feeder.try_feed("default", name)
        waiting += services.taken()
        entries[("honest" if waiting[0].lookup_id == "honest" else "other")] += len(waiting[0].identifiers)
        served(services, waiting)
    assert sum(entries.values()) > 1200
    assert entries["honest"] >= sum(entries.values()) / 2 - 200


def test_a_new_lookup_for_each_part_served_takes_its_share(services: BulkServices) -> None:
    """At weights 1000:1 a lookup of a hundred for each part that is served is given one part, not all but one."""
    honest(services, weight=1000)
    services.feeder.feed("default")
    waiting: list[Part] = []
    parts: Counter[str] = Counter()
    for turn in range(SERVED):
        attack(services, f"new-{turn}", lines(100))
        services.feeder.try_feed("default", f"new-{turn}")
        parts[served(services, waiting)] += 1
    assert parts["other"] <= 1


def test_pausing_and_resuming_gains_nothing(services: BulkServices) -> None:
    """A partner that pauses and resumes its lookup between any two parts is given no more than half."""
    honest(services)
    other = services.submit("other", services.roster(lines(6000), "rosters/other"), partner="other")
    services.feeder.feed("default")
    waiting: list[Part] = []
    parts: Counter[str] = Counter()
    for _ in range(SERVED):
        assert services.states.pause(other)
        progress = services.lookups.get("other")
        assert progress is not None
        assert services.states.resume(other, progress.cursor)
        services.feeder.try_feed("default", "other")
        parts[served(services, waiting)] += 1
    assert parts["honest"] >= SERVED / 2 - 2
    share = services.share("other")
    assert (share.unfinished, share.running, share.ready) == (1, 1, 1)


def test_cancelling_what_is_fed_gains_nothing(services: BulkServices) -> None:
    """A partner that cancels each lookup once its first part is on the queue is charged for what it was fed."""
    honest(services)
    services.feeder.feed("default")
    waiting: list[Part] = []
    parts: Counter[str] = Counter()
    for turn in range(SERVED):
        for number in range(2):
            name = f"brief-{turn}-{number}"
            attack(services, name, lines(300))
            services.feeder.try_feed("default", name)
            progress = services.lookups.get(name)
            assert progress is not None
            assert services.states.cancel(progress.spec)
        parts[served(services, waiting)] += 1
    assert parts["honest"] >= SERVED / 2 - 2
    assert (services.share("other").running, services.share("other").ready) == (0, 0)


def test_junk_fills_no_queue(services: BulkServices) -> None:
    """Unusable entries take room on the queue and count against the share, as usable ones do."""
    honest(services)
    attack(services, "junk", b"x\n" * 3000)
    services.feeder.feed("default")
    waiting: list[Part] = []
    parts: Counter[str] = Counter()
    for _ in range(SERVED):
        assert services.lookups.in_flight("default").entries <= 300
        parts[served(services, waiting)] += 1
    assert parts["honest"] >= SERVED / 2 - 2


def test_blank_megabytes_are_charged(services: BulkServices) -> None:
    """Megabytes without an entry move their owner's tag on: the others' parts come between."""
    attack(services, "blank", b"C-1\n" + b"\n" * (6 * 1024 * 1024) + b"C-2\n")
    honest(services)
    services.feeder.feed("default")
    waiting: list[Part] = []
    parts: Counter[str] = Counter()
    for _ in range(SERVED // 2):
        parts[served(services, waiting)] += 1
    assert parts["honest"] >= SERVED // 2 - 2
    assert services.share("other").tag >= 3 * 256_000_000


def test_a_partner_owns_so_many_lookups(services: BulkServices) -> None:
    """The one too many is refused, a lookup that ends makes room, and another partner has its own."""
    roster = services.roster(lines(1))
    specs = [services.submit(f"one-{number}", replace(roster)) for number in range(2)]
    third = replace(specs[0], lookup_id="one-2")
    with pytest.raises(LimitExceeded, match="2 lookups are the most"):
        services.lookups.submit(third, most=2)
    assert services.lookups.submit(replace(third, partner="b"), most=2)
    assert services.lookups.submit(specs[0], most=2) is False
    assert services.states.cancel(specs[0])
    assert services.ending.finish_if_done("one-0")
    assert services.lookups.submit(replace(third, lookup_id="one-3"), most=2)
    assert services.share("acme").unfinished == 2


def tag_of(services: BulkServices, partner: str) -> int:
    (tag,) = [share.tag for share in services.lookups.shares.of("default") if share.partner == partner]
    return tag


def test_repeated_requests_are_charged(services: BulkServices, simulator: Simulator) -> None:
    """A part that needed a search charges its partner's share for every user requested again."""
    simulator.set_faults(Fault(status=403, body="html", identifiers=("odd-one",)))
    attack(services, "odd", b"odd-one\n" + lines(19))
    services.feeder.feed("default")
    (part,) = services.taken()
    before = tag_of(services, "other")
    (completion,) = services.parts.process([DeliveredPart(part)], until=services.clock.now + 50)
    assert retry_at(completion) is None
    asked = [one for arrival in simulator.arrivals() for _, one in arrival.identifiers or ()]
    again = len(asked) - len(set(asked))
    assert again > 20
    assert tag_of(services, "other") - before == cost(again, 1)
