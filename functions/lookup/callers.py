"""Who calls: the partner and the scopes behind the token that API Gateway has checked already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lookup.errors import UnknownClient
from lookup.partners import Partner, Partners

# Where issuers write the client: Cognito, OpenID Connect's `azp`, Okta; at last the token's subject.
CLIENT_CLAIMS = ("client_id", "azp", "cid", "sub")
SCOPE_CLAIMS = ("scope", "scp")
WORD = re.compile(r"[^\s\[\],\"]+")  # API Gateway writes a claim that is a list as `[a b]`


class Callers:
    """Finds the partner of a request."""

    def __init__(self, partners: Partners) -> None:
        self._partners = partners

    def of(self, event: Mapping[str, Any]) -> Partner:
        """Give the caller's grants by the token's client id. Raises `UnknownClient`."""
        claims = _claims(event)
        client_id = next((claims[name] for name in CLIENT_CLAIMS if claims.get(name)), None)
        if not isinstance(client_id, str):
            raise UnknownClient("this client has no grants")
        return self._partners.of(client_id)


def scopes_of(event: Mapping[str, Any]) -> frozenset[str]:
    """Give the scopes of the request's token."""
    claims = _claims(event)
    return frozenset(word for name in SCOPE_CLAIMS for word in WORD.findall(str(claims.get(name) or "")))


def _claims(event: Mapping[str, Any]) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims") or {}
    return claims
