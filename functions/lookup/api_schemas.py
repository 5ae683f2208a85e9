"""The shapes of the HTTP surface. pydantic lives behind HTTP only: no other door pays for its start."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from lookup.intake import FIELDS_LIMIT, IDENTIFIER_LENGTH, MAX_AGE_LIMIT
from lookup.model import PART_LIMIT

FieldName = Annotated[str, Field(min_length=1, max_length=IDENTIFIER_LENGTH)]
MaxAge = Annotated[
    int, Field(strict=True, ge=0, le=MAX_AGE_LIMIT, description="Seconds a stored profile may be old; 0 asks MoEngage.")
]
WorkspaceName = Annotated[str, Field(min_length=1, max_length=64, description="The MoEngage workspace.")]


class LookupOrder(BaseModel):
    """A set of identifiers to look up at once."""

    model_config = ConfigDict(extra="forbid")

    identifiers: Annotated[
        list[Any],
        Field(
            min_length=1,
            max_length=PART_LIMIT,
            description="Customer ids as strings, or objects {identifier_type, identifier}. "
            "An unusable one has the outcome `invalid`; the others are served.",
            examples=[["C-1", {"identifier_type": "id", "identifier": "62e7a1b2c3d4e5f601234567"}]],
        ),
    ]
    fields: Annotated[list[FieldName], Field(min_length=1, max_length=FIELDS_LIMIT)] | None = None
    max_age: MaxAge = 0
    workspace: WorkspaceName = "default"
