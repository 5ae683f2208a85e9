"""Partners: grants read from one parameter, believed for a minute, and never half understood."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import boto3
import pytest

from lookup.errors import Forbidden, Misconfigured, NotExported
from lookup.model import Lane
from lookup.partners import Partner, Partners
from lookup.settings import Workspace
from tests.lookup.services import FakeClock
from tests.lookup.stage import Stage

NAME = "/moengage-lookup/test/partners"
Write = Callable[[object], None]


@pytest.fixture
def write(aws: boto3.Session) -> Write:
    """Write the parameter: a text as it is, anything else as JSON."""

    def put(value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        aws.client("ssm").put_parameter(Name=NAME, Value=text, Type="String", Overwrite=True)

    return put


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def partners(aws: boto3.Session, clock: FakeClock) -> Partners:
    return Partners(aws.client("ssm"), NAME, clock)


def test_grants(partners: Partners, write: Write) -> None:
    """All grants are read; what is not written has its default."""
    full = {"name": "acme", "workspaces": ["eu"], "fields": ["city"], "users_per_day": 500, "weight": 3}
    full |= {"lanes": ["bulk"]}
    write({"client-1": full, "client-2": {"name": "other"}})
    assert partners.of("client-1") == Partner("acme", ("eu",), ("city",), 500, 3, (Lane.BULK,))
    assert partners.of("client-2") == Partner("other", ("default",), None, None, 1)


def test_an_unknown_client(partners: Partners, write: Write) -> None:
    """A client without grants is refused."""
    write({})
    with pytest.raises(Forbidden, match="no grants"):
        partners.of("client-1")


def test_grants_are_believed_for_a_minute(partners: Partners, write: Write, clock: FakeClock) -> None:
    """A change takes effect within 60 seconds, and not at every call."""
    write({"client-1": {"name": "acme", "weight": 1}})
    assert partners.of("client-1").weight == 1
    write({"client-1": {"name": "acme", "weight": 2}})
    clock.now += 59
    assert partners.of("client-1").weight == 1
    clock.now += 1
    assert partners.of("client-1").weight == 2


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        "null",
        {"client-1": None},
        {"client-1": {}},
        {"client-1": {"name": 7}},
        {"client-1": {"name": ""}},
        {"client-1": {"name": "acme", "workspaces": "default"}},
        {"client-1": {"name": "acme", "fields": "city"}},
        {"client-1": {"name": "acme", "fields": [1]}},
        {"client-1": {"name": "acme", "weight": 0}},
        {"client-1": {"name": "acme", "weight": -3}},
        {"client-1": {"name": "acme", "weight": "heavy"}},
        {"client-1": {"name": "acme", "weight": True}},
        {"client-1": {"name": "acme", "users_per_day": "many"}},
        {"client-1": {"name": "acme", "lanes": ["fast"]}},
        {"client-1": {"name": "acme", "fields": []}},
        {"client-1": {"name": "acme", "workspaces": []}},
        {"client-1": {"name": "acme", "lanes": []}},
        {"client-1": {"name": "acme", "weight": 1001}},
        *({"client-1": {"name": name}} for name in ("operator", "inline", "unpacked")),
        *({"client-1": {"name": name}} for name in ("acme/eu", "acme.nightly", "#intake", "Acme", "acme\n", "a" * 34)),
    ],
)
def test_a_broken_parameter(partners: Partners, write: Write, broken: object) -> None:
    """An invalid parameter is a configuration error, and no partner is authorized."""
    write(broken)
    with pytest.raises(Misconfigured, match=NAME):
        partners.of("client-1")


def test_no_parameter(partners: Partners) -> None:
    """A stage without the parameter reports which one is missing."""
    with pytest.raises(Misconfigured, match=NAME):
        partners.of("client-1")


def test_what_is_granted(stage: Stage) -> None:
    """Fields and workspaces that are not granted are named to the caller alone; no wish means all that is granted."""
    settings = replace(stage.settings, workspaces={name: Workspace("secret") for name in ("eu", "default")})
    partner = Partner("acme", workspaces=("eu",), fields=("city", "name"))
    assert partner.granted_fields("eu", None, settings) == ("city", "name")
    assert partner.granted_fields("eu", ("city",), settings) == ("city",)
    assert Partner("acme").granted_fields("default", ("any",), settings) == ("any",)
    with pytest.raises(Forbidden, match=r"^a field is not granted$") as caught:
        partner.granted_fields("eu", ("city", "email"), settings)
    assert caught.value.sender_message == "field 'email' is not granted"
    with pytest.raises(Forbidden, match=r"^this workspace is not granted$") as caught:
        partner.granted_fields("default", None, settings)
    assert caught.value.sender_message == "workspace 'default' is not granted"


def test_granted_fields_that_the_workspace_does_not_export(stage: Stage) -> None:
    """Without a field list the fields both granted and exported are used; with none, no call is made."""
    settings = replace(stage.settings, workspaces={"default": Workspace("secret", fields=("city", "tier"))})
    assert Partner("acme", fields=("city", "name")).granted_fields("default", None, settings) == ("city",)
    with pytest.raises(Forbidden, match="exports no field that is granted"):
        Partner("acme", fields=("name",)).granted_fields("default", None, settings)
    with pytest.raises(NotExported, match=r"^fields: holds a field that is not exported") as refused:
        Partner("acme").granted_fields("default", ("city", "name"), settings)
    assert refused.value.sender_message == "fields: 'name' is not exported from workspace 'default'"


def test_lanes() -> None:
    """A lane that is not granted is named."""
    Partner("acme", lanes=(Lane.BULK,)).check_lane(Lane.BULK)
    with pytest.raises(Forbidden, match="lane 'bulk' is not granted"):
        Partner("acme", lanes=(Lane.ON_DEMAND,)).check_lane(Lane.BULK)
