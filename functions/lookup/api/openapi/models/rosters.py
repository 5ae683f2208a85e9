"""Rosters, their previews, and schedules of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lookup.api.openapi.models.lookups import Count, Links, Shape, Time, Url


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
