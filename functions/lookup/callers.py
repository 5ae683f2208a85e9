"""Who calls: the partner behind the token that API Gateway has checked already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookup.errors import Forbidden
from lookup.partners import Partner, Partners


class Callers:
    """Finds the partner of a request."""

    def __init__(self, partners: Partners) -> None:
        self._partners = partners

    def of(self, event: Mapping[str, Any]) -> Partner:
        """Give the caller's grants by the token's client id. Raises `Forbidden`."""
        claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
        client_id = claims.get("client_id") or claims.get("azp") or claims.get("sub")
        if not isinstance(client_id, str):
            raise Forbidden("this client has no grants")
        return self._partners.of(client_id)
