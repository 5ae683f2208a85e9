"""Conversions: packed rosters are unpacked within bounds, daily users counted, and refusals carry a reason."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace

import pytest
from botocore.exceptions import ReadTimeoutError

from infra.local.roster import entries
from infra.local.simulator.process import Simulator
from lookup.bulk.conversion import queue as conversion_queue
from lookup.bulk.conversion.requests import SUBMITTED_WITHIN, ConversionRequests
from lookup.bulk.conversion.worker import DELIVERIES
from lookup.bulk.queues import Delivery
from lookup.ledger.conversions import ConversionLedger
from lookup.ledger.model import DailyCharge, LookupRecord, LookupSpec, LookupState, Roster
from lookup.ledger.usage.daily_usage import DailyUsage
from lookup.model import Counts, Identifier, IdentifierType, InvalidIdentifier
from lookup.partners import Partner
from lookup.rosters.copies import RosterCopies
from lookup.rosters.decompression import Bounds
from lookup.rosters.keys import copies_of
from lookup.rosters.store import RosterStore
from tests.lookup.bulk.conversions import ConversionServices
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage

KEY = "rosters/acme/one"
FEW = 4  # of a partner on the queue, where a line is tested
UNIFORM = b"customer_id\n" + b"".join(b"user-%06d\n" % number for number in range(20_000))


@pytest.fixture
def at(stage: Stage, simulator: Simulator) -> ConversionServices:
    simulator.configure(not_found_share=0.0)
    return ConversionServices(BulkServices(stage))


def packed(at: ConversionServices, text: bytes, key: str = KEY) -> Roster:
    return replace(at.services.roster(gzip.compress(text), key), needs_rewriting=True)


def submit(at: ConversionServices, name: str, roster: Roster, charged: DailyCharge | None = None) -> LookupSpec:
    spec = LookupSpec(name, "default", "acme", at.services.clock(), roster, charged=charged)
    assert at.services.conversions.submit(spec)
    return spec


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def seen(at: ConversionServices, name: str) -> LookupRecord:
    progress = at.services.lookups.get(name)
    assert progress is not None
    return progress


def text_of(at: ConversionServices, roster: Roster) -> bytes:
    stage = at.services.stage
    return stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=roster.key)["Body"].read()


def test_a_packed_roster_is_fed_after_its_conversion(at: ConversionServices) -> None:
    """Nothing of it is fed before; one conversion writes a copy below its own prefix, and the lookup ends complete."""
    submit(at, "packed", packed(at, b"customer_id\nC-1\nC-2\n\nC-3\n"))
    assert at.services.feeder.feed("default") == 0
    assert at.convert() == []
    roster = seen(at, "packed").spec.roster
    assert (roster.key, roster.needs_conversion) == (f"{copies_of(KEY)}packed", False)
    at.services.feeder.feed("default")
    at.services.work()
    assert seen(at, "packed").tally.counts == Counts(requested=3, found=3)
    assert at.services.pending.next_page() == []
    assert at.services.pending.next_of_partner("acme", 10) == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_json_list_is_rewritten_and_fed(at: ConversionServices, pack: type[bytes]) -> None:
    """A JSON list, packed or not, is pinned for conversion; its valid identifiers are requested once each."""
    body = b'[\n  {"customer_id": "C-1"},\n  "C-2", 7,\n  {"customer_id": "a", "customer_id": "b"}\n]\n'
    at.services.roster(pack(body), KEY)
    roster = RosterStore(at.services.stage.s3, at.services.stage.settings.bucket_name).pin(KEY)
    assert (roster.entries, roster.needs_conversion) == (4, True)
    submit(at, "list", roster)
    assert at.services.feeder.feed("default") == 0
    assert at.convert() == []
    assert list(entries([text_of(at, seen(at, "list").spec.roster)]))[:2] == [customer("C-1"), customer("C-2")]
    at.services.feeder.feed("default")
    at.services.work()
    assert seen(at, "list").tally.counts == Counts(requested=4, found=2, invalid=2)


def test_two_deliveries_unpack_once(at: ConversionServices) -> None:
    """While one worker converts, another returns its message for retry; afterwards nothing is left to do."""
    submit(at, "packed", packed(at, b"C-1\n"))
    (delivery,) = at.deliveries()
    assert at.services.pending.claim("packed", at.services.clock() + 100) is not None
    assert at.work.serve([delivery], until=at.services.clock() + 60) == [delivery.message_id]
    assert seen(at, "packed").spec.roster.needs_conversion
    at.services.clock.now += 200
    assert at.work.serve([delivery], until=at.services.clock() + 60) == []
    copies = at.services.stage.keys(copies_of(KEY))
    assert at.work.serve([delivery], until=at.services.clock() + 60) == []
    assert at.services.stage.keys(copies_of(KEY)) == copies


def test_lookups_over_one_roster_share_its_copy(at: ConversionServices) -> None:
    """A second lookup over the same version is fed from the first one's copy, until that is hours old."""
    roster = packed(at, b"C-1\nC-2\n")
    for name in ("first", "second"):
        submit(at, name, roster)
        at.convert()
    assert seen(at, "second").spec.roster == seen(at, "first").spec.roster
    at.services.clock.now += 7 * 3600
    submit(at, "third", roster)
    at.convert()
    assert at.services.stage.keys(copies_of(KEY)) == [f"{copies_of(KEY)}first", f"{copies_of(KEY)}third"]


