"""The shapes of profiles and lookups as they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

Time = Annotated[
    str,
    Field(
        description="ISO 8601 in UTC with microseconds.",
        examples=["2026-11-24T09:30:00.000000Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Reference = Annotated[
    str, Field(json_schema_extra={"format": "uri-reference"})
]  # RFC 3986: a URL, or a path of this API
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """Every answer has all its fields, `null` where there is nothing, and no others."""

    model_config = ConfigDict(extra="forbid")


class Links(Shape):
    """Where to go on; paths of this API, or presigned URLs."""

    self: Reference | None = None
    results: Reference | None = None
    expires_at: Annotated[Time | None, Field(description="Until when `results` is good, if it is presigned.")] = None


class Profile(Shape):
    """What became of one identifier."""

    identifier_type: Annotated[str, Field(description="`customer_id` or `id`; of junk what was sent.")]
    identifier: str
    outcome: Literal["found", "not_found", "invalid", "failed"]
    reason: Annotated[str | None, Field(description="Of `invalid` the rule, of `failed` why.")]
    source: Annotated[
        Literal["moengage", "stored", "stale"] | None,
        Field(description="`stale`: older than `max_age` allows, because MoEngage could not be asked."),
    ]
    fetched_at: Time | None
    changed_fields: Annotated[list[str], Field(description="What differs from the fetch before.")]
    replaced_fields: Annotated[
        list[str], Field(description="What held halves of surrogate pairs, for which U+FFFD stands.")
    ]
    user_attributes: Annotated[dict[str, Any] | None, Field(description="Absent in an answer over 5 MB.")] = None
    attributes_omitted: Annotated[bool, Field(description="The answer would be over 5 MB: see `links`.")] = False
    links: Links | None = None


class Counts(Shape):
    """At the end the last four add up to the first."""

    requested: Count
    found: Count
    not_found: Count
    invalid: Count
    failed: Count


class Outcomes(Shape):
    """The answer of a lookup that was served at once."""

    lookup_id: str
    counts: Counts
    outcomes: list[Profile]
    attributes_omitted: Annotated[bool, Field(description="The answer would be over 5 MB: see `links`.")] = False
    links: Links | None = None


class Estimate(Shape):
    """When a lookup will be done, and what it takes."""

    done_at: Time
    users: Annotated[Count, Field(description="Still to be asked for.")]
    users_ahead: Annotated[Count, Field(description="Asked for before that, for others.")]
    share_of_daily_quota: float


class DryRun(Shape):
    """What a lookup would take."""

    estimate: Estimate


class LookupAnswer(RootModel[Outcomes | DryRun]):
    """All outcomes, or of a dry run the estimate."""


class Export(Shape):
    """One more format of a lookup's files, made later."""

    format: Literal["csv", "csv_bom"]
    state: Literal["collecting", "ready", "failed"]
    files: Count
    bytes: Count
    requested_at: Time
    ready_at: Time | None
    failed_because: Annotated[str | None, Field(description="`counts_differ` or `parts_gone`: ask the operator.")]


class Results(Shape):
    """Where the files of a lookup that has ended stand."""

    state: Literal["collecting", "ready", "failed"]
    files: Count
    bytes: Count
    ready_at: Time | None
    failed_because: Annotated[str | None, Field(description="`counts_differ` or `parts_gone`: ask the operator.")]
    exports: Annotated[list[Export], Field(description="What was asked for by `POST …/exports`, if anything.")] = []


class Lookup(Shape):
    """A lookup as it stands; a day of the intake queue (`standing`) has only counts, parts and results."""

    lookup_id: str
    state: Literal["active", "paused", "completed", "cancelled", "standing"]
    workspace: str | None = None
    submitted_at: Time | None = None
    finished_at: Time | None = None
    ended_because: Annotated[str | None, Field(description="Why it ended early by itself.")] = None
    counts: Counts
    requested_is_estimated: bool = False
    progress: Share = 0.0
    parts: Annotated[Count, Field(description="Result files so far.")]
    estimate: Estimate | None = None
    results: Annotated[
        Results | None, Field(description="Once it has ended; of a day of the intake queue, of its hours.")
    ] = None
    links: Links


class LookupPage(Shape):
    """Lookups, newest first; `next` is `after` of the next page."""

    lookups: list[Lookup]
    next: str | None


class ResultFile(Shape):
    """One file of a lookup that has ended, in the order of its roster."""

    name: str
    format: Literal["ndjson", "parquet", "csv", "csv_bom"]
    only: Annotated[Literal["changed"] | None, Field(description="`changed`: what is new, gone or different.")]
    records: Count
    bytes: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    url: Annotated[Url, Field(description="Presigned; `links.self` redirects to a fresh one.")]
    expires_at: Annotated[Time, Field(description="Until when `url` is good: 15 minutes at most.")]
    links: Links


class PartFile(Shape):
    """The file of one part, with `parts=true`."""

    part: str
    key: str
    url: Annotated[Url, Field(description="Presigned; ask for the page again to get a fresh one.")]
    expires_at: Annotated[Time, Field(description="Until when `url` is good: 15 minutes at most.")]
    counts: Counts


class ResultPage(Shape):
    """The files of a lookup, or with `parts=true` those of its parts, by part."""

    state: Literal["running", "collecting", "ready", "failed", "parts"]
    files: list[ResultFile | PartFile]
    next: str | None
