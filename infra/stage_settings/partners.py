"""The partners of a stage and the issuers of their tokens, as frozen values that are checked when they are built."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from infra.stage_settings.checks import require_fields, require_kinds, require_list
from lookup.api.callers.auth import CLIENT_CLAIM
from lookup.errors import InvalidInput, Misconfigured, require
from lookup.model import Lane
from lookup.partners import NAME, RESERVED_NAMES, WAITING_REQUESTS
from lookup.settings import MAX_WEIGHT
from lookup.webhook_settings import SELECTABLE, parse_url

PARTNER_LIMIT = 50  # audiences of one JWT authoriser (API Gateway quotas); the console's client is one, if there is one
GROUPS_OF_COGNITO = "cognito:groups"
ERASE_MOST = 1000  # identifiers a day of one partner; a stage checks what all of them may have erased
LANES = tuple(lane.value for lane in Lane)

# API Gateway writes a token's list of groups as words between spaces, so a name with a space would be two names.
_GROUP = re.compile(r"[A-Za-z0-9_.:/+=@-]{1,128}")
_CLAIM = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
CLAIM_RULE = "must be 1 to 128 letters, digits or _ . : / -"
_ISSUER = re.compile(r"https://[^\s?#]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where a partner is called back, and for which events. Its first signing key is made with its secret."""

    url: str
    events: tuple[str, ...] = SELECTABLE

    def check(self, setting: str) -> None:
        """Check the address and the events. Raises `Misconfigured`."""
        require_kinds(self, f"{setting}.")
        try:
            parse_url(self.url)
        except InvalidInput as error:
            raise Misconfigured(f"{setting}.url", error.rule) from None
        require_list(self.events, f"{setting}.events")
        known = bool(self.events) and set(self.events) <= set(SELECTABLE) and len(set(self.events)) == len(self.events)
        require(known, f"{setting}.events", f"must be one or more of {', '.join(SELECTABLE)}, each once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """What one partner may request. `fields` of None means all.

    `users_per_day` bounds the partner's use of the quota; None does not. `weight` is its share of what bulk gets.
    `lanes` are `on_demand` (answers at once) and `bulk` (rosters, long lists, schedules). `client_id` is how an issuer
    of your own names the partner; without one the stack makes an app client. `admin` lets that client request the
    operators' scope. `requests_per_second` is what an instance of the function takes of it;
    `waiting_requests` of its own wait for quota at once. People in one of `console_groups` act for it in the console:
    as operators, too, if it is `admin`. With a `webhook` it is called for its events.
    `erase` is how many identifiers a day it may have erased.
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
    console_groups: tuple[str, ...] = ()
    webhook: Webhook | None = None
    erase: int = 0

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
        self._check_groups(f"{setting}.console_groups")
        allowed = 0 <= self.erase <= ERASE_MOST
        require(allowed, f"{setting}.erase", f"must be 0 to {ERASE_MOST} identifiers a day")
        known = bool(self.lanes) and set(self.lanes) <= set(LANES)
        require(known, f"{setting}.lanes", f"must be one or more of {', '.join(LANES)}")
        if self.webhook is not None:
            require(isinstance(self.webhook, Webhook), f"{setting}.webhook", "must be a Webhook, or None")
            self.webhook.check(f"{setting}.webhook")

    def _check_groups(self, setting: str) -> None:
        require_list(self.console_groups, setting)
        unfit = [group for group in self.console_groups if _GROUP.fullmatch(group) is None]
        require(not unfit, setting, f"{unfit} must be 1 to 128 letters, digits or _ . : / + = @ -")
        require(len(set(self.console_groups)) == len(self.console_groups), setting, "must differ")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How people sign in to the console at an issuer of your own: by a public client, with a code and PKCE.

    `client_id` is that client, with the callback `<API>/console`. `groups_claim` of its access tokens lists a person's
    groups. Without `logout_url` signing out only forgets the token.
    """

    client_id: str
    authorize_url: str
    token_url: str
    logout_url: str | None = None
    groups_claim: str = "groups"

    def check(self, partners: Mapping[str, Partner]) -> None:
        """Check it against the partners' own clients. Raises `Misconfigured`."""
        require_kinds(self, "issuer.sign_in.")
        named = re.fullmatch(r"\S+", self.client_id) is not None
        require(named, "issuer.sign_in.client_id", "must be the public client's id")
        own = self.client_id not in Issuer.client_ids(partners)
        require(own, "issuer.sign_in.client_id", "is a partner's: people need a client of their own")
        for name in ("authorize_url", "token_url", "logout_url"):
            url = getattr(self, name)
            is_plain = url is None or _ISSUER.fullmatch(url) is not None
            require(is_plain, f"issuer.sign_in.{name}", f"{url!r} must be an https URL without query")
        is_claim = _CLAIM.fullmatch(self.groups_claim) is not None
        require(is_claim, "issuer.sign_in.groups_claim", CLAIM_RULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An OpenID Connect provider that the partners' tokens come from, instead of a user pool of the stack's own.

    `audiences` are what its tokens name as `aud`; none means that they name the client. `client_claim` is the one claim
    that identifies the client: `client_id` as RFC 9068 has it, with other issuers `azp` or `cid`. Without `sign_in`
    nobody can sign in to the console.
    """

    url: str
    audiences: tuple[str, ...] = ()
    client_claim: str = CLIENT_CLAIM
    sign_in: SignIn | None = None

    def check(self, partners: Mapping[str, Partner]) -> None:
        """Check it against the partners whose tokens it issues. Raises `Misconfigured`."""
        require_kinds(self, "issuer.")
        require_list(self.audiences, "issuer.audiences")
        is_plain = _ISSUER.fullmatch(self.url) is not None
        require(is_plain, "issuer.url", f"{self.url!r} must be an https URL without query, as the tokens' `iss` has it")
        is_claim = re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.client_claim) is not None
        require(is_claim, "issuer.client_claim", "must be 1 to 64 letters, digits, hyphens, underscores or dots")
        require(self.sign_in is None or isinstance(self.sign_in, SignIn), "issuer.sign_in", "must be a SignIn")
        for name, partner in partners.items():
            named = re.fullmatch(r"\S+", partner.client_id or "") is not None
            require(named, f"partners.{name}.client_id", "is required with an issuer of your own")
            of_people = bool(partner.console_groups) and self.sign_in is not None
            rule = "is your issuer's to grant, but for people of console_groups"
            require(of_people or not partner.admin, f"partners.{name}.admin", rule)
            can_sign_in = self.sign_in is not None or not partner.console_groups
            require(can_sign_in, f"partners.{name}.console_groups", "need issuer.sign_in")
        if self.sign_in is not None:
            self.sign_in.check(partners)
        require(len(set(self.client_ids(partners))) == len(partners), "partners", "must differ in client_id")
        require(len(self.audiences) <= PARTNER_LIMIT, "issuer.audiences", f"must be at most {PARTNER_LIMIT}")

    @staticmethod
    def client_ids(partners: Mapping[str, Partner]) -> list[str]:
        """Return the partners' client ids."""
        return [partner.client_id or "" for partner in partners.values()]
