"""Request bodies of the HTTP API. Only `on_request` loads pydantic, whose start is slow."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from lookup.api.query_string import MAX_AGE, STALE_IF_ERROR, WorkspaceName
from lookup.validation import FIELDS_LIMIT, IDENTIFIER_LENGTH, MAX_AGE_LIMIT

ERASED_LIMIT = 100  # identifiers of one erasure
INLINE_LIMIT = 10_000  # identifiers in one request; a longer list is a roster

FieldName = Annotated[str, Field(min_length=1, max_length=IDENTIFIER_LENGTH)]
MaxAge = Annotated[int, Field(strict=True, ge=0, le=MAX_AGE_LIMIT, description=MAX_AGE)]

FormatBeside = Literal["csv", "csv_bom"]

FORMATS = (
    "A format beside NDJSON and Parquet that the results of a lookup are written in: CSV, with a byte order mark or "
    "without. An answer at once has none."
)


class LookupOrder(BaseModel):
    """Identifiers to look up, or a roster of them that was uploaded."""

    model_config = ConfigDict(extra="forbid")

    identifiers: Annotated[
        list[Any] | None,
        Field(
            min_length=1,
            max_length=INLINE_LIMIT,
            description="Customer ids as strings, or objects {identifier_type, identifier}. "
            "An unusable one has the outcome `invalid`; the others are served.",
            examples=[["C-1", {"identifier_type": "id", "identifier": "62e7a1b2c3d4e5f601234567"}]],
        ),
    ] = None
    roster_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    fields: Annotated[list[FieldName], Field(min_length=1, max_length=FIELDS_LIMIT)] | None = None
    max_age: MaxAge = 0
    stale_if_error: Annotated[int, Field(strict=True, ge=0, le=MAX_AGE_LIMIT, description=STALE_IF_ERROR)] = 0
    workspace: WorkspaceName = "default"
    formats: Annotated[list[FormatBeside], Field(max_length=1, description=FORMATS)] = []

    @model_validator(mode="after")
    def _has_one_source(self) -> LookupOrder:
        if (self.identifiers is None) == (self.roster_id is None):
            raise PydanticCustomError("one_source", "exactly one of identifiers and roster_id is required")
        return self


class ExportOrder(BaseModel):
    """A format that the results of a lookup are to be had in, too."""

    model_config = ConfigDict(extra="forbid")

    formats: Annotated[
        list[FormatBeside],
        Field(min_length=1, max_length=1, description="CSV, with a byte order mark (`csv_bom`) or without."),
    ]


class RosterUpload(BaseModel):
    """A roster to upload: exactly so many bytes, as the file has them."""

    model_config = ConfigDict(extra="forbid")

    bytes: Annotated[int, Field(strict=True, ge=1, description="Size of the file.", examples=[182044])]


class Change(BaseModel):
    """What to do with a lookup."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["pause", "resume", "cancel", "retry_failed"]


class ErasureOrder(BaseModel):
    """People whose data is to be removed."""

    model_config = ConfigDict(extra="forbid")

    identifiers: Annotated[
        list[Any],
        Field(
            min_length=1,
            max_length=ERASED_LIMIT,
            description="Customer ids as strings, or objects {identifier_type, identifier}: of a person every one that "
            "is known.",
            examples=[["C-1", {"identifier_type": "id", "identifier": "62e7a1b2c3d4e5f601234567"}]],
        ),
    ]
    workspace: WorkspaceName = "default"


class GateOrder(BaseModel):
    """What to do with a workspace's gate."""

    model_config = ConfigDict(extra="forbid")

    workspace: WorkspaceName = "default"
    action: Literal["open"]


class RedriveOrder(BaseModel):
    """Whose dead letters to send back."""

    model_config = ConfigDict(extra="forbid")

    queue: Annotated[str, Field(pattern="^[a-z-]{1,40}$", description="As `GET /v1/operator/dead-letters` names it.")]


class ScheduleOrder(BaseModel):
    """A roster to refresh again and again."""

    model_config = ConfigDict(extra="forbid")

    roster_id: Annotated[str, Field(min_length=1, max_length=64)]
    expression: Annotated[str, Field(max_length=256, examples=["cron(0 6 * * ? *)", "rate(12 hours)"])]
    time_zone: Annotated[str, Field(max_length=64, examples=["Europe/Berlin"])] = "UTC"
    fields: Annotated[list[FieldName], Field(min_length=1, max_length=FIELDS_LIMIT)] | None = None
    max_age: MaxAge = 0
    workspace: WorkspaceName = "default"
