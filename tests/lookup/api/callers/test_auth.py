"""Who calls: the partner behind the one claim that names a client, and the scopes of its token."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from lookup.api.callers.auth import ClientAuth, PeopleClient, scopes_of
from lookup.errors import UnknownClient
from lookup.partners import Partners
from tests.lookup.stage import Stage

GRANTS = {
    "crm-client": {"name": "crm", "groups": ["sales", "sales.emea"]},
    "victim-client": {"name": "victim", "groups": ["victims"]},
    "ops-client": {"name": "ops", "groups": ["operators"], "admin": True},
}
PEOPLE = PeopleClient("console", "cognito:groups")


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
    assert callers.of(event(**{claim: "crm-client"} | others)).partner.name == "crm"
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


def person(groups: object, **claims: object) -> dict[str, Any]:
    """Make a request of somebody who has signed in to the console."""
    token = {"client_id": "console", "sub": "12d5", "token_use": "access", "cognito:groups": groups}
    return event(**token | {"scope": "profiles/read service/admin"} | claims)


@pytest.mark.parametrize(
    ("groups", "name"),
    [("[sales]", "crm"), ("[sales sales.emea others]", "crm"), ("sales", "crm"), ("[operators]", "ops")],
)
def test_groups_name_a_persons_partner(partners: Partners, groups: str, name: str) -> None:
    """A person acts for the one partner that any of its groups belongs to, and is known by its subject."""
    caller = ClientAuth(partners, "client_id", lambda: PEOPLE).of(person(groups))
    assert (caller.partner.name, caller.client_id, caller.subject) == (name, "console", "12d5")


def token_of(**claims: object) -> str:
    """Write a token as an issuer does; API Gateway has verified its signature."""
    parts = (json.dumps({"alg": "RS256"}), json.dumps(claims), "signature")
    return ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize(
    ("groups", "written", "name"),
    [
        (["sales"], "[sales]", "crm"),
        ("sales", "sales", "crm"),
        (["others", "sales.emea"], "[others sales.emea]", "crm"),
        (["no operators"], "[no operators]", None),
        ("friends of operators", "friends of operators", None),
        (["[operators]"], "[[operators]]", None),
        ("[operators]", "[operators]", None),
        (["sales", "my operators"], "[sales my operators]", "crm"),
        (["sales", "victims"], "[sales victims]", None),
        ([["operators"], 7], "[[operators] 7]", None),
        (None, "", None),
    ],
)
def test_a_group_of_another_issuer_is_one_name(
    partners: Partners, groups: object, written: str, name: str | None
) -> None:
    """API Gateway writes a name with a space as two: whoever is in a group named so is in no other by that."""
    callers = ClientAuth(partners, "azp", lambda: PeopleClient("console", "groups"))
    claims = {"azp": "console", "iss": "https://id.example.com", "sub": "12d5", "groups": written}
    request = event(**claims) | {"headers": {"authorization": f"Bearer {token_of(**claims | {'groups': groups})}"}}
    if name is None:
        with pytest.raises(UnknownClient):
            callers.of(request)
    else:
        assert callers.of(request).partner.name == name


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Bearer a.b.c", "{good},{good}", "{good} {good}", "{other}", "a.W10.c"]
)
def test_groups_are_read_in_the_one_token_that_was_verified(partners: Partners, header: str) -> None:
    """Without that token in the header, or with another beside it, a person of another issuer has no groups."""
    callers = ClientAuth(partners, "azp", lambda: PeopleClient("console", "groups"))
    claims: dict[str, object] = {"azp": "console", "iss": "https://id.example.com", "sub": "12d5", "groups": "[sales]"}
    good, other = (f"Bearer {token_of(**claims | {'sub': sub, 'groups': ['sales']})}" for sub in ("12d5", "9"))
    sent = header.replace("{good}", good).replace("{other}", other)
    with pytest.raises(UnknownClient):
        callers.of(event(**claims) | {"headers": {"authorization": sent}})
    assert callers.of(event(**claims) | {"headers": {"authorization": good}}).partner.name == "crm"


@pytest.mark.parametrize(
    "groups",
    ["", None, "[]", "[others]", "[sales victims]", "[Sales]", "[sales,victims]", "[sale]", "[[sales]]", "crm", "*"],
)
def test_people_of_no_group_or_of_several_partners_are_nobody(partners: Partners, groups: object) -> None:
    """Whoever is in no partner's group, or in those of two, has no grants; names are compared as they are."""
    with pytest.raises(UnknownClient):
        ClientAuth(partners, "client_id", lambda: PEOPLE).of(person(groups))


def test_groups_count_in_tokens_of_the_consoles_client_only(partners: Partners) -> None:
    """A partner's own client stays that partner, whatever groups its token claims; a stranger's stays a stranger."""
    callers = ClientAuth(partners, "client_id", lambda: PEOPLE)
    assert callers.of(person("[operators]", client_id="crm-client")).partner.name == "crm"
    for claims in ({"client_id": "other"}, {"token_use": "id"}):
        with pytest.raises(UnknownClient):
            callers.of(person("[operators]", **claims))
    with pytest.raises(UnknownClient):
        ClientAuth(partners, "client_id").of(person("[operators]"))


def test_a_person_is_an_operator_with_scope_and_group(partners: Partners) -> None:
    """The scope that everybody may request makes an operator of people whose partner is admin, and of nobody else."""
    callers = ClientAuth(partners, "client_id", lambda: PEOPLE)
    assert callers.of(person("[operators]")).is_operator
    assert not callers.of(person("[operators]", scope="profiles/read")).is_operator
    assert callers.of(person("[sales]")).scopes == {"profiles/read"}
