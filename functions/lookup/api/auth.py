"""Who calls: the partner and the scopes behind the token that API Gateway has checked already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup.errors import UnknownClient
from lookup.partners import Partner, Partners

CLIENT_CLAIM = "client_id"  # of Cognito's access tokens, and of RFC 9068
SCOPE_CLAIMS = ("scope", "scp")


class ClientAuth:
    """Finds the partner of a request by the one claim that identifies a client.

    One, because claims that others may choose, such as `sub` beside `client_id`, would let them choose whom they are.
    """

    def __init__(self, partners: Partners, client_claim: str) -> None:
        self._partners = partners
        self._client_claim = client_claim

    def of(self, event: Mapping[str, Any]) -> Partner:
        """Return the caller's grants by the token's client id. Raises `UnknownClient`."""
        client_id = _claims(event).get(self._client_claim)
        if not isinstance(client_id, str) or not client_id:
            raise UnknownClient("this client has no grants")
        return self._partners.of(client_id)


def current_partner(app: APIGatewayHttpResolver) -> Partner:
    """Return the partner whose request the app serves, as `ApiHandler` found it."""
    partner: Partner = app.context["partner"]
    return partner


def scopes_of(event: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of the request's token: words between spaces (RFC 6749, 3.3), whatever else they hold.

    API Gateway writes a claim that is a list as `[a b]`.
    """
    claims = _claims(event)
    return frozenset(word for name in SCOPE_CLAIMS for word in _words(str(claims.get(name) or "")))


def _words(written: str) -> list[str]:
    listed = written[1:-1] if written.startswith("[") and written.endswith("]") else written
    return [word for word in listed.split(" ") if word]


def _claims(event: Mapping[str, Any]) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims") or {}
    return claims
