"""The client of MoEngage against the simulated MoEngage: what is sent, and what is read of a success."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
import urllib3

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID, Fault, Simulator
from lookup.errors import VendorAccessDenied, VendorBadRequest, VendorUnauthorized, VendorWrongShape
from lookup.moengage.client import HOSTS, MoEngage
from lookup.moengage.credentials import DataCenter
from tests.lookup.moengage.calling import CREDENTIALS, NOW, client_of, customer, error_of_call, own

ALICE = [customer("alice")]


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


@pytest.fixture
def client(simulator: Simulator, pool: urllib3.PoolManager) -> MoEngage:
    simulator.set_user("alice", {"name": "Alice", "score": Decimal("0.12345678901234567890123"), "tags": ["a", None]})
    return client_of(simulator, pool)


def test_found_and_missing_together(client: MoEngage, simulator: Simulator) -> None:
    """A success returns whole users, digit for digit, and the unknown identifiers."""
    simulator.set_user("bob", None)
    answer = client.export([customer("alice"), customer("bob")], CREDENTIALS)
    assert [(user["customer_id"], user["score"], user["tags"]) for user in answer.found.values()] == [
        ("alice", Decimal("0.12345678901234567890123"), ["a", None])
    ]
    assert answer.not_found == (customer("bob"),)
    assert answer.fetched_at == NOW


@pytest.mark.parametrize(
    "text", ["a/b", "100%", "a+b", "a#b?c=d&e", "a b", "müller", "東京", "🎉🎉", '"a"', "\\", "x" * 512]
)
def test_identifiers_survive(client: MoEngage, simulator: Simulator, text: str) -> None:
    """Any identifier reaches the vendor as it is."""
    client.export([customer(text)], CREDENTIALS)
    assert simulator.arrivals()[-1].identifiers == (("customer_id", text),)


def test_whole_payload(client: MoEngage, simulator: Simulator) -> None:
    """A call carries 20 identifiers of both types."""
    asked = [customer(f"C-{number}") for number in range(10)] + [own(f"{number:024x}") for number in range(10)]
    client.export(asked, CREDENTIALS)
    assert simulator.arrivals()[-1].users == 20


def test_over_the_limit(client: MoEngage) -> None:
    """More than 20 are the vendor's to refuse; the client retries nothing."""
    client.export(ALICE, CREDENTIALS)
    assert isinstance(error_of_call(client, *[customer(f"C-{number}") for number in range(21)]), VendorBadRequest)


def test_fields(client: MoEngage, simulator: Simulator) -> None:
    """A field list goes out with the two names that pairing needs; without one the key is left out."""
    answer = client.export(ALICE, CREDENTIALS, fields=("name", "id"))
    assert set(answer.found[customer("alice")]) == {"name", "customer_id", "id"}
    client.export(ALICE, CREDENTIALS)
    assert [call.fields for call in simulator.arrivals()] == [("customer_id", "id", "name"), None]


@pytest.mark.parametrize(
    ("chain", "sent"),
    [
        ("203.0.113.195", "203.0.113.195"),
        ("203.0.113.195, 2001:db8::1,unknown", "203.0.113.195, 2001:db8::1,unknown"),
        (None, None),
        ("", None),
        ("203.0.113.195\r\nAuthorization: Basic eA==", None),
        ("mü", None),
        ("1" * 501, None),
    ],
)
def test_forwarded_for(client: MoEngage, simulator: Simulator, chain: str | None, sent: str | None) -> None:
    """The caller's chain of addresses goes on to the vendor; what is no such chain stays here."""
    client.export(ALICE, CREDENTIALS, forwarded_for=chain)
    assert simulator.arrivals()[-1].forwarded_for == sent


@pytest.mark.parametrize("spelling", ["id", "moengage_id"])
def test_spelling_of_the_own_id(simulator: Simulator, pool: urllib3.PoolManager, spelling: str) -> None:
    """MoEngage's own id is written in the spelling that the workspace is set to; customer ids are not."""
    simulator.configure(workspaces={WORKSPACE_ID: {"id_name": spelling}})
    client_of(simulator, pool, id_name=spelling).export([own("62e7"), customer("C-1")], CREDENTIALS)
    assert simulator.arrivals()[-1].identifiers == ((spelling, "62e7"), ("customer_id", "C-1"))


