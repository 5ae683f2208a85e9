"""The cost model counts: the same job twice costs the same, every operation has a price, units follow AWS's rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.ministack.process import EmbeddedAws
from lookup import exact_json
from tests.benchmarks.cost import model, scenarios
from tests.benchmarks.cost.__main__ import PAGE
from tests.benchmarks.cost.prices import PRICES, Item
from tests.benchmarks.cost.profiles import PROFILE_BYTES, AttributesOf, profile, texts
from tests.benchmarks.cost.reference import SECONDS, Processor, reference
from tests.benchmarks.cost.report import MEASURED, NAMES, TARGETS, Report, with_erasures
from tests.benchmarks.cost.scenarios import Counted
from tests.benchmarks.cost.seconds import waiting
from tests.benchmarks.cost.stage import aws, metered
from tests.benchmarks.cost.units import item_size, read_units, units, write_units
from tests.benchmarks.cost.workers import shift
from tests.benchmarks.erasure.month import MONTH_DOLLARS, MONTH_MINUTES


@pytest.fixture
def server(embedded_aws: EmbeddedAws) -> Iterator[None]:
    with aws(embedded_aws):
        yield


def roster(parts: int, *, keep_profiles: bool = True, attributes: AttributesOf = profile) -> Counted:
    with metered(keep_profiles=keep_profiles, attributes=attributes) as one:
        return scenarios.roster(one, parts)


def test_the_same_job_counts_the_same(server: None) -> None:
    """Two runs of a job count the same; a part of 100 users with 2 KB of texts costs 3 write units a user and 24."""
    first, again, larger = (roster(parts, attributes=texts) for parts in (1, 1, 2))
    assert first.requests == again.requests
    counted = [
        {item: number for item, number in one.usage.items() if item is not Item.LOG_GB} for one in (first, again)
    ]
    assert counted[0] == counted[1]
    assert larger.usage[Item.DYNAMODB_WRITE] - first.usage[Item.DYNAMODB_WRITE] == 324
    assert larger.usage[Item.S3_PUT] - first.usage[Item.S3_PUT] == 1


def test_usual_attributes_take_less_room_than_texts(server: None) -> None:
    """Of 2 KB of usual attributes DynamoDB counts less than of texts: most users cost 2 write units, not 3."""
    written = roster(2).usage[Item.DYNAMODB_WRITE] - roster(1).usage[Item.DYNAMODB_WRITE] - 24
    assert 200 <= written < 250


@pytest.mark.parametrize("attributes", [profile, texts])
def test_every_user_has_as_much(attributes: AttributesOf) -> None:
    """Attributes have the same bytes for every user, name the user, and are the same when asked for again."""
    users = {name: attributes(name) for name in ("customer-0000001", "customer-0000002", "x")}
    assert {len(exact_json.dumps(one)) for one in users.values()} == {PROFILE_BYTES}
    assert [one["customer_id"] for one in users.values()] == list(users)
    assert users == {name: attributes(name) for name in users}


def test_a_slower_machine_counts_the_same_seconds() -> None:
    """Seconds are those of the reference beside each piece of work: as much work as it is takes as long, anywhere."""
    processor = Processor()
    assert (processor.seconds(), processor.seconds_of_the_usual()) == (0.0, 0.0)
    for _ in range(30):
        processor.add(2 * reference())
    assert processor.seconds() == pytest.approx(30 * 2 * SECONDS, rel=0.5)
    assert processor.seconds_of_the_usual() == pytest.approx(30 * 2 * SECONDS, rel=0.5)
    processor.forget()
    processor.add(0.0)
    assert processor.seconds() == 0.0


def test_results_in_s3_only_write_no_profile(server: None) -> None:
    """Without stored profiles the user's share of the write units is gone, and so are the reads before."""
    small, large = roster(1, keep_profiles=False), roster(2, keep_profiles=False)
    assert large.usage[Item.DYNAMODB_WRITE] - small.usage[Item.DYNAMODB_WRITE] == 24
    line = model.bulk("s3 only", small, large, 256)
    assert line.usage[Item.S3_PUT] == pytest.approx(10_000, abs=5)
    assert line.seconds > 10


