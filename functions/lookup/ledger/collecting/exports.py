"""Exports of a lookup that is collected: its files in one more format, made later. Each is an attribute of `results`.

lookup#<id>        results   `export_<format>`: how far it is; changed on the condition that the lookup is at that end
exports#<partner>  open      the exports that are not made yet, as `<lookup>#<format>`: a partner has so many at once
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

PREFIX = "export_"


class ExportState(StrEnum):
    """Where an export stands."""

    COLLECTING = "collecting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """One export: so many `sets` of its files are written; `reason` is why it failed."""

    requested_at: float
    state: ExportState = ExportState.COLLECTING
    sets: int = 0
    files: int = 0
    bytes: int = 0
    ready_at: float | None = None
    reason: str | None = None

    def to_text(self) -> str:
        """Return it as the ledger holds it; equal exports are equal texts, by which conditions compare them."""
        return json.dumps(asdict(self), separators=(",", ":"))


def attribute_of(written_as: str) -> str:
    """Return the name of the attribute of an export."""
    return f"{PREFIX}{written_as}"


def read_exports(facts: Mapping[str, Any]) -> dict[str, Export]:
    """Read the exports among the attributes of `results`, by format."""
    named = {name.removeprefix(PREFIX): json.loads(text) for name, text in facts.items() if name.startswith(PREFIX)}
    return {written_as: _export(read) for written_as, read in sorted(named.items())}


def _export(facts: Mapping[str, Any]) -> Export:
    return Export(**{**facts, "state": ExportState(facts["state"])})
