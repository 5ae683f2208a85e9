"""Erasures of people's data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lookup.api.openapi.models.lookups import Count, Links, Shape, Time


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
