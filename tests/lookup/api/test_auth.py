"""Who calls: the partner behind the one claim that names a client, and the scopes of its token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lookup.api.auth import ClientAuth, scopes_of
from lookup.errors import UnknownClient
from lookup.partners import Partners
from tests.lookup.stage import Stage

GRANTS = {"crm-client": {"name": "crm"}, "victim-client": {"name": "victim"}}


def event(**claims: object) -> dict[str, Any]:
    """Make a request whose token has these claims."""
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


@pytest.fixture
def partners(stage: Stage) -> Partners:
    name = stage.settings.partners_parameter_name
    ssm = stage.session.client("ssm")
    ssm.put_parameter(Name=name, Value=json.dumps(GRANTS), Type="String")
    return Partners(ssm, name, lambda: 0.0)


@pytest.mark.parametrize("claim", ["client_id", "azp", "cid", "sub"])
def test_one_claim_names_the_client(partners: Partners, claim: str) -> None:
    """Whatever other claims hold, only the one that the setting names is read; without it there is no identity."""
    callers = ClientAuth(partners, claim)
    others = {name: "victim-client" for name in ("client_id", "azp", "cid", "sub", "email") if name != claim}
    assert callers.of(event(**{claim: "crm-client"} | others)).name == "crm"
    for missing in (others, others | {claim: ""}, others | {claim: None}, others | {claim: ["crm-client"]}, {}):
        with pytest.raises(UnknownClient):
            callers.of(event(**missing))


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "profiles/read lookups/write"}, {"profiles/read", "lookups/write"}),
        ({"scp": "[profiles/read lookups/write]"}, {"profiles/read", "lookups/write"}),
        ({"scope": "profiles/read", "scp": "[lookups/write]"}, {"profiles/read", "lookups/write"}),
        ({"scope": "x,service/admin"}, {"x,service/admin"}),
        ({"scope": "x[service/admin]"}, {"x[service/admin]"}),
        ({"scope": "x\tservice/admin"}, {"x\tservice/admin"}),
        ({"scope": 'x"service/admin'}, {'x"service/admin'}),
        ({"scope": "  profiles/read  "}, {"profiles/read"}),
        ({"scope": None, "scp": ""}, set()),
    ],
)
def test_scopes_are_split_at_spaces(claims: dict[str, object], scopes: set[str]) -> None:
    """A scope that holds a comma, a bracket or a quotation mark is one scope, and opens nothing that is part of it."""
    assert scopes_of(event(**claims)) == scopes
