"""`python -m tests.openapi`: write docs/openapi.json, unless that breaks partners and the version does not say so."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.openapi.changes import allows_breaking, breaking
from tests.openapi.document import generated

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def unannounced(old: bytes, new: bytes) -> list[str]:
    """Return what breaks partners between two documents, if the newer's version does not announce it."""
    before, after = json.loads(old), json.loads(new)
    announced = allows_breaking(before["info"]["version"], after["info"]["version"])
    return [] if announced else breaking(before, after)


def main() -> int:
    """Compare, then write."""
    new = generated()
    broken = unannounced(COMMITTED.read_bytes(), new) if COMMITTED.exists() else []
    if broken:
        rule = "This breaks partners: raise the version in pyproject.toml and in the document, or leave it."
        sys.stderr.write("\n".join([*broken, rule, ""]))
        return 1
    COMMITTED.write_bytes(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
