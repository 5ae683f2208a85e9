"""The shapes of all answers, for the OpenAPI document and the tests; requests are answered without them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from lookup.api.openapi.models.erasures import Erasure
from lookup.api.openapi.models.lookups import Lookup, LookupAnswer, LookupPage, Profile, ResultPage, Shape, Url
from lookup.api.openapi.models.operators import (
    DeadLetterCounts,
    OperatorLookup,
    OperatorLookupPage,
    PartnerPage,
    Redriven,
    SteeredGate,
)
from lookup.api.openapi.models.quota import Grants, Quota
from lookup.api.openapi.models.rosters import Roster, RosterPreview, Schedule, SchedulePage
from lookup.api.openapi.models.webhooks import DeliveryPage, WebhookTest
from lookup.api.openapi.operations import SCHEMAS


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
