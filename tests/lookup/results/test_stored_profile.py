"""What is known of a user, field by field: the same in whatever order fetches arrive, and never less than it was."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.model import Json, Profile
from lookup.results.changes import with_changes
from lookup.results.field_groups import GROUPS, NAME_BYTES
from lookup.results.oversize import fits_item
from lookup.results.profile_item import Retention, from_item, to_item
from lookup.results.stored_profile import StoredProfile, merge
from tests.benchmarks.cost.units import item_size, read_units, write_units
from tests.lookup.results.field_history import DAY, FETCHES, NAMES, QUESTIONS, START, after, fetch, replay

RETENTION = Retention(30, 1)


def readable(stored: StoredProfile | None, fields: tuple[str, ...] | None) -> tuple[float, object] | None:
    answer = None if stored is None else stored.select(fields)
    return None if answer is None else (answer.fetched_at, answer.attributes)


def again(stored: StoredProfile) -> StoredProfile:
    """Return a profile as it is read back from its item."""
    return from_item(to_item(stored, retention=RETENTION, attributes=stored.attributes), None)


@given(FETCHES, st.randoms(use_true_random=False))
def test_each_field_is_of_its_newest_fetch_in_any_order(fetches: list[Profile], random: Random) -> None:
    """Whatever order fetches arrive in, each field is answered as its newest fetch left it, with that fetch's time."""
    arrived = random.sample(fetches, len(fetches))
    stored, known = None, replay(fetches)
    for one in arrived:
        stored = after([one], stored)
        assert stored is not None
        stored = again(stored)
    assert {fields: readable(stored, fields) for fields in QUESTIONS} == {
        fields: known.answer(fields) for fields in QUESTIONS
    }


@given(FETCHES, st.integers(0, 80 * 4))
def test_fields_expire_one_by_one(fetches: list[Profile], quarters: int) -> None:
    """A field is gone when its own fetch has expired, and no sooner; what was fetched later stays."""
    apart = [fetch((one.fetched_at - START) * 8 * 7 * DAY, one.attributes, one.fields) for one in fetches]  # type: ignore[arg-type]  # ints
    found = [one for one in apart if one.attributes is not None]
    now = START + quarters * DAY / 4
    stored = after(found)
    if stored is None:
        return
    alive = RETENTION.unexpired(again(stored), now)
    for name in NAMES:
        newest = max((one.fetched_at for one in found if one.covers((name,))), default=0.0)
        assert (readable(alive, (name,)) is not None) == (newest + 30 * DAY > now)
    whole = max((one.fetched_at for one in found if one.fields is None), default=0.0)
    assert (readable(alive, None) is not None) == (whole + 30 * DAY > now)


@given(FETCHES)
def test_an_answer_shows_only_its_fields(fetches: list[Profile]) -> None:
    """An answer for some fields has no other attribute, and names no other as changed."""
    stored = after(fetches)
    assert stored is not None
    for name in NAMES:
        answer = stored.select((name,))
        if answer is not None:
            assert set(answer.attributes or {}) | set(answer.changed_fields) <= {name}


def test_a_field_that_is_not_returned_is_known_to_be_absent() -> None:
    """A requested field that MoEngage did not return is absent for later readers, and its older values are gone."""
    stored = after([fetch(0, {"a": 1, "b": 2}), fetch(1, {}, ["a", "gone"])])
    assert readable(stored, ("a",)) == (START + 1, {})
    assert readable(stored, ("gone",)) == (START + 1, {})
    assert readable(stored, ("a", "b")) == (START, {"b": 2})
    assert readable(after([fetch(0, {"a": 1}, ["a"])]), ("b",)) is None


def test_nobody_before_nobody_after() -> None:
    """Found, then not found, then found with few fields: nothing of the first is left, though it comes last."""
    first, gone, back = fetch(0, {"a": 1, "b": 2}), fetch(1, None, ["a"]), fetch(2, {"a": 3}, ["a"])
    assert readable(after([first, gone]), None) == (START + 1, None)
    assert readable(after([first, gone]), ("b",)) == (START + 1, None)
    for order in ([first, gone, back], [gone, back, first], [back, first, gone], [back, gone, first]):
        stored = after(order)
        assert (readable(stored, ("a",)), readable(stored, ("b",))) == ((START + 2, {"a": 3}), None)


@pytest.mark.parametrize(
    ("old", "new", "is_changed"),
    [
        (True, 1, True), (1, True, True), (False, 0, True), (0, False, True), (None, False, True), ("1", 1, True),
        (1, Decimal("1.0"), False), (Decimal("1E1"), 10, False), ([1], [Decimal("1.0")], False), ([True], [1], True),
        ({"x": [{"y": 0}]}, {"x": [{"y": False}]}, True), ({"x": 1, "y": 2}, {"y": 2, "x": 1}, False),
        (True, True, False), ([], {}, True), ("", None, True), (True, Decimal("1.0"), True),
    ],
)  # fmt: skip
def test_values_are_compared_as_json(old: Json, new: Json, *, is_changed: bool) -> None:
    """A change of type is a change, at any depth; another spelling of the same number is none."""
    before = Profile("default", fetch(0, None).identifier, {"a": old}, START, "lookup-1")
    now = Profile("default", before.identifier, {"a": new}, START + 1, "lookup-2")
    assert with_changes(now, merge(None, before)).changed_fields == (("a",) if is_changed else ())


