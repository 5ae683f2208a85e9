"""The partners of a stage and the issuers of their tokens, as frozen values that are checked when they are built."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from infra.stage_settings.checks import require_fields, require_kinds, require_list
from lookup.api.auth import CLIENT_CLAIM
from lookup.errors import require
from lookup.model import Lane
from lookup.partners import NAME, RESERVED_NAMES, WAITING_REQUESTS
from lookup.settings import MAX_WEIGHT

PARTNER_LIMIT = 50  # audiences of one JWT authoriser (API Gateway quotas)
LANES = tuple(lane.value for lane in Lane)

_ISSUER = re.compile(r"https://[^\s?#]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """What one partner may request. `fields` of None means all.

    `users_per_day` bounds the partner's use of the quota; None does not. `weight` is its share of what bulk gets.
    `lanes` are `on_demand` (answers at once) and `bulk` (rosters, long lists, schedules). `client_id` is how an issuer
    of your own names the partner; without one the stack makes an app client. `admin` lets that client request the
    operators' scope. `requests_per_second` is what an instance of the function takes of it;
    `waiting_requests` of its own wait for quota at once.
    """

    workspaces: tuple[str, ...] = ("default",)
    fields: tuple[str, ...] | None = None
    users_per_day: int | None = None
    weight: int = 1
    lanes: tuple[str, ...] = LANES
    client_id: str | None = None
    admin: bool = False
    requests_per_second: int = 20
    waiting_requests: int = WAITING_REQUESTS

    def check(self, name: str, workspaces: Mapping[str, Collection[str] | None]) -> None:
        """Check the grants of partner `name`, given what each known workspace exports. Raises `Misconfigured`."""
        require(NAME.fullmatch(name) is not None, "partners", f"{name!r} must match {NAME.pattern}")
        require(name not in RESERVED_NAMES, "partners", f"must not be {', '.join(sorted(RESERVED_NAMES))}")
        setting = f"partners.{name}"
        require_kinds(self, f"{setting}.")
        require_fields(self.fields, f"{setting}.fields")
        for many in ("workspaces", "lanes"):
            require_list(getattr(self, many), f"{setting}.{many}")
        unknown = sorted(set(self.workspaces) - set(workspaces))
        require(bool(self.workspaces), f"{setting}.workspaces", "must name at least one")
        require(not unknown, f"{setting}.workspaces", f"{unknown} are not configured")
        for one in self.workspaces:
            exported = workspaces[one]
            some = self.fields is None or exported is None or set(self.fields) & set(exported)
            require(bool(some), f"{setting}.fields", f"holds none of those that workspace {one!r} exports")
        daily = self.users_per_day is None or self.users_per_day >= 1
        require(daily, f"{setting}.users_per_day", "must be at least 1, or None")
        require(1 <= self.weight <= MAX_WEIGHT, f"{setting}.weight", f"must be 1 to {MAX_WEIGHT}")
        require(self.requests_per_second >= 1, f"{setting}.requests_per_second", "must be at least 1")
        require(self.waiting_requests >= 1, f"{setting}.waiting_requests", "must be at least 1")
        known = bool(self.lanes) and set(self.lanes) <= set(LANES)
        require(known, f"{setting}.lanes", f"must be one or more of {', '.join(LANES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An OpenID Connect provider that the partners' tokens come from, instead of a user pool of the stack's own.

    `audiences` are what its tokens name as `aud`; none means that they name the client. `client_claim` is the one claim
    that identifies the client: `client_id` as RFC 9068 has it, with other issuers `azp` or `cid`.
    """

    url: str
    audiences: tuple[str, ...] = ()
    client_claim: str = CLIENT_CLAIM

    def check(self, partners: Mapping[str, Partner]) -> None:
        """Check it against the partners whose tokens it issues. Raises `Misconfigured`."""
        require_kinds(self, "issuer.")
        require_list(self.audiences, "issuer.audiences")
        is_plain = _ISSUER.fullmatch(self.url) is not None
        require(is_plain, "issuer.url", f"{self.url!r} must be an https URL without query, as the tokens' `iss` has it")
        is_claim = re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.client_claim) is not None
        require(is_claim, "issuer.client_claim", "must be 1 to 64 letters, digits, hyphens, underscores or dots")
        for name, partner in partners.items():
            named = re.fullmatch(r"\S+", partner.client_id or "") is not None
            require(named, f"partners.{name}.client_id", "is required with an issuer of your own")
            require(not partner.admin, f"partners.{name}.admin", "is your issuer's to grant")
        require(len(set(self.client_ids(partners))) == len(partners), "partners", "must differ in client_id")
        require(len(self.audiences) <= PARTNER_LIMIT, "issuer.audiences", f"must be at most {PARTNER_LIMIT}")

    @staticmethod
    def client_ids(partners: Mapping[str, Partner]) -> list[str]:
        """Return the partners' client ids."""
        return [partner.client_id or "" for partner in partners.values()]
