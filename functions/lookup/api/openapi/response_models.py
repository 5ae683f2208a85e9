"""The shapes of all answers, for the OpenAPI document and the tests; requests are answered without them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from lookup.api.openapi.lookup_models import (
    Count,
    Links,
    Lookup,
    LookupAnswer,
    LookupPage,
    Profile,
    Reference,
    ResultPage,
    Shape,
    Time,
    Url,
)
from lookup.api.openapi.operations import SCHEMAS


class Upload(Shape):
    """How to upload."""

    method: Literal["PUT"]
    url: Url
    headers: Annotated[dict[str, str], Field(description="To be sent as they are: the URL is signed for them.")]
    expires_in: Annotated[int, Field(description="Seconds, 900 at most.")]
    expires_at: Annotated[Time, Field(description="An upload must have begun by then; for a fresh URL ask anew.")]


class Roster(Shape):
    """A roster to be uploaded."""

    roster_id: str
    upload: Upload


class PreviewedIdentifier(Shape):
    """An identifier as it would be asked."""

    identifier_type: Literal["customer_id", "id"]
    identifier: str


class PreviewedInvalid(Shape):
    """An entry that would not be asked: its line, or its number in a JSON list."""

    line: Count | None
    text: str
    reason: str


class RosterPreview(Shape):
    """What a lookup would make of a roster; all but `bytes` and `entries` is of its first 64 KB of text."""

    roster_id: str
    bytes: Count
    entries: Annotated[Count, Field(description="Identifiers and unusable entries of the whole roster.")]
    entries_is_estimated: bool
    format: Literal["csv", "ndjson", "json", "plain"]
    delimiter: Annotated[str | None, Field(description="Of CSV.")]
    column: Annotated[str | None, Field(description="Of CSV: the column of the identifiers, as the header names it.")]
    type_column: Annotated[str | None, Field(description="Of CSV: the column of their types, if there is one.")]
    identifier_type: Annotated[
        Literal["customer_id", "id"] | None, Field(description="null: each entry names its own.")
    ]
    read: Annotated[Count, Field(description="How many entries were read for this preview.")]
    first: Annotated[list[PreviewedIdentifier], Field(description="The first of them that are usable, 10 at most.")]
    invalid: Annotated[Count, Field(description="How many of those read are unusable.")]
    first_invalid: Annotated[list[PreviewedInvalid], Field(description="The first of these, 10 at most.")]
    notes: Annotated[list[str], Field(description="What is read as it stands, but may not be meant.")]


class Schedule(Shape):
    """A roster that is looked up again and again."""

    name: str
    expression: str
    time_zone: str
    roster_id: str
    workspace: str
    fields: Annotated[list[str] | None, Field(description="null: all that are granted when it fires.")]
    max_age: Count
    last_lookup_id: str | None
    last_skipped_at: Time | None
    last_skipped_because: Annotated[
        str | None, Field(description="The lookup before still ran, or what was not granted (any more).")
    ]


class ListedSchedule(Shape):
    """A schedule in a list."""

    name: str
    created_at: Time
    changed_at: Time
    links: Links


class SchedulePage(Shape):
    """Schedules by name."""

    schedules: list[ListedSchedule]
    next: str | None


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


class RostersNeeded(Shape):
    """Rosters that name somebody and that a schedule or a lookup still needs: they go once nothing does."""

    own: Annotated[list[str], Field(description="Ids of your own.")]
    others: Count


class Erasure(Shape):
    """People whose data is removed; nothing of it names them."""

    erasure_id: str
    state: Annotated[
        Literal["running", "verifying", "completed"],
        Field(description="`verifying`: searched once, and once more when nothing can follow that was on its way."),
    ]
    workspace: str
    identifiers: Count
    requested_at: Time
    finished_at: Time | None
    tombstone_until: Annotated[Time, Field(description="Until then they are `invalid` with reason `erased`.")]
    searches: Count
    found: Annotated[dict[str, int], Field(description="Records removed in the searches that have ended, by store.")]
    rosters_needed: RostersNeeded
    links: Links


class OwnWebhook(Shape):
    """The webhook that the operator set for you."""

    events: Annotated[list[str], Field(description="What it is called for.")]
    state: Annotated[
        Literal["called", "paused", "disabled"],
        Field(description="`paused`: not called for a time, after failures; `disabled`: it answered 410."),
    ]
    disabled_at: Time | None
    paused_until: Time | None


class Delivery(Shape):
    """What was done about one webhook."""

    webhook_id: str
    event: str
    occurred_at: Time
    state: Annotated[
        Literal["pending", "delivered", "failed", "skipped"],
        Field(description="`failed`: given up; `skipped`: the webhook was disabled."),
    ]
    attempts: Count
    last_status: Annotated[int | None, Field(description="Of your last answer.")]
    last_error: Annotated[str | None, Field(description="Why there was no answer.")]
    attempted_at: Time | None
    next_attempt_at: Time | None


class DeliveryPage(Shape):
    """Webhooks of the last seven days, newest first."""

    webhook: OwnWebhook | None
    deliveries: list[Delivery]
    next: Annotated[str | None, Field(description="Of the next page, as `after`.")]


class DeliveriesLink(Shape):
    """Where to see what became of it."""

    deliveries: Reference


class WebhookTest(Shape):
    """A test that is on its way."""

    webhook_id: str
    event: str
    links: DeliveriesLink


class PartnerUse(Shape):
    """A partner's use of today, and its lookups in a workspace."""

    name: str
    weight: Count
    users_per_day: Count | None
    today: Today | None
    running: Count
    unfinished: Count
    waiting_users: Annotated[Count, Field(description="Users of its lookups that are not on the queue yet.")]


