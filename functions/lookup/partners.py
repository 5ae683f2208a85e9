"""Partners and their grants. The grants are in one SSM parameter, so a change needs no deployment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookup import exact_json
from lookup.errors import Forbidden, InvalidInput, Misconfigured, NotExported, UnknownClient
from lookup.model import Clock, Lane
from lookup.settings import MAX_WEIGHT, Settings
from lookup.webhook_settings import Webhook, parse_webhook

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

CACHED_SECONDS = 60.0
WAITING_REQUESTS = 10  # of one partner that wait for quota at once
# A name is part of keys in S3 and the ledger, and with a dot and a schedule's name of 30 one of the Scheduler's 64.
NAME = re.compile(r"[a-z][a-z0-9-]{0,32}")
# The owner of the stage's own schedules, and prefixes below `rosters/`.
OPERATOR = "operator"
RESERVED_NAMES = frozenset({OPERATOR, "inline", "unpacked"})


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner's grants. Of `fields`, `users_per_day` and `requests_per_second` None means no limit of its own.

    `lanes` are those it may use: `on_demand` for responses at once, `bulk` for rosters, long lists and schedules.
    At most `waiting_requests` of its requests wait for quota at once, and `erase` identifiers a day may be erased for
    it. People of these `groups` act for it in the console; they may operate the service if `is_admin`. With a
    `webhook` it is called for its events.
    """

    name: str
    workspaces: tuple[str, ...] = ("default",)
    fields: tuple[str, ...] | None = None
    users_per_day: int | None = None
    weight: int = 1
    lanes: tuple[Lane, ...] = (Lane.ON_DEMAND, Lane.BULK)
    requests_per_second: int | None = None
    waiting_requests: int = WAITING_REQUESTS
    erase: int = 0
    groups: tuple[str, ...] = ()
    is_admin: bool = False
    webhook: Webhook | None = None

    @property
    def is_operator(self) -> bool:
        """Whether it owns the stage's own schedules; partners cannot have this name."""
        return self.name == OPERATOR

    def check_workspace(self, workspace: str) -> None:
        """Raise `Forbidden` unless this workspace is granted."""
        if workspace not in self.workspaces:
            raise Forbidden("this workspace is not granted", sender_message=f"workspace {workspace!r} is not granted")

    def granted_fields(
        self, workspace: str, fields: tuple[str, ...] | None, settings: Settings
    ) -> tuple[str, ...] | None:
        """Return the fields to request: `fields`, or all that are granted and that the workspace exports.

        Raises `Forbidden` naming the workspace or field that is not granted, `UnknownWorkspace`, and `NotExported`
        when the workspace does not export a field.
        """
        self.check_workspace(workspace)
        exported = settings.workspace(workspace).fields
        if fields is None:
            return self._all_granted(workspace, exported)
        self._check_fields(fields)
        denied = [] if exported is None else sorted(set(fields) - set(exported))
        if denied:
            raise NotExported(sender_rule=f"{denied[0]!r} is not exported from workspace {workspace!r}")
        return fields

    def visible_fields(self, exported: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Return the fields that may be requested of a workspace that exports these; None: all, whatever they are."""
        if self.fields is None or exported is None:
            return exported if self.fields is None else self.fields
        return tuple(name for name in self.fields if name in exported)

    def check_visible(self, workspace: str, fields: tuple[str, ...] | None) -> None:
        """Raise `Forbidden` unless results with these fields, fetched under other grants, are granted."""
        self.check_workspace(workspace)
        if fields is None and self.fields is not None:
            raise Forbidden("all fields were fetched, and not all are granted")
        self._check_fields(fields or ())

    def _check_fields(self, fields: tuple[str, ...]) -> None:
        denied = [] if self.fields is None else sorted(set(fields) - set(self.fields))
        if denied:
            raise Forbidden("a field is not granted", sender_message=f"field {denied[0]!r} is not granted")

    def _all_granted(self, workspace: str, exported: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if self.fields is None or exported is None:
            return self.fields
        usable = self.visible_fields(exported)
        if not usable:  # no field would mean every field
            message = f"workspace {workspace!r} exports no field that is granted"
            raise Forbidden("this workspace exports no field that is granted", sender_message=message)
        return usable

    def check_lane(self, lane: Lane) -> None:
        """Raise `Forbidden` unless this lane is granted."""
        if lane not in self.lanes:
            raise Forbidden(f"lane {lane.value!r} is not granted")


def operator(workspace: str, weight: int) -> Partner:
    """Return the owner of the stage's own schedules, which no grant or limit restricts."""
    return Partner(OPERATOR, (workspace,), weight=weight)


class Partners:
    """The grants by client id.

    `{"<client id>": {"name", "workspaces", "fields", "users_per_day", "weight", "lanes",
    "requests_per_second", "waiting_requests", "groups", "admin", "erase",
    "webhook": {"url", "events", "secret_id"}}}`
    """

    def __init__(self, client: SSMClient, parameter_name: str, clock: Clock) -> None:
        self._client = client
        self._name = parameter_name
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Mapping[str, Partner] = {}

    def of(self, client_id: str) -> Partner:
        """Return a client's grants. Raises `UnknownClient`, and `Misconfigured` when the parameter is broken."""
        known = self._current()
        if client_id not in known:
            raise UnknownClient("this client has no grants")
        return known[client_id]

    def by_name(self, name: str) -> Partner:
        """Return a partner's grants by its name, those of its first client. Raises as `of` does."""
        for partner in self._current().values():
            if partner.name == name:
                return partner
        raise UnknownClient("this partner has no grants")

    def of_groups(self, groups: Collection[str]) -> Partner:
        """Return the one partner that people of these groups act for. Raises `UnknownClient` for none and for several.

        Whoever is in groups of several partners would have to be asked for whom they act now: the operator decides.
        """
        found = [partner for partner in self._current().values() if not set(groups).isdisjoint(partner.groups)]
        if not found:
            raise UnknownClient("you are in no group that may use this service")
        if len({partner.name for partner in found}) > 1:
            raise UnknownClient("you are in groups of several partners: only one can be acted for")
        return found[0]

    def all(self) -> list[Partner]:
        """Return the grants of every client. Raises as `of` does."""
        return list(self._current().values())

    def _current(self) -> Mapping[str, Partner]:
        if self._clock() - self._read_at >= CACHED_SECONDS:
            self._known = self._read()
            self._read_at = self._clock()
        return self._known

    def _read(self) -> Mapping[str, Partner]:
        try:
            read = exact_json.loads_unique(self._client.get_parameter(Name=self._name)["Parameter"]["Value"])
            return {client_id: _partner(grants) for client_id, grants in read.items()}  # type: ignore[union-attr]  # caught
        except (
            self._client.exceptions.ParameterNotFound,
            InvalidInput,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
        ) as error:
            raise Misconfigured("partners", f"parameter {self._name} is unreadable ({type(error).__name__})") from None


def _partner(grants: Any) -> Partner:  # noqa: ANN401 - parsed JSON; wrong types raise TypeError
    fields = grants.get("fields")
    return Partner(
        name=_name(grants["name"]),
        workspaces=_texts(grants.get("workspaces", ["default"])),
        fields=None if fields is None else _texts(fields),
        users_per_day=_optional(grants.get("users_per_day"), 0),
        weight=_weight(grants.get("weight", 1)),
        lanes=tuple(map(Lane, _texts(grants.get("lanes", list(Lane))))),
        requests_per_second=_optional(grants.get("requests_per_second"), 1),
        waiting_requests=_number(grants.get("waiting_requests", WAITING_REQUESTS), 1),
        erase=_number(grants.get("erase", 0), 0),
        groups=_texts(grants["groups"]) if "groups" in grants else (),
        is_admin=_flag(grants.get("admin", False)),
        webhook=None if grants.get("webhook") is None else parse_webhook(grants["webhook"]),
    )


def _name(value: Any) -> str:  # noqa: ANN401 - as above
    (name,) = _texts([value])
    if NAME.fullmatch(name) is None or name in RESERVED_NAMES:
        raise ValueError
    return name


def _weight(value: Any) -> int:  # noqa: ANN401 - as above
    if _number(value, 1) > MAX_WEIGHT:
        raise ValueError
    return int(value)


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    # No stage writes an empty list: read as a missing one, it would grant everything.
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise TypeError
    return tuple(value)


def _flag(value: Any) -> bool:  # noqa: ANN401 - as above
    if not isinstance(value, bool):
        raise TypeError
    return value


def _optional(value: Any, least: int) -> int | None:  # noqa: ANN401 - as above
    return None if value is None else _number(value, least)


def _number(value: Any, least: int) -> int:  # noqa: ANN401 - as above
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TypeError
    return value
