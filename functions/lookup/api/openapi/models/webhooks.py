"""What a partner sees of its webhook."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lookup.api.openapi.models.lookups import Count, Reference, Shape, Time


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
