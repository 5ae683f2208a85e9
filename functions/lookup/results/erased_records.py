"""Records of erased people: what is left of them counts, so that the counts of lookups and hours stay true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookup.model import ERASED

KEPT = frozenset({"schema_version", "lookup_id", "part", "changed", "identifier_type", "outcome"})
LISTS = frozenset({"changed_fields", "replaced_fields"})


def redacted(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that names nobody, with the same keys."""
    empty: dict[str, Any] = {name: [] if name in LISTS else None for name in facts if name not in KEPT}
    return {**facts, **empty} | ({"reason": ERASED} if "reason" in facts else {})