class PartnerPage(Shape):
    """All partners."""

    workspace: str
    partners: list[PartnerUse]


class OperatorLookup(Lookup):
    """A lookup, and whose it is."""

    partner: str


class OperatorLookupPage(Shape):
    """Lookups of all partners; `next` is `after` of the next page."""

    lookups: list[OperatorLookup]
    next: str | None


class DeadLetterQueue(Shape):
    """How many dead letters of a queue wait."""

    name: str
    waiting: Count
    can_redrive: bool


class DeadLetterCounts(Shape):
    """All queues that have dead letters."""

    queues: list[DeadLetterQueue]


class SteeredGate(Gate):
    """A workspace's gate after an operator's act."""

    workspace: str


class RedriveActions(Shape):
    """How many letters were, or would be, sent again, retried with their lookups, dropped as settled, or left."""

    sent: Count
    retried: Count
    dropped: Count
    left: Count


class LeftLetters(Shape):
    """Why letters are left."""

    reason: str
    letters: Count


class Redriven(Shape):
    """A page of dead letters. Users are by workspace."""

    queue: str
    dry_run: bool
    waiting: Annotated[Count, Field(description="About how many letters waited before.")]
    seen: Annotated[Count, Field(description="Letters of this page, 100 at most.")]
    actions: RedriveActions
    users: Annotated[dict[str, Count], Field(description="What this page costs of the quota.")]
    users_of_all: Annotated[dict[str, Count], Field(description="What all that wait would cost, by this page.")]
    minutes: Annotated[dict[str, float], Field(description="The same in minutes of the workspace's quota.")]
    left_because: list[LeftLetters]


class BrokenRule(Shape):
    """One field, and the rule that it breaks."""

    field: str
    rule: str


class Problem(BaseModel):
    """An error (RFC 9457). `type` is stable; members beside these belong to their type."""

    model_config = ConfigDict(extra="allow")

    type: Url
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: Annotated[list[BrokenRule] | None, Field(description="Of `invalid` and `unknown-parameter`.")] = None
    scope: Annotated[str | None, Field(description="Of `missing-scope`.")] = None
    vendor_request_id: Annotated[str | None, Field(description="Of `vendor-trouble`: MoEngage's own mark.")] = None
    owned: Annotated[
        str | None, Field(description="Of `too-many`: `lookups`, `schedules`, `uploads`, `exports` or `erasures`.")
    ] = None
    limit: Annotated[int | None, Field(description="Of `too-many`: how many there may be at once.")] = None


ANSWERS: tuple[type[BaseModel], ...] = (
    Profile,
    LookupAnswer,
    Lookup,
    LookupPage,
    ResultPage,
    Roster,
    RosterPreview,
    Schedule,
    SchedulePage,
    Quota,
    Grants,
    Erasure,
    DeliveryPage,
    WebhookTest,
    PartnerPage,
    OperatorLookup,
    OperatorLookupPage,
    DeadLetterCounts,
    SteeredGate,
    Redriven,
    Problem,
)


def components() -> dict[str, Any]:
    """Return the schemas that the operations name, for `components.schemas` of the OpenAPI document."""
    shapes = [(answer, "serialization") for answer in ANSWERS]
    _, defined = models_json_schema(shapes, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]  # the mode is a Literal
    schemas: dict[str, Any] = defined["$defs"]
    return schemas