def test_credentials(client: MoEngage, simulator: Simulator) -> None:
    """The workspace id is user name and `app_id`, the key the password: a rejected key has its own error."""
    simulator.rotate_key("another-key")
    assert isinstance(error_of_call(client), VendorUnauthorized)
    client.export(ALICE, replace(CREDENTIALS, data_api_key="another-key"))
    assert simulator.arrivals()[-1].workspace_id == WORKSPACE_ID


def test_awkward_credentials(client: MoEngage, simulator: Simulator) -> None:
    """A workspace id with characters of its own meaning in a URL is escaped."""
    simulator.configure(workspaces={"A&B=C#D/ E+%": {"data_api_key": "k:ey", "quota": {"mode": "off"}}})
    client.export(ALICE, replace(CREDENTIALS, workspace_id="A&B=C#D/ E+%", data_api_key="k:ey"))
    assert simulator.counters("A&B=C#D/ E+%").refusals == {}


def test_wrapped_shape_is_tried_first(client: MoEngage, simulator: Simulator) -> None:
    """The body's keys stand under `data`, and no second call is made when the vendor takes that."""
    simulator.configure(workspaces={WORKSPACE_ID: {"body_shape": "data"}})
    client.export(ALICE, CREDENTIALS)
    assert [call.status for call in simulator.arrivals()] == [200]


def test_other_shape_is_tried_once_and_remembered(client: MoEngage, simulator: Simulator) -> None:
    """A 400 that misses `data` makes the next call use the root, and every later one too."""
    simulator.configure(workspaces={WORKSPACE_ID: {"body_shape": "root"}})
    assert isinstance(error_of_call(client), VendorWrongShape)
    for _ in range(3):
        client.export(ALICE, CREDENTIALS)
    assert [call.status for call in simulator.arrivals()] == [400, 200, 200, 200]


@pytest.mark.parametrize(
    "words",
    [
        {"error_attribute": "data"},
        {"error_attribute": "identifiers"},
        {"error_message": "Required attribute identifiers is missing"},
        {"error_message": "Data is a required field"},
    ],
)
@pytest.mark.parametrize("body", ["json", "problem"])
def test_words_for_a_missing_key(client: MoEngage, simulator: Simulator, words: dict[str, str], body: str) -> None:
    """However the vendor words that a key is missing, the other shape is tried; if that is refused too, no more."""
    if body == "problem":
        words = {"error_message": next(iter(words.values()))}
    simulator.set_faults(Fault(status=400, body="problem" if body == "problem" else "json", **words))  # type: ignore[arg-type]  # the keys are all texts
    assert isinstance(error_of_call(client), VendorWrongShape)
    assert isinstance(error_of_call(client), VendorBadRequest)


def test_a_sure_shape_is_kept(client: MoEngage, simulator: Simulator) -> None:
    """Once a shape has worked, a 400 is about the request, not about the shape."""
    client.export(ALICE, CREDENTIALS)
    simulator.set_faults(Fault(status=400, error_attribute="data", calls=1))
    assert isinstance(error_of_call(client), VendorBadRequest)
    client.export(ALICE, CREDENTIALS)


def test_other_400s_keep_the_shape(client: MoEngage, simulator: Simulator) -> None:
    """A 400 about anything else does not change the shape."""
    simulator.set_faults(Fault(status=400, error_type="InvalidParams", error_message="no such field", calls=1))
    assert isinstance(error_of_call(client), VendorBadRequest)
    client.export(ALICE, CREDENTIALS)
    assert [call.status for call in simulator.arrivals()] == [400, 200]


def test_hosts() -> None:
    """Every data centre has its host, over TLS; 101 has no leading zero."""
    assert set(HOSTS) == set(DataCenter)
    assert HOSTS[DataCenter.DC_101] == "https://api-101.moengage.com"
    assert all(re.fullmatch(rf"https://api-{dc.value}\.moengage\.com", host) for dc, host in HOSTS.items())


def test_mismatch_of_workspace(client: MoEngage, simulator: Simulator) -> None:
    """A refusal by configuration is one that a person must mend."""
    simulator.set_faults(Fault(status=409))
    assert isinstance(
        error_of_call(client, credentials=replace(CREDENTIALS, data_api_key=DATA_API_KEY)), VendorAccessDenied
    )