def test_a_fresh_profile_is_one_read(server: None) -> None:
    """A warm hit makes one AWS request; a miss calls the gate, stores and archives."""
    with metered() as one:
        hit = scenarios.requests(one, 3, fresh=True)
    assert hit.requests == {("dynamodb", "GetItem"): 3}
    assert hit.usage[Item.DYNAMODB_READ] == 1.5
    with metered(attributes=texts) as one:
        miss = scenarios.requests(one, 2, fresh=False)
    assert miss.gate_requests == 2
    beside = miss.requests["dynamodb", "UpdateItem"] - miss.gate_requests  # what its partner may be counted by
    assert (miss.usage[Item.DYNAMODB_WRITE], miss.usage.get(Item.S3_PUT, 0)) == (6 + beside, 0)
    assert miss.requests["sqs", "SendMessage"] == 2


def test_answers_are_archived_together(server: None) -> None:
    """Many records are one object; each is received by itself at the worst, and the hour is noted once."""
    with metered() as one:
        archived = scenarios.archived(one, 5)
    assert (archived.units, archived.usage[Item.S3_PUT], archived.usage[Item.DYNAMODB_WRITE]) == (6, 1, 2)
    assert archived.usage[Item.SQS_REQUEST] == pytest.approx(6.6)


def test_the_page_has_what_the_benchmark_of_erasures_computed() -> None:
    """Dollars and minutes of an erasure over a month are those of the benchmark's page, for one and a hundred."""
    page, measured = PAGE.read_text(), MEASURED.read_text().splitlines()
    (dollars,) = [line.split("|")[2:4] for line in measured if line.startswith(f"| {MONTH_DOLLARS}")]
    (minutes,) = [line.split("|")[2:4] for line in measured if line.startswith(f"| {MONTH_MINUTES}")]
    for who, place in (("one, who is in every 24th set", 0), ("a hundred, who are in every second set", 1)):
        assert f"| {who} | {dollars[place].strip()} | {minutes[place].strip()} |" in page
    assert with_erasures(page) == page


def test_a_look_at_the_quota_reads_a_few_small_items(server: None) -> None:
    """With an hour and a day of history it makes four requests, each of one read unit, and writes nothing."""
    with metered() as one:
        looks = scenarios.polls(one, 2)
    assert looks.requests == {("dynamodb", "BatchGetItem"): 4, ("dynamodb", "Query"): 2, ("dynamodb", "GetItem"): 2}
    assert sum(looks.usage.get(item, 0) + looks.gate_usage.get(item, 0) for item in (Item.DYNAMODB_READ,)) == 8
    assert Item.DYNAMODB_WRITE not in looks.usage
    line = model.requests("look", looks, 1024, vendor_calls=0)
    assert Report((line,) * len(NAMES), {}).console_day(operator=True) < TARGETS["console_day"]


def test_a_tick_that_finds_nothing_to_do_has_its_price(server: None) -> None:
    """The schedule's AWS requests of a minute are billed and timed, the read of each secret included."""
    with metered() as one:
        tick = scenarios.ticks(one, 2)
    assert tick.requests["secretsmanager", "DescribeSecret"] == 2
    assert tick.usage[Item.SECRET_READ] == 2
    assert waiting(tick.requests) > 0.040


def test_an_operation_without_a_price_fails() -> None:
    """An unpriced item cannot be left out of the sum."""
    with pytest.raises(KeyError):
        units("dynamodb", "Scan", {}, {}, lambda *_: 0)
    assert set(PRICES) == set(Item)


def test_units_follow_the_rules_of_dynamodb() -> None:
    """Names and values count; writes by the KB, doubled in a transaction; reads by 4 KB, halved when eventual."""
    assert (
        item_size({"pk": {"S": "ab"}, "n": {"N": "12345"}, "m": {"M": {"a": {"S": "é"}}}}) == 2 + 2 + 1 + 5 + 1 + 3 + 4
    )
    assert [write_units(size) for size in (1, 1024, 1025)] == [1, 1, 2]
    assert write_units(100, transaction=True) == 2
    assert [read_units(size, consistent=False) for size in (0, 4096, 4097)] == [0.5, 0.5, 1.0]


def test_workers_at_the_quota_s_pace_mostly_wait() -> None:
    """Two workers share the quota: a part of 100 users takes each some 12 s, and nearly all of the quota is used."""
    taken = shift(work=1.0, minutes=15)
    assert taken.seconds == pytest.approx(11.9, abs=0.5)
    assert taken.used > 0.94
    assert taken == shift(work=1.0, minutes=15)