@pytest.mark.parametrize(
    ("bounds", "text", "because"),
    [
        (Bounds(ratio=10), b"C-1\n" + b"\n" * 2_000_000, "roster: unpacks to over 10 times its size"),
        (Bounds(megabytes=1), UNIFORM * 8, "roster: unpacks to over 1 MB"),
    ],
)
def test_what_passes_the_bounds_ends_its_lookup(
    at: ConversionServices, bounds: Bounds, text: bytes, because: str
) -> None:
    """A decompression bomb leaves no copy and requests no user; its partner sees the rule in `ended_because`."""
    at.services.bounds = bounds
    submit(at, "bomb", packed(at, text))
    assert at.convert() == []
    ended = seen(at, "bomb")
    assert (ended.state, ended.ended_because, ended.requested) == (LookupState.CANCELLED, because, 0)
    assert ended.finished_at is not None
    stage = at.services.stage
    assert stage.keys(copies_of(KEY)) == []
    assert stage.s3.list_multipart_uploads(Bucket=stage.settings.bucket_name).get("Uploads", []) == []
    assert [one.spec.lookup_id for one in at.services.events.completed] == ["bomb"]


def test_what_takes_too_long_ends_its_lookup(at: ConversionServices) -> None:
    """A conversion that its function's time does not suffice for is tried three times: AWS may be what is slow."""
    submit(at, "slow", packed(at, b"C-1\n"))
    (delivery,) = at.deliveries()
    for received in (1, 2):
        late = at.work.serve([replace(delivery, received=received)], until=at.services.clock() - 1)
        assert (late, seen(at, "slow").state) == ([delivery.message_id], LookupState.ACTIVE)
    assert at.work.serve([replace(delivery, received=3)], until=at.services.clock() - 1) == []
    assert seen(at, "slow").ended_because == "roster: takes too long to convert: split it"


def test_a_cancelled_lookup_is_not_converted(at: ConversionServices) -> None:
    """What was cancelled before its turn costs nothing."""
    spec = submit(at, "gone", packed(at, b"C-1\n"))
    at.services.states.cancel(spec)
    assert at.convert() == []
    assert at.services.stage.keys("rosters/unpacked/") == []


def test_what_aws_does_wrong_is_tried_again(at: ConversionServices) -> None:
    """A message is retried while S3 is unavailable; after its last delivery it is dead-lettered with a reason."""
    submit(at, "packed", packed(at, b"C-1\n"))
    stage, settings = at.services.stage, at.services.stage.settings
    (delivery,) = at.deliveries()
    stage.s3.meta.events.register("before-parameter-build.s3.GetObject", _timeout)
    assert at.work.serve([delivery], until=at.services.clock() + 60) == [delivery.message_id]
    stage.s3.meta.events.unregister("before-parameter-build.s3.GetObject", _timeout)
    worn = replace(delivery, received=DELIVERIES + 1)
    assert at.work.serve([worn], until=at.services.clock() + 60) == []
    (letter,) = stage.messages(settings.conversion_dead_letter_queue_url or "")
    assert letter["MessageAttributes"]["reason"]["StringValue"] == f"not converted in {DELIVERIES} deliveries"
    assert seen(at, "packed").state is LookupState.ACTIVE
    assert at.work.serve([delivery], until=at.services.clock() + 60) == []
    assert not seen(at, "packed").spec.roster.needs_conversion


