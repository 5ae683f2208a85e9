"""Partners: who may ask for what. The grants lie in one SSM parameter, so changing them is no deploy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookup import exact_json
from lookup.errors import Forbidden, Misconfigured, NotExported, UnknownClient
from lookup.model import Clock, Lane
from lookup.settings import HEAVIEST, Settings

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

CACHED_SECONDS = 60.0
WAITING_REQUESTS = 10  # of one partner that wait for quota at once
# A name is part of keys in S3 and the ledger, and with a dot and a schedule's name of 30 one of the Scheduler's 64.
NAME = re.compile(r"[a-z][a-z0-9-]{0,32}")
# Names that mean something else: whose lookups those of the stage's schedules are, and prefixes below `rosters/`.
NO_PARTNERS = frozenset({"operator", "inline", "unpacked"})


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner's grants. Of `fields`, `users_per_day` and `requests_per_second` None means no limit of its own.

    `lanes` say how it may ask: `on_demand` for answers at once, `bulk` for rosters, long lists and schedules.
    At most `waiting_requests` of it wait for quota at once.
    """

    name: str
    workspaces: tuple[str, ...] = ("default",)
    fields: tuple[str, ...] | None = None
    users_per_day: int | None = None
    weight: int = 1
    lanes: tuple[Lane, ...] = (Lane.ON_DEMAND, Lane.BULK)
    requests_per_second: int | None = None
    waiting_requests: int = WAITING_REQUESTS

    def enter(self, workspace: str) -> None:
        """Let pass who may ask for this workspace. Raises `Forbidden`."""
        if workspace not in self.workspaces:
            raise Forbidden("this workspace is not granted", told=f"workspace {workspace!r} is not granted")

    def granted(self, workspace: str, fields: tuple[str, ...] | None, settings: Settings) -> tuple[str, ...] | None:
        """Give the fields to ask for: those wished, or all that are granted and that the workspace exports.

        Raises `Forbidden` naming the workspace or field that is not granted, `UnknownWorkspace`, and `NotExported`
        when the workspace does not export a field: no part of a lookup could ever ask for it.
        """
        self.enter(workspace)
        exported = settings.workspace(workspace).fields
        if fields is None:
            return self._all(workspace, exported)
        self._check(fields)
        barred = [] if exported is None else sorted(set(fields) - set(exported))
        if barred:
            told = f"{barred[0]!r} is not exported from workspace {workspace!r}"
            raise NotExported(told_rule=told)
        return fields

    def see(self, workspace: str, fields: tuple[str, ...] | None) -> None:
        """Let pass who may see what was fetched under other grants, with these fields. Raises `Forbidden`."""
        self.enter(workspace)
        if fields is None and self.fields is not None:
            raise Forbidden("all fields were fetched, and not all are granted")
        self._check(fields or ())

    def _check(self, fields: tuple[str, ...]) -> None:
        barred = [] if self.fields is None else sorted(set(fields) - set(self.fields))
        if barred:
            raise Forbidden("a field is not granted", told=f"field {barred[0]!r} is not granted")

    def _all(self, workspace: str, exported: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if self.fields is None or exported is None:
            return self.fields
        usable = tuple(name for name in self.fields if name in exported)
        if not usable:  # no field would mean every field
            told = f"workspace {workspace!r} exports no field that is granted"
            raise Forbidden("this workspace exports no field that is granted", told=told)
        return usable

    def require(self, lane: Lane) -> None:
        """Let pass who may ask in this lane. Raises `Forbidden`."""
        if lane not in self.lanes:
            raise Forbidden(f"lane {lane.value!r} is not granted")


class Partners:
    """The grants by client id.

    `{"<client id>": {"name", "workspaces", "fields", "users_per_day", "weight", "lanes",
    "requests_per_second", "waiting_requests"}}`
    """

    def __init__(self, client: SSMClient, parameter_name: str, clock: Clock) -> None:
        self._client = client
        self._name = parameter_name
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Mapping[str, Partner] = {}

    def of(self, client_id: str) -> Partner:
        """Give a client's grants. Raises `UnknownClient`, and `Misconfigured` when the parameter is broken."""
        known = self._present()
        if client_id not in known:
            raise UnknownClient("this client has no grants")
        return known[client_id]

    def named(self, name: str) -> Partner:
        """Give a partner's grants by its name, of several clients the first one's. Raises as `of` does."""
        for partner in self._present().values():
            if partner.name == name:
                return partner
        raise UnknownClient("this partner has no grants")

    def _present(self) -> Mapping[str, Partner]:
        if self._clock() - self._read_at >= CACHED_SECONDS:
            self._known = self._read()
            self._read_at = self._clock()
        return self._known

    def _read(self) -> Mapping[str, Partner]:
        try:
            read = exact_json.loads_unique(self._client.get_parameter(Name=self._name)["Parameter"]["Value"])
            return {client_id: _partner(grants) for client_id, grants in read.items()}  # type: ignore[union-attr]  # caught
        except (self._client.exceptions.ParameterNotFound, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Misconfigured("partners", f"parameter {self._name} is unreadable ({type(error).__name__})") from None


def _partner(grants: Any) -> Partner:  # noqa: ANN401 - whatever the parameter holds; wrong types raise TypeError
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
    )


def _name(value: Any) -> str:  # noqa: ANN401 - as above
    (name,) = _texts([value])
    if NAME.fullmatch(name) is None or name in NO_PARTNERS:
        raise ValueError
    return name


def _weight(value: Any) -> int:  # noqa: ANN401 - as above
    if _number(value, 1) > HEAVIEST:
        raise ValueError
    return int(value)


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    # An empty list is no grant that a stage writes: taken for a missing one, it would mean everything.
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise TypeError
    return tuple(value)


def _optional(value: Any, least: int) -> int | None:  # noqa: ANN401 - as above
    return None if value is None else _number(value, least)


def _number(value: Any, least: int) -> int:  # noqa: ANN401 - as above
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TypeError
    return value
