"""A workspace's quota and its gate, and what a caller may do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from lookup.api.openapi.models.lookups import Count, Shape, Time


class Used(Shape):
    """Users of the last window, per lane and together."""

    on_demand: Count
    bulk: Count
    total: Count


class NextRoom(Shape):
    """When a call of 20 users would be let through."""

    on_demand: Time
    bulk: Time


class Gate(Shape):
    """Whether MoEngage is being asked."""

    state: Literal["open", "closed"]
    reason: Literal["credentials", "refused", "throttled", "trouble"] | None
    explanation: Annotated[str | None, Field(description="The reason in a sentence.")]
    since: Annotated[Time | None, Field(description="When it closed or, if it is open, opened again; to a second.")]
    closed_until: Time | None
    epoch: int
    next_room: NextRoom


class Backlog(Shape):
    """What submitted lookups still wait for."""

    users: Count
    minutes: Annotated[float, Field(ge=0)]
    done_at: Annotated[Time | None, Field(description="When all of it will have been requested; null: nothing waits.")]


class GrantedPeriod(Shape):
    """Users that were granted in a time, per lane."""

    model_config = ConfigDict(populate_by_name=True)

    start: Annotated[Time, Field(alias="from")]
    until: Time
    on_demand: Count
    bulk: Count


class GrantedDay(GrantedPeriod):
    """Users that were granted in about a day, until the last sample of it."""

    users: Count


class GoingOn(Shape):
    """Lookups that have not ended: your own; of all partners for an operator."""

    running: Count
    unfinished: Annotated[Count, Field(description="With those that are paused.")]


class Today(Shape):
    """The partner's own use since midnight UTC, in users."""

    users: Count
    limit: Count
    left: Count
    resets_at: Time


class Quota(Shape):
    """A workspace's quota."""

    workspace: str
    window_seconds: float
    limit: Count
    full_limit: Count
    used: Used
    backlog: Backlog
    gate: Gate
    at: Annotated[Time, Field(description="The service's clock. It, `next_room` and `done_at` are not in the ETag.")]
    window: Annotated[
        list[GrantedPeriod],
        Field(
            description="The last window by the gate's slots of about a second, those with users, oldest first. "
            "`on_demand` is known for ten slots together, and spread within these as all users are."
        ),
    ]
    lookups: GoingOn
    today: Today | None  # null without a limit: nobody counts then
    minutes: Annotated[
        list[GrantedPeriod] | None,
        Field(
            description="With `minutes=`: the last minutes, oldest first, until the last sample, which is taken once "
            "a minute. A step is longer where a sample is missing."
        ),
    ] = None
    last_day: Annotated[GrantedDay | None, Field(description="With `minutes=`; null before there are samples.")] = None
    dead_letters: Annotated[
        dict[str, Count] | None, Field(description="By queue, to 15 seconds; for operators only.")
    ] = None


class WorkspaceQuota(Shape):
    """The vendor's quota of a workspace: users in a window."""

    limit: Count
    window_seconds: float


class GrantedWorkspace(Shape):
    """A workspace that you may use."""

    name: str
    fields: Annotated[list[str] | None, Field(description="The fields that you may request; null: all.")]
    quota: WorkspaceQuota
    keeps_profiles: Annotated[bool, Field(description="Whether `max_age` can have an effect.")]


class Limits(Shape):
    """What requests are bounded by."""

    identifiers: Annotated[Count, Field(description="In one `POST /v1/lookups`.")]
    identifiers_to_wait: Annotated[Count, Field(description="That are answered at once.")]
    roster_bytes: Count
    lookups: Annotated[Count, Field(description="Of a workspace that have not ended.")]
    schedules: Count
    uploads: Annotated[Count, Field(description="Whose address is good.")]
    erased: Annotated[Count, Field(description="Identifiers of one erasure.")]


class Grants(Shape):
    """What you may do."""

    partner: str
    is_operator: bool
    scopes: list[str]
    lanes: list[Literal["on_demand", "bulk"]]
    users_per_day: Count | None
    workspaces: list[GrantedWorkspace]
    limits: Limits
    formats: Annotated[list[str], Field(description="Formats of results beside NDJSON and Parquet.")]