def _timeout(**_: object) -> None:
    raise ReadTimeoutError(endpoint_url="https://s3.example.com")


def test_what_cannot_leave_its_place_is_delivered_again(at: ConversionServices) -> None:
    """While DynamoDB is unavailable an exhausted message is neither dead-lettered nor lost; later it is, once."""
    submit(at, "packed", packed(at, b"C-1\n"))
    stage, (delivery,) = at.services.stage, at.deliveries()
    worn = replace(delivery, received=DELIVERIES + 1)
    stage.dynamodb.meta.events.register("before-parameter-build.dynamodb.*", _timeout)
    assert at.work.serve([worn], until=at.services.clock() + 60) == [worn.message_id]
    stage.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.*", _timeout)
    assert stage.messages(stage.settings.conversion_dead_letter_queue_url or "") == []
    assert at.work.serve([worn], until=at.services.clock() + 60) == []
    assert len(stage.messages(stage.settings.conversion_dead_letter_queue_url or "")) == 1
    assert at.services.pending.next_of_partner("acme", 10) == []


def test_an_unreadable_message_is_dead_lettered(at: ConversionServices) -> None:
    """What is no conversion goes to the dead-letter queue, with the rule."""
    stage, settings = at.services.stage, at.services.stage.settings
    stage.sqs.send_message(
        QueueUrl=settings.conversion_queue_url, MessageBody="x", MessageGroupId="x", MessageDeduplicationId="x"
    )
    assert at.convert() == []
    (letter,) = stage.messages(settings.conversion_dead_letter_queue_url or "")
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "body: must be an object with lookup_id and partner"


def test_a_conversion_whose_message_is_lost_is_sent_again(at: ConversionServices) -> None:
    """The tick resends at once what was never sent, and after hours what seems lost; never sooner."""
    spec = LookupSpec("packed", "default", "acme", at.services.clock(), packed(at, b"C-1\n"))
    at.services.pending.begin(spec)
    at.services.lookups.submit(spec)
    at.services.conversions.resend_lost()
    assert len(at.deliveries()) == 1
    at.services.conversions.resend_lost()
    assert at.deliveries() == []


def submit_many(at: ConversionServices, count: int) -> list[LookupSpec]:
    """Submit lookups over one packed roster, an instant apart, where `FEW` may be on the queue."""
    services = at.services
    services.conversions = ConversionRequests(
        ledger=services.lookups,
        needs=services.references,
        pending=services.pending,
        queue=services.conversion_queue,
        clock=services.clock,
        queued_most=FEW,
    )
    roster, specs = packed(at, b"C-1\n"), []
    for number in range(count):
        at.services.clock.now += 0.001
        specs.append(submit(at, f"many-{number:03}", roster))
    return specs


def test_a_partner_has_few_conversions_on_the_queue(at: ConversionServices) -> None:
    """The others wait in the ledger, follow in their order as places get free, and each is converted."""
    submit_many(at, FEW + 3)
    first = taken_off(at)
    assert [lookup_id_of(one) for one in first] == [f"many-{number:03}" for number in range(FEW)]
    at.services.conversions.resend_lost()
    assert taken_off(at) == []
    assert at.work.serve(first[:2], until=at.services.clock() + 60) == []
    at.services.conversions.resend_lost()
    assert [lookup_id_of(one) for one in taken_off(at)] == ["many-004", "many-005"]
    other = LookupSpec("other", "default", "globex", at.services.clock(), packed(at, b"C-1\n", "rosters/globex/one"))
    at.services.conversions.submit(other)
    assert [lookup_id_of(one) for one in taken_off(at)] == ["other"]