def test_changes_of_fields_without_a_newer_fetch_are_reported() -> None:
    """A fetch that arrives late reports changes only in the fields where it is still the newest."""
    stored = after([fetch(0, {"a": 1, "b": 1, "c": 1}), fetch(2, {"a": 2}, ["a"])])
    late = with_changes(fetch(1, {"a": 9, "b": 2, "c": 1}), stored)
    assert late.changed_fields == ("b",)
    joined = merge(stored, late)
    assert joined is not None
    assert (joined.lookup_id, joined.changed_fields, joined.changed_at) == ("lookup-2", ("a",), START + 2)
    assert readable(joined, None) == (START + 1, {"a": 2, "b": 2, "c": 1})


def test_nothing_changed_where_everything_is_newer() -> None:
    """A fetch whose fields are all covered by a newer one reports no change."""
    stored = after([fetch(5, {"a": 1})])
    for late in (fetch(1, {"a": 2}), fetch(1, {"a": 2}, ["a"])):
        assert with_changes(late, stored).changed_fields == ()
        assert merge(stored, with_changes(late, stored)) is None


def test_many_narrow_fetches_leave_the_wide_one() -> None:
    """Whatever fetches of other fields follow, all fields stay known, in few groups, none dated later than it is."""
    stored = after([fetch(0, {"a": 1, "b": 2}), *(fetch(at, {}, [f"field-{at}"]) for at in range(1, 100))])
    assert stored is not None
    assert len(stored.groups) == GROUPS
    assert readable(stored, None) == (START, {"a": 1, "b": 2})
    assert readable(stored, ("field-99",)) == (START + 99, {})
    assert readable(stored, ("field-1",)) == (START, {})


def test_names_without_end_are_forgotten_before_values() -> None:
    """Names without values leave an item before it exceeds its bounds, and what others requested stays."""
    junk = [fetch(at, {}, [f"{at}-{number}-{'x' * 120}" for number in range(500)]) for at in (1, 2, 3)]
    city = fetch(0, {"a": 1}, ["a"])
    stored = after([city, *junk])
    assert stored is not None
    assert sum(len(name) for group in stored.groups[1:] for name in group.fields or ()) <= NAME_BYTES
    assert readable(stored, ("a",)) == (START, {"a": 1})
    assert readable(after([fetch(0, {"a": 1}), *junk]), None) == (START, {"a": 1})


def test_the_newest_fetch_names_little_that_is_not_there() -> None:
    """However many fields the newest fetch named, first or later, an item grows by the bound at most; values stay."""
    names = [f"{number:03}-{'x' * 120}" for number in range(500)]
    alone = after([fetch(1, {names[499]: 1, "a": 1}, ["a", *names])])
    beside = after([fetch(0, {"b": 2}), fetch(1, {names[499]: 1, "a": 1}, ["a", *names])])
    for stored in (alone, beside):
        assert stored is not None
        assert readable(stored, ("a", names[0], names[499])) == (START + 1, {"a": 1, names[499]: 1})
        item = to_item(stored, retention=RETENTION, attributes=stored.attributes)
        assert item_size(item) < NAME_BYTES + 3 * 1024
    assert readable(alone, (names[498],)) is None
    assert readable(beside, (names[498],)) == (START, {})


def test_held_names_without_end_are_bounded_too() -> None:
    """Where even the names of values are too many, the oldest fetch of some fields goes; a fetch of all never does."""

    def wide(at: int) -> Profile:
        names = [f"{at}-{number}-{'x' * 120}" for number in range(400)]
        return fetch(at, dict.fromkeys(names, 1), names)

    stored = after([fetch(0, {"a": 1}), *(wide(at) for at in (1, 2, 3))])
    assert stored is not None
    assert readable(stored, ("a",)) == (START, {"a": 1})
    assert len(readable(stored, None)[1]) == 1201  # type: ignore[index,arg-type]  # it is known
    narrow = after([fetch(0, {"a": 1}, ["a"]), *(wide(at) for at in (1, 2, 3))])
    assert narrow is not None
    assert readable(narrow, ("a",)) is None
    assert sum(len(name) for group in narrow.groups[1:] for name in group.fields or ()) <= NAME_BYTES


def profile_of(fields: int) -> dict[str, Json]:
    own: dict[str, Json] = {"customer_id": "C-1001", "id": "62e7c1f0a1b2c3d4e5f60718"}
    return own | {f"attribute_{number}": f"a value of some {number} bytes" for number in range(fields)}


@pytest.mark.parametrize("fields", [15, 40, 120])
def test_an_item_stays_within_a_tenth(fields: int) -> None:
    """Beside a fetch of all, one of some fields adds a tenth to the item at most, and no unit of reading or writing."""
    whole = Profile("default", fetch(0, None).identifier, profile_of(fields), START, "0b8a3c2e4f5d")
    some = ("attribute_1", "attribute_2")
    narrow = Profile("default", whole.identifier, dict.fromkeys(some, "new"), START + 9, "1b8a3c2e4f5d", some)
    alone, beside = after([whole]), after([whole, narrow])
    assert alone is not None
    assert beside is not None
    before, now = (item_size(to_item(one, retention=RETENTION, attributes=one.attributes)) for one in (alone, beside))
    assert now <= before * 1.1
    assert (write_units(now), read_units(now, consistent=False)) == (
        write_units(before),
        read_units(before, consistent=False),
    )
    assert fits_item(beside.attributes or {})
