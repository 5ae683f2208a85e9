"""Who calls: the partner and the scopes behind the token that API Gateway has checked already."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup import exact_json
from lookup.api.route_table import ADMIN, PROFILES_ERASE
from lookup.errors import UnknownClient
from lookup.partners import Partner, Partners

CLIENT_CLAIM = "client_id"  # of Cognito's access tokens, and of RFC 9068
SCOPE_CLAIMS = ("scope", "scp")
# Which kind a token of Cognito is (developer guide, "Understanding the access token"); others have no such claim.
KIND_CLAIM, ACCESS_TOKEN = "token_use", "access"
GROUPS_OF_COGNITO = "cognito:groups"
TOKEN = re.compile(r"(?:Bearer )?[\w-]+\.([\w-]+)\.[\w-]+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PeopleClient:
    """The client by which people sign in, and the claim of their tokens that lists their groups."""

    client_id: str
    groups_claim: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: for which partner, with which scopes, by which client; `subject` is a person's `sub`."""

    partner: Partner
    scopes: frozenset[str]
    client_id: str
    subject: str | None = None

    @property
    def is_operator(self) -> bool:
        """Whether the caller may operate the service."""
        return ADMIN in self.scopes


class ClientAuth:
    """Finds the partner of a request by the one claim that identifies a client.

    One, because claims that others may choose, such as `sub` beside `client_id`, would let them choose whom they are.
    The tokens of people name the console's client: their partner is that of their groups. `people` reads that client;
    it is asked for when no partner has the token's client.
    """

    def __init__(
        self, partners: Partners, client_claim: str, people: Callable[[], PeopleClient | None] = lambda: None
    ) -> None:
        self._partners = partners
        self._client_claim = client_claim
        self._people = people

    def of(self, event: Mapping[str, Any]) -> Caller:
        """Return the caller, with the grants of the token's client or the person's groups. Raises `UnknownClient`."""
        claims = _claims(event)
        client_id = claims.get(self._client_claim)
        if not isinstance(client_id, str) or not client_id:
            raise UnknownClient("this client has no grants")
        if claims.get(KIND_CLAIM, ACCESS_TOKEN) != ACCESS_TOKEN:
            raise UnknownClient("this is no access token")
        try:
            return Caller(self._partners.of(client_id), scopes_of(event), client_id)
        except UnknownClient:
            people = self._people()
            if people is None or people.client_id != client_id:
                raise
        return self._person(event, claims, people)

    def _person(self, event: Mapping[str, Any], claims: Mapping[str, Any], people: PeopleClient) -> Caller:
        """Return a person as a caller. All may request every scope of the console's client: the group decides."""
        partner = self._partners.of_groups(_groups(event, claims, people.groups_claim))
        withheld = frozenset[str]() if partner.is_admin else {ADMIN} if partner.erase else {ADMIN, PROFILES_ERASE}
        subject = str(claims.get("sub") or "")
        return Caller(partner, scopes_of(event) - withheld, people.client_id, subject=subject)


def current_caller(app: APIGatewayHttpResolver) -> Caller:
    """Return who sent the request that the app serves, as `ApiHandler` found it."""
    caller: Caller = app.context["caller"]
    return caller


def current_partner(app: APIGatewayHttpResolver) -> Partner:
    """Return the partner whose request the app serves."""
    return current_caller(app).partner


def scopes_of(event: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of the request's token: words between spaces (RFC 6749, 3.3), whatever else they hold.

    API Gateway writes a claim that is a list as `[a b]`.
    """
    claims = _claims(event)
    return frozenset(word for name in SCOPE_CLAIMS for word in _listed(claims.get(name)))


def _groups(event: Mapping[str, Any], claims: Mapping[str, Any], name: str) -> list[str]:
    """Return a person's groups. Raises `UnknownClient` when the token that lists them cannot be read.

    API Gateway writes a list as `[a b]`, and so two groups as one whose name has a space. Cognito takes no such name
    (CreateGroup, `GroupName`); in other issuers anybody may be able to make one that holds a partner's. So of their
    tokens the list is read in the token itself, which API Gateway has verified.
    """
    if name == GROUPS_OF_COGNITO:
        return _listed(claims.get(name))
    token = _token_claims(event)
    if not token or any(token.get(one) != claims.get(one) for one in ("iss", "sub")):
        raise UnknownClient("your groups cannot be read from this token")
    listed = token.get(name)
    return [one for one in (listed if isinstance(listed, list) else [listed]) if isinstance(one, str)]


def _token_claims(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims of the one token in the request's header (RFC 7519), nothing of what is none.

    To be trusted where they are those that API Gateway has verified.
    """
    match = TOKEN.fullmatch(str(event.get("headers", {}).get("authorization", "")))
    if match is None:
        return {}
    try:
        claims = exact_json.loads_unique(urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _listed(claim: object) -> list[str]:
    if isinstance(claim, list):  # as the token has it; API Gateway itself writes texts only
        return [word for word in claim if isinstance(word, str)]
    written = str(claim or "")
    listed = written[1:-1] if written.startswith("[") and written.endswith("]") else written
    return [word for word in listed.split(" ") if word]


def _claims(event: Mapping[str, Any]) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims") or {}
    return claims
