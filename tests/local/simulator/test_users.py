"""The synthetic users: the same in every process, of realistic shape, one person under two names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.process import Simulator, instant
from infra.local.simulator.users.attributes import attributes_of
from infra.local.simulator.users.identity import customer_id_of, id_of
from infra.local.simulator.users.population import Population
from tests.local.simulator.calling import Asker, asker

texts = (
    st.text(min_size=1)
    | st.text("0123456789abcdef", min_size=20, max_size=26)
    | st.text(max_size=5).map("moe-{}".format)
)


@settings(deadline=None)
@given(texts)
def test_a_customer_id_leads_to_its_id_and_back(customer_id: str) -> None:
    """Every customer id has one MoEngage id, and that leads back to it."""
    assert customer_id_of(id_of(customer_id)) == customer_id


@settings(deadline=None)
@given(texts)
def test_an_id_leads_to_its_customer_id_and_back(moengage_id: str) -> None:
    """Every text requested as an id names one user, whose id it is."""
    assert id_of(customer_id_of(moengage_id)) == moengage_id


def test_ids_look_like_the_vendors() -> None:
    """The id of a usual customer id has 24 hexadecimal digits, and neighbours do not look alike."""
    first, second = id_of("C-100001"), id_of("C-100002")
    assert re.fullmatch("[0-9a-f]{24}", first)
    assert first[4:12] != second[4:12]


@pytest.fixture
def other() -> Iterator[Asker]:
    with Simulator(config=instant()) as simulator:
        client = asker(simulator.endpoint_url)
        yield client
        client.pool.clear()


def test_two_processes_know_the_same_users(ask: Asker, other: Asker) -> None:
    """Another process gives byte for byte the same answer: who exists, every attribute, the order."""
    asked = [f"customer/{number} é" for number in range(19)] + ["big-1"]
    assert ask(*asked).body == other(*asked).body


def test_both_names_give_the_same_person(ask: Asker) -> None:
    """Asked for by id, a user has the attributes that it has by customer id; a missing one misses by both."""
    names = [f"C-{number}" for number in range(20)]
    by_name = {user["customer_id"]: user for user in ask(*names).users}
    by_id = {user["customer_id"]: user for user in ask(*map(id_of, names), identifier_type="id").users}
    assert by_name == by_id
    assert all(user["id"] == id_of(name) for name, user in by_name.items())


def test_one_in_ten_is_missing() -> None:
    """Of many identifiers the set share does not exist; 0 leaves none out and 1 all."""
    names = [f"C-{number}" for number in range(5000)]
    missing = {
        share: sum(Population(share).find("W", "customer_id", n) is None for n in names) for share in (0, 0.1, 1)
    }
    assert missing[0] == 0
    assert 400 < missing[0.1] < 600
    assert missing[1] == 5000


def _written(name: str) -> str:
    return simplejson.dumps(attributes_of(name))


def test_sizes_vary_about_two_kilobytes() -> None:
    """Half of the users are within 1 to 4 KB around 2 KB, and one in ten or so is much larger."""
    sizes = sorted(len(_written(f"C-{number}")) for number in range(1000))
    assert 1500 < sizes[500] < 3000
    assert sizes[0] < 1200
    assert sizes[-1] > 10_000


def test_a_big_user_is_over_400_kilobytes(ask: Asker) -> None:
    """Customer ids and ids that start with `big-` give profiles that no DynamoDB item can hold."""
    assert len(ask("big-7").body) > 400 * 1024
    assert len(ask("big-7", identifier_type="id").body) > 400 * 1024


def _walk(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(inner)


def test_attributes_are_of_every_kind() -> None:
    """Users hold each JSON type, numbers of more digits than a float has, unicode, and the vendor's short names."""
    users = [simplejson.loads(_written(f"C-{number}"), use_decimal=True) for number in range(200)]
    values = [value for user in users for value in _walk(user)]
    assert {type(value) for value in values} == {str, int, bool, type(None), list, dict, Decimal}
    assert any(isinstance(value, Decimal) and len(value.as_tuple().digits) > 25 for value in values)
    assert any(isinstance(value, str) and not value.isascii() for value in values)
    short = {"customer_id", "id", "uid", "u_em", "u_mb", "u_n", "u_fn", "u_ln", "u_gd", "u_bd", "u_l_a", "cr_t"}
    assert all(short <= user.keys() for user in users)
    assert len({type(user["loyalty_value"]) for user in users if "loyalty_value" in user}) > 2


def test_a_version_changes_some_attributes() -> None:
    """A later version of a user differs in a few attributes, the same ones in every process, and keeps the others."""
    before, after = (simplejson.loads(simplejson.dumps(attributes_of("C-1", version))) for version in (0, 1))
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert {"u_l_a", "session_count"} <= changed <= {"u_l_a", "session_count", "t_rev", "last_city"}