def test_cancelled_lookups_wait_for_no_conversion(at: ConversionServices) -> None:
    """Of many that are submitted and cancelled none but the first come to the queue; what follows them does."""
    specs = submit_many(at, 2 * FEW)
    for spec in specs[FEW:]:
        at.services.states.cancel(spec)
    submit(at, "wanted", packed(at, b"C-1\n"))
    first = taken_off(at)
    assert at.work.serve(first, until=at.services.clock() + 60) == []
    at.services.conversions.resend_lost()
    assert [lookup_id_of(one) for one in taken_off(at)] == ["wanted"]
    assert [one.lookup_id for one in at.services.pending.next_page()] == ["wanted"]


def test_a_failed_conversion_does_not_block_the_next(at: ConversionServices) -> None:
    """Dead-lettered conversions hold no place in their partner's queue, and are sent again after hours."""
    submit_many(at, FEW + 1)
    worn = [replace(one, received=DELIVERIES + 1) for one in taken_off(at)]
    assert at.work.serve(worn, until=at.services.clock() + 60) == []
    at.services.conversions.resend_lost()
    assert [lookup_id_of(one) for one in taken_off(at)] == ["many-004"]
    at.services.clock.now += 7 * 3600
    at.services.conversions.resend_lost()
    # They are sent; SQS drops what it had within five minutes of its own clock.
    assert {one.queued_at for one in at.services.pending.next_page()} == {at.services.clock()}


def test_what_is_about_to_be_submitted_keeps_its_place(at: ConversionServices) -> None:
    """A lookup is noted before it is submitted: who looks in between neither forgets it nor converts it."""
    spec = LookupSpec("packed", "default", "acme", at.services.clock(), packed(at, b"C-1\n"))
    assert at.services.pending.begin(spec)
    at.services.conversions.resend_lost()
    assert at.deliveries() == []
    at.services.conversion_queue.send("packed", "acme")
    (delivery,) = at.deliveries()
    assert at.work.serve([delivery], until=at.services.clock() + 60) == [delivery.message_id]
    assert not at.services.pending.begin(spec)
    assert [one.lookup_id for one in at.services.pending.next_of_partner("acme", 10)] == ["packed"]
    at.services.clock.now += SUBMITTED_WITHIN + 1
    at.services.conversions.resend_lost()
    assert (at.services.pending.next_page(), at.services.pending.next_of_partner("acme", 10)) == ([], [])


def test_many_that_wait_are_looked_through_in_turns(at: ConversionServices) -> None:
    """A tick reads one page of them; the next goes on behind it, and begins anew after the last."""
    submit_many(at, 5)
    pending = ConversionLedger(at.services.table, page=2)
    pages = [[one.lookup_id[-1] for one in pending.next_page()] for _ in range(4)]
    assert pages == [["0", "1"], ["2", "3"], ["4"], ["0", "1"]]


def taken_off(at: ConversionServices) -> list[Delivery]:
    """Receive the whole queue; a message group delivers more only when what it delivered is deleted."""
    stage, taken = at.services.stage, list[Delivery]()
    while deliveries := at.deliveries():
        taken += deliveries
        for one in deliveries:
            stage.sqs.delete_message(QueueUrl=stage.settings.conversion_queue_url, ReceiptHandle=one.receipt_handle)
    return taken


def lookup_id_of(delivery: Delivery) -> str:
    return conversion_queue.parse_conversion(delivery.body)[0]


def test_one_of_a_partner_runs_at_a_time(at: ConversionServices) -> None:
    """A partner's second conversion is delivered when the first is done; another partner's does not wait."""
    for name in ("one", "two"):
        submit(at, name, packed(at, b"C-1\n"))
    other = LookupSpec("other", "default", "globex", at.services.clock(), packed(at, b"C-1\n", "rosters/globex/one"))
    at.services.conversions.submit(other)
    url = at.services.stage.settings.conversion_queue_url
    taken = [
        message
        for _ in range(4)
        for message in at.services.stage.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages", [])
    ]
    assert sorted(one["Body"] for one in taken) == [
        '{"lookup_id":"one","partner":"acme"}',
        '{"lookup_id":"other","partner":"globex"}',
    ]


