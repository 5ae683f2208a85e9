"""Hours: what belongs to no lookup with an end is collected, each record once, whatever comes late or twice."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookup.collection.collection_result import Done, Held
from lookup.collection.files import Format
from lookup.errors import AwsUnavailable
from lookup.ledger.collecting.collected_hours import CollectedHour
from lookup.ledger.collecting.hour_marks import HOUR, LATENESS, Hour, due
from lookup.model import Counts, Outcome, Status
from lookup.results.answers import PART
from lookup.results.files import Record
from tests.lookup.collection.hour_world import MINUTES, HourWorld, answer_id, message_id
from tests.lookup.collection.world import found, outcome
from tests.lookup.services import customer
from tests.lookup.stage import Stage

HOT = 40_000_000_000  # a number of digits that a float keeps

EXAMPLES = itertools.count(1)


def test_an_hour_becomes_a_few_files(stage: Stage, tmp_path: Path) -> None:
    """Answers at once, large ones too, and intake messages of an hour are one file of each format and a manifest."""
    world = HourWorld(stage)
    at = world.clock()
    world.deliver([world.message(n, [found(f"A-{n}", {"n": HOT}, at=at)]) for n in range(3)])
    world.answers.keep_as_object("default", answer_id(9), at, [])
    world.record(world.processed(1, [outcome("I-1", Status.NOT_FOUND, at=at)]), world.processed(2, []))
    assert world.pass_hours() == [world.hour]
    prefix = f"results/workspace=default/dt={world.hour.day}/"
    stem = f"hour-{world.hour.of_day}"
    assert stage.keys("results/") == [
        f"{prefix}manifest/{stem}.manifest.json",
        f"{prefix}ndjson/{stem}-00001.ndjson.gz",
        f"{prefix}parquet/{stem}-00001.parquet",
    ]
    rows = [(answer_id(n), "000001", f"A-{n}") for n in range(3)]
    assert world.rows() == sorted([*rows, (f"intake-{world.hour.day}", message_id(1), "I-1")])
    assert world.parquet(tmp_path, "lookup_id, part, identifier") == world.rows()
    manifest = world.manifest()
    assert manifest["counts"] == Counts(4, found=3, not_found=1).to_json()
    for file in manifest["files"]:
        body = world.body(file["key"])
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
    assert [(hour, one.counts.requested) for hour, one in world.published] == [(world.hour, 4)]


def test_an_hour_in_which_nothing_happened_costs_nothing(stage: Stage) -> None:
    """Without objects nobody is asked for anything; after an hour is collected nobody is again."""
    world = HourWorld(stage)
    assert world.pass_hours(3) == []
    world.deliver([world.message(1, [outcome("A", Status.NOT_FOUND, at=world.clock())], at=world.clock())])
    hour = Hour.of("default", world.clock())
    assert (world.pass_hours(), world.pass_hours(3)) == ([hour], [])


def test_what_comes_late_has_the_hour_collected_anew(stage: Stage) -> None:
    """An object that is written a day late joins its hour's files within an hour: they are replaced, not doubled."""
    world = HourWorld(stage)
    world.deliver([world.message(1, [outcome("A", Status.NOT_FOUND, at=world.clock())])])
    world.pass_hours()
    keys = stage.keys("results/")
    world.clock.now += 24 * HOUR
    world.deliver([world.message(2, [outcome("B", Status.NOT_FOUND, at=world.clock())])])
    world.record(world.processed(3, [outcome("C", Status.NOT_FOUND, at=world.clock())]))
    assert world.pass_hours() == [world.hour]
    assert [name for _, _, name in world.rows()] == ["C", "A", "B"]
    assert stage.keys("results/") == keys
    assert world.manifest()["counts"]["requested"] == 3
    assert [one.intake for one in world.hours.of_day(world.hour.day)] == [1]


