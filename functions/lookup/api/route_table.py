"""Every route of the HTTP API with its scope: the template is made of it, and requests are checked by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROFILES_READ, PROFILES_ERASE = "profiles/read", "profiles/erase"
LOOKUPS_WRITE, SCHEDULES_WRITE = "lookups/write", "schedules/write"
# Cognito writes a scope as <resource server>/<scope>, so the operators' scope cannot be the bare word.
ADMIN = "service/admin"


@dataclass(frozen=True, slots=True)
class Route:
    """One route: method, path as API Gateway writes it, scope; a body that it does not take is not looked at."""

    method: str
    path: str
    scope: str
    takes_body: bool = False

    @property
    def key(self) -> str:
        """API Gateway's route key."""
        return f"{self.method} {self.path}"


ROUTES = (
    Route("GET", "/v1/profiles", PROFILES_READ),
    Route("GET", "/v1/profiles/{identifier_type}/{identifier+}", PROFILES_READ),
    Route("POST", "/v1/rosters", LOOKUPS_WRITE, takes_body=True),
    Route("DELETE", "/v1/rosters/{roster_id}", LOOKUPS_WRITE),
    Route("POST", "/v1/rosters/{roster_id}/preview", LOOKUPS_WRITE),
    Route("POST", "/v1/lookups", LOOKUPS_WRITE, takes_body=True),
    Route("GET", "/v1/lookups", PROFILES_READ),
    Route("GET", "/v1/lookups/{lookup_id}", PROFILES_READ),
    Route("PATCH", "/v1/lookups/{lookup_id}", LOOKUPS_WRITE, takes_body=True),
    Route("GET", "/v1/lookups/{lookup_id}/results", PROFILES_READ),
    Route("GET", "/v1/lookups/{lookup_id}/results/{file}", PROFILES_READ),
    Route("POST", "/v1/lookups/{lookup_id}/exports", PROFILES_READ, takes_body=True),
    Route("GET", "/v1/schedules", SCHEDULES_WRITE),
    Route("PUT", "/v1/schedules/{name}", SCHEDULES_WRITE, takes_body=True),
    Route("GET", "/v1/schedules/{name}", SCHEDULES_WRITE),
    Route("DELETE", "/v1/schedules/{name}", SCHEDULES_WRITE),
    Route("GET", "/v1/quota", PROFILES_READ),
    Route("GET", "/v1/grants", PROFILES_READ),
    Route("POST", "/v1/erasures", PROFILES_ERASE, takes_body=True),
    Route("GET", "/v1/erasures/{erasure_id}", PROFILES_ERASE),
    Route("GET", "/v1/webhooks/deliveries", PROFILES_READ),
    Route("POST", "/v1/webhooks/test", LOOKUPS_WRITE),
    Route("GET", "/v1/operator/partners", ADMIN),
    Route("GET", "/v1/operator/lookups", ADMIN),
    Route("GET", "/v1/operator/lookups/{lookup_id}", ADMIN),
    Route("GET", "/v1/operator/dead-letters", ADMIN),
    Route("POST", "/v1/operator/gate", ADMIN, takes_body=True),
    Route("POST", "/v1/operator/redrive", ADMIN, takes_body=True),
)
# What everybody may read: the OpenAPI document, Swagger UI over it, and the files of the console, which hold no data.
DOCUMENTATION_KEYS = frozenset({"GET /openapi.json", "GET /docs", "GET /docs/{asset}"})
CONSOLE_KEYS = frozenset(f"{method} {path}" for method in ("GET", "HEAD") for path in ("/console", "/console/{asset}"))
PAGE_KEYS = DOCUMENTATION_KEYS | CONSOLE_KEYS
BY_KEY: Mapping[str, Route] = {route.key: route for route in ROUTES}
