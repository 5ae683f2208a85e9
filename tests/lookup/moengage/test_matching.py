"""Pairing: whose attributes are whose, by value, whatever order and shape the answer has."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.model import Attributes, Identifier, IdentifierType
from lookup.moengage.matching import Matches, match_users
from lookup.moengage.responses import ExportResponse, read_response

JOHN: Attributes = {"customer_id": "john", "id": "62e7", "name": "John"}
JANE: Attributes = {"customer_id": "jane", "id": "62e8", "name": "Jane"}


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def own(text: str) -> Identifier:
    return Identifier(IdentifierType.ID, text)


def answer(*users: Attributes, not_found: set[tuple[str, str]] | None = None) -> ExportResponse:
    return ExportResponse(users, frozenset(not_found or set()))


def test_order_does_not_matter() -> None:
    """Users are paired by their own identifiers, in whatever order they come."""
    asked = [customer("jane"), customer("john")]
    assert match_users(asked, answer(JOHN, JANE)).found == {customer("john"): JOHN, customer("jane"): JANE}


def test_two_names_of_one_user() -> None:
    """Two identifiers that name one user are both found, though the user comes once, or twice."""
    asked = [customer("john"), own("62e7")]
    expected = Matches({customer("john"): JOHN, own("62e7"): JOHN}, (), (), ())
    assert match_users(asked, answer(JOHN)) == expected
    assert match_users(asked, answer(JOHN, dict(JOHN))) == expected


def test_same_identifier_twice() -> None:
    """An identifier requested twice has one outcome."""
    paired = match_users([customer("john"), customer("john"), customer("x1"), customer("x1")], answer(JOHN))
    assert paired == Matches({customer("john"): JOHN}, (), (customer("x1"),), ())


@pytest.mark.parametrize("spelling", ["id", "moengage_id"])
def test_missing_under_either_spelling(spelling: str) -> None:
    """The vendor may list a missing id of its own under either of its names."""
    paired = match_users([own("62e7"), customer("62e7")], answer(not_found={(spelling, "62e7")}))
    assert paired.not_found == (own("62e7"),)
    assert paired.unaccounted == (customer("62e7"),)


def test_found_wins() -> None:
    """An identifier in both lists is found."""
    paired = match_users([customer("john")], answer(JOHN, not_found={("customer_id", "john")}))
    assert (list(paired.found), paired.not_found) == ([customer("john")], ())


@pytest.mark.parametrize(
    ("user", "asked"),
    [
        ({"customer_id": 12345}, customer("12345")),
        ({"uid": "john"}, customer("john")),
        ({"uid": 7007}, customer("7007")),
        ({"moengage_id": "62e7"}, own("62e7")),
    ],
)
def test_holders(user: Attributes, asked: Identifier) -> None:
    """A user's identifier may be a number, or stand under the attribute's other name."""
    assert match_users([asked], answer(user)).found == {asked: user}


@pytest.mark.parametrize("turn", [1, -1])
def test_other_names_yield(turn: int) -> None:
    """Where one user's other name is another user's own identifier, the identifier decides, in either order."""
    impostor: Attributes = {"customer_id": "jim", "uid": "john", "id": "62e9", "moengage_id": "62e7"}
    paired = match_users([customer("john"), own("62e7")], answer(*[impostor, JOHN][::turn]))
    assert paired == Matches({customer("john"): JOHN, own("62e7"): JOHN}, (), (), (impostor,))


@pytest.mark.parametrize("value", [True, None, Decimal("1.5"), ["john"], {"a": "john"}], ids=str)
def test_values_that_identify_nobody(value: object) -> None:
    """What is neither text nor a whole number pairs with nothing."""
    user: Attributes = {"customer_id": value}  # type: ignore[dict-item]  # each is JSON, their union is not seen as such
    paired = match_users([customer(str(value)), customer("john")], answer(user))
    assert paired.found == {}
    assert paired.unmatched == (user,)


def test_types_are_not_mixed() -> None:
    """A customer id never pairs with another user's id of the same text."""
    assert match_users([customer("62e7")], answer(JOHN)) == Matches({}, (), (customer("62e7"),), (JOHN,))


def test_unrequested_users_are_kept() -> None:
    """A user that was not requested, or that contradicts the one taken, is kept as unmatched."""
    other = {**JOHN, "name": "Johnny"}
    paired = match_users([customer("john")], answer(JOHN, JANE, other))
    assert paired == Matches({customer("john"): JOHN}, (), (), (JANE, other))


NAMES = st.sampled_from(["a1", "b2", "c3", "d4", "12", "é5"])
KINDS = st.sampled_from(IdentifierType)
ASKED = st.lists(st.builds(Identifier, KINDS, NAMES), max_size=20)
USERS = st.lists(
    st.dictionaries(
        st.sampled_from(["customer_id", "uid", "id", "moengage_id", "name"]),
        NAMES | st.just(12) | st.none() | st.booleans(),
    ),
    max_size=8,
)
MISSING = st.frozensets(st.tuples(st.sampled_from(["customer_id", "id", "moengage_id", "None"]), NAMES))


@given(ASKED, USERS, MISSING)
def test_every_identifier_has_one_outcome(
    asked: list[Identifier], users: list[Attributes], missing: frozenset[tuple[str, str]]
) -> None:
    """Every requested identifier ends in exactly one of found, not found and unaccounted, and no user is lost."""
    paired = match_users(asked, ExportResponse(tuple(users), missing))
    outcomes = [*paired.found, *paired.not_found, *paired.unaccounted]
    assert sorted(outcomes) == sorted(set(asked))
    for one, user in paired.found.items():
        holders = ("customer_id", "uid") if one.identifier_type is IdentifierType.CUSTOMER_ID else ("id", "moengage_id")
        assert one.identifier in [str(user.get(holder)) for holder in holders]
    for one in paired.not_found:
        spellings = {"customer_id"} if one.identifier_type is IdentifierType.CUSTOMER_ID else {"id", "moengage_id"}
        assert {(spelling, one.identifier) for spelling in spellings} & missing
    for user in users:
        assert user in paired.found.values() or user in paired.unmatched


@given(ASKED, st.permutations([JOHN, JANE, {"customer_id": "a1"}, {"id": "b2"}]))
def test_outcomes_do_not_depend_on_the_order(asked: list[Identifier], users: list[Attributes]) -> None:
    """The same users in another order give the same outcomes."""
    assert match_users(asked, answer(*users)).found == match_users(asked, answer(*sorted(users, key=str))).found


@pytest.mark.parametrize(
    "data",
    [
        "{}",
        '{"users": null}',
        '{"users_not_found": null}',
        '{"users": [], "users_not_found": []}',
        '{"users": null, "more": 1}',
    ],
)
def test_absent_lists(data: str) -> None:
    """Absent or null lists are empty: what was requested is unaccounted, not missing."""
    read = read_response(f'{{"status": "success", "data": {data}}}'.encode())
    assert match_users([customer("john")], read) == Matches({}, (), (customer("john"),), ())