def test_another_grouping_leaves_a_part_in_two_hours_and_counts_it_in_one(stage: Stage) -> None:
    """After a crash before the ledger the same messages come in other groups; each is where the ledger says."""
    world = HourWorld(stage)
    at = world.hour.start
    one, two = (world.processed(n, [outcome(f"I-{n}", Status.NOT_FOUND, at=at)], at=at + n * HOUR // 2) for n in (1, 2))
    if two.part.lookup_id != one.part.lookup_id:
        pytest.skip("the two hours are of two days")
    world.record(one, two, dies_before_ledger=True)
    world.record(two)
    assert world.pass_hours(2) == [world.hour, Hour.of("default", at + HOUR)]
    assert [name for _, _, name in world.rows()] == ["I-2"]
    world.record(one)
    world.pass_hours()
    assert [name for _, _, name in world.rows()] == ["I-1", "I-2"]


def test_the_files_say_what_changed(stage: Stage) -> None:
    """Only what was fetched as new or different is in the changed files; of a workspace without profiles nothing is."""
    world = HourWorld(stage)
    at = world.clock()
    world.deliver([world.message(1, [_fetched_by(1, "new", at, at), _fetched_by(1, "old", at, at - 60)])])
    world.collect()
    assert [one["identifier"] for one in world.records("changed")] == ["new"]
    assert [one["identifier"] for one in world.records()] == ["new", "old"]
    other = HourWorld(stage, keeps_profiles=False)
    other.deliver([other.message(2, [_fetched_by(2, "newer", at, at)])])
    other.collect()
    assert [one["identifier"] for one in world.records("changed")] == []
    assert len(world.records()) == 3


def _fetched_by(number: int, name: str, at: float, changed_at: float) -> Outcome:
    one = found(name, {}, at=at, changed_at=changed_at)
    assert one.profile is not None
    return replace(one, profile=replace(one.profile, lookup_id=answer_id(number)))


def test_the_object_of_an_answer_counts_before_its_message(stage: Stage) -> None:
    """When an answer was archived twice, as another writer came between, the second, an object, is the true one."""
    world = HourWorld(stage)
    world.deliver([world.message(1, [outcome("A", Status.FAILED, at=world.clock())])])
    second = Record(PART, outcome("A", Status.NOT_FOUND, at=world.clock()))
    world.answers.keep_as_object("default", answer_id(1), world.clock(), [second])
    world.collect()
    assert [one["outcome"] for one in world.records()] == ["not_found"]


def test_parts_of_lookups_are_left_to_their_lookups(stage: Stage) -> None:
    """A schedule that is called like what an hour holds has its objects in no hour's files."""
    world = HourWorld(stage)
    names = (f"intake-{world.hour.day}-20261129T000000Z", f"{answer_id(1)}-20261129T000000Z", "answers-" + "0" * 32)
    for name in names:
        world.archive.write(workspace="default", lookup_id=name, name="000001", fed_at=world.clock(), records=[])
        world.archive.write(workspace="default", lookup_id=name, name="00000001", fed_at=world.clock(), records=[])
    assert isinstance(world.collect(), Done)
    assert stage.keys("results/") == []


def test_a_large_hour_is_several_files(stage: Stage) -> None:
    """Files end at so many records; together they hold everything once, and the manifest lists them."""
    world = HourWorld(stage, set_records=2)
    for number in range(5):
        world.deliver([world.message(number, [outcome(f"A-{number}", Status.NOT_FOUND, at=world.clock())])])
    world.collect()
    files = [one for one in world.manifest()["files"] if one["format"] == Format.NDJSON]
    assert [(one["name"][-15:], one["records"]) for one in files] == [
        ("00001.ndjson.gz", 2),
        ("00002.ndjson.gz", 2),
        ("00003.ndjson.gz", 1),
    ]
    assert len(world.rows()) == len(set(world.rows())) == 5


def test_nothing_new_writes_nothing(stage: Stage) -> None:
    """An hour that is asked for twice is written and said once."""
    world = HourWorld(stage)
    world.deliver([world.message(1, [outcome("A", Status.NOT_FOUND, at=world.clock())])])
    world.collect()
    ready = world.collected().ready_at
    world.clock.now += 60
    world.collect()
    assert world.collected().ready_at == ready
    assert len(world.published) == 1


def test_two_do_not_collect_one_hour(stage: Stage) -> None:
    """While somebody is at it the next one waits until the claim ends."""
    world = HourWorld(stage)
    world.hours.write(world.hour, CollectedHour("another", world.clock() + 300), seen=None)
    held = world.collect()
    assert isinstance(held, Held)
    assert held.until == world.clock() + 300
    world.clock.now += 301
    assert isinstance(world.collect(), Done)


def test_what_differs_from_the_ledger_is_not_published(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """If an object holds other counts than the ledger, or objects are gone, the files stay as they were."""
    world = HourWorld(stage)
    world.deliver([world.message(1, [outcome("A", Status.NOT_FOUND, at=world.clock())])])
    one = world.processed(2, [outcome("I", Status.NOT_FOUND, at=world.clock())])
    world.record(one)
    world.collect()
    rows = world.rows()
    (answers,) = stage.keys("parts/workspace=default/dt=" + world.hour.day + f"/hour={world.hour.of_day}/answers-")
    stage.s3.delete_object(Bucket=stage.settings.bucket_name, Key=answers)
    assert isinstance(world.collect(), Done)
    assert (world.rows(), world.collected().reason) == (rows, "counts_differ")
    (key,) = stage.keys("parts/")
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=gzip.compress(b"no record"))
    assert isinstance(world.collect(), Done)
    assert (world.rows(), world.collected().reason) == (rows, "counts_differ")
    assert caplog.messages.count("results not published") == 2


def test_an_hour_that_takes_too_long_comes_again(stage: Stage) -> None:
    """Without time to end the files nothing is published, and the next one may begin at once."""
    world = HourWorld(stage)
    for number in range(2):
        world.deliver([world.message(number, [_missing(f"A-{number}")])])
    slow = partial(_pass_time, world, 500.0)
    stage.s3.meta.events.register("before-call.s3.GetObject", slow)
    with pytest.raises(AwsUnavailable):
        world.collect()
    stage.s3.meta.events.unregister("before-call.s3.GetObject", slow)
    assert (world.rows(), world.collected().held_until) == ([], 0.0)
    world.collect()
    assert len(world.rows()) == 2


def _pass_time(world: HourWorld, seconds: float, **_: object) -> None:
    world.clock.now += seconds


class Dies(BaseException):
    """What ends a function at once."""


def test_a_collector_may_die_at_any_request(stage: Stage) -> None:
    """Whichever request of AWS a collector dies at, no record is there twice, and the next one completes the hour."""
    world = HourWorld(stage)
    calls, dies_at = [0], [0]

    def die(**_: Any) -> None:
        calls[0] += 1
        if calls[0] == dies_at[0]:
            raise Dies

    for client in (stage.s3, stage.dynamodb):
        client.meta.events.register("before-call.*", die)
    try:
        for number in itertools.count(1):
            world.clock.now += HOUR
            hour = Hour.of("default", world.clock())
            world.deliver([world.message(number, [_missing(f"A-{number}")], at=hour.start)])
            calls[0], dies_at[0] = 0, number
            try:
                world.collect(hour)
            except Dies:
                dies_at[0] = 0
                assert len(world.rows()) == len(set(world.rows())) in {number - 1, number}
                world.clock.now += MINUTES + 1
                world.collect(hour)
            else:  # it had fewer to die at
                break
            assert len(world.rows()) == len(set(world.rows())) == number
            assert world.manifest(hour)["counts"]["requested"] == 1
    finally:
        for client in (stage.s3, stage.dynamodb):
            client.meta.events.unregister("before-call.*", die)
    assert number > 8


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_history_is_collected_once(stage: Stage, data: st.DataObject) -> None:
    """Whatever is delivered twice, regrouped, late, or dies before the ledger: what counts is in the files once."""
    world = HourWorld(stage)
    world.clock.now += next(EXAMPLES) * 7 * 24 * HOUR  # each has days of its own
    world.hour = Hour.of("default", world.clock())
    start = {number: world.hour.start + data.draw(st.integers(0, 2 * HOUR)) for number in range(4)}
    messages = {n: world.message(n, [_missing(f"A-{n}")], at=at) for n, at in start.items()}
    intake = {n: world.processed(n, [_missing(f"I-{n}")], at=at) for n, at in start.items()}
    answered: set[int] = set()
    numbers = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)
    for _ in range(data.draw(st.integers(1, 6))):
        group = data.draw(numbers)
        match data.draw(st.sampled_from(["answers", "intake", "dies", "tick", "collect"])):
            case "answers":
                assert world.deliver([messages[n] for n in group]) == []
                answered |= set(group)
            case "tick":
                world.pass_hours(data.draw(st.integers(1, 3)))
            case "collect":
                world.collect(Hour.of("default", start[group[0]]))
            case what:
                for day in {intake[n].part.lookup_id for n in group}:
                    known = world.part_ledger._records([intake[n].part for n in group])  # noqa: SLF001 - a worker looks
                    own = [intake[n] for n in group if intake[n].part.lookup_id == day]
                    left = [one for one in own if one.part.number not in known]
                    if left:
                        world.record(*left, dies_before_ledger=what == "dies")
    world.pass_hours(3)
    known = world.part_ledger._records([one.part for one in intake.values()])  # noqa: SLF001 - what counts
    expected = [(answer_id(n), PART, f"A-{n}") for n in answered]
    expected += [
        (one.part.lookup_id, name, f"I-{n}") for n, one in intake.items() if (name := one.part.number) in known
    ]
    days = {Hour.of("default", at).day for at in start.values()}
    assert world.rows(days) == sorted(expected)


def _missing(name: str) -> Outcome:
    return Outcome(customer(name), Status.NOT_FOUND)


@given(now=st.integers(1_700_000_000, 1_900_000_000), back=st.integers(-2 * HOUR, 100 * HOUR))
def test_an_hour_is_due_after_it_has_ended_and_after_now(now: int, back: int) -> None:
    """What is written now is due later than now, ten minutes after its hour at the earliest, an hour from then."""
    hour = Hour.of("default", now - back)
    at = due(hour, now)
    assert at > now
    assert at >= hour.start + HOUR + LATENESS
    assert at <= max(now, hour.start + HOUR) + HOUR + LATENESS
    assert due(hour, at - 1) == at or at - 1 < now
    assert Hour.named("default", hour.name) == hour