@pytest.mark.parametrize(
    ("left", "ends"), [(3, None), (2, "3 users are asked for and 1 of 5 are left until midnight UTC")]
)
def test_daily_users_are_counted_before_any_is_requested(at: ConversionServices, left: int, ends: str | None) -> None:
    """The minimum charge becomes what the roster holds, or the lookup ends with the one user that each takes."""
    partner = Partner("acme", users_per_day=5)
    at.partners.grants = {"acme": partner}
    assert at.services.daily.charge(partner, 5 - left) is not None
    use = at.services.daily.charge(partner, 1)
    assert isinstance(use, DailyUsage)
    roster = replace(packed(at, b"customer_id\nC-1\nC-2\nC-3\n"), counted=1)
    submit(at, "limited", roster, use.charge(1))
    at.convert()
    today = at.services.daily.today(partner)
    assert today is not None
    progress = seen(at, "limited")
    assert progress.ended_because == ends
    if ends is None:
        assert (today.users, progress.spec.charged, progress.spec.roster.counted) == (5, DailyCharge(3, use.day), None)
        assert progress.spec.roster.entries == 3
    else:
        assert today.users == 4


def test_a_charge_of_yesterday_moves_to_the_day_of_the_count(at: ConversionServices) -> None:
    """A lookup that is counted after midnight is charged to that day in full, and yesterday gets its part back."""
    partner = Partner("acme", users_per_day=100)
    at.partners.grants = {"acme": partner}
    use = at.services.daily.charge(partner, 2)
    assert use is not None
    plain = replace(at.services.roster(b"C-1\nC-2\nC-3\n", KEY), counted=2)
    submit(at, "late", plain, use.charge(2))
    at.services.clock.now += 24 * 3600
    at.convert()
    today = at.services.daily.today(partner)
    assert today is not None
    assert (today.users, seen(at, "late").spec.charged) == (3, DailyCharge(3, today.day))
    at.services.clock.now -= 24 * 3600
    yesterday = at.services.daily.today(partner)
    assert yesterday is not None
    assert yesterday.users == 0
    assert seen(at, "late").spec.roster.key == KEY


def test_gzip_is_unpacked_byte_for_byte(stage: Stage) -> None:
    """Several members too, across all chunks."""
    assert unpacked(stage, gzip.compress(UNIFORM)) == UNIFORM
    assert unpacked(stage, gzip.compress(UNIFORM[:77_777]) + gzip.compress(UNIFORM[77_777:])) == UNIFORM
    chance = random.Random(1)
    long = b"".join(b"user-%x\n" % chance.randrange(16**9) for _ in range(150_000))
    assert unpacked(stage, gzip.compress(long)) == long


@pytest.mark.parametrize("damage", ["cut off", "spoilt", "followed by junk"])
def test_gzip_that_turns_unreadable(stage: Stage, damage: str) -> None:
    """What was readable is kept whole; the rest is one invalid line, and no partial identifier is requested."""
    body = gzip.compress(UNIFORM)
    middle = len(body) // 2
    spoilt = body[:middle] + b"\x00" * 20 + body[middle + 20 :]
    text = unpacked(stage, {"cut off": body[:middle], "spoilt": spoilt}.get(damage, body + b"junk"))
    read = list(entries(text.splitlines(keepends=True)))
    assert isinstance(read[-1], InvalidIdentifier)
    assert read[-1].reason == "line is not UTF-8"
    if damage == "followed by junk":
        assert len(read) == 20_001
    if damage != "spoilt":  # a corrupt stream may decompress to wrong bytes before its checksum fails
        known = {line.decode() for line in UNIFORM.split()}
        assert all(isinstance(one, Identifier) and one.identifier in known for one in read[:-1])


def unpacked(stage: Stage, body: bytes) -> bytes:
    bucket = stage.settings.bucket_name
    stage.s3.put_object(Bucket=bucket, Key=KEY, Body=body)
    copies = RosterCopies(stage.s3, bucket, Bounds())
    roster = copies.convert(Roster(KEY, None, len(body), 1, needs_rewriting=True), "lookup-1", lambda: False)
    text = stage.s3.get_object(Bucket=bucket, Key=roster.key)["Body"].read()
    assert (roster.size, roster.needs_rewriting) == (len(text), False)
    return text
