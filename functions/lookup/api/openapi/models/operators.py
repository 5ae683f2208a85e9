"""What only operators see and do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lookup.api.openapi.models.lookups import Count, Lookup, Shape
from lookup.api.openapi.models.quota import Gate, Today


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
