"""What the page shows of a file before anything is sent is what the service makes of it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from typing import Any

from infra.console.__main__ import node, write_generated
from lookup.errors import InvalidInput
from lookup.rosters.preview import SAMPLE_SIZE, Preview, preview_of
from tests.console.openings import openings

SCRIPT = "tests/console/preview.ts"


def test_the_page_reads_a_roster_as_the_service_does() -> None:
    """Format, columns, samples, invalid lines with reasons and notes are equal, as is the sentence of a refusal."""
    cases = [(opening, is_whole) for opening in openings(seed=17, damaged=2000) for is_whole in (True, False)]
    different = [
        (opening, is_whole, ours, theirs)
        for (opening, is_whole), theirs in zip(cases, _by_the_page(cases), strict=True)
        if (ours := _by_the_service(opening, is_whole=is_whole)) != theirs
    ]
    assert different == []


def _by_the_page(cases: Sequence[tuple[bytes, bool]]) -> list[Any]:
    write_generated()
    asked = "".join(json.dumps([base64.b64encode(opening).decode(), is_whole]) + "\n" for opening, is_whole in cases)
    done = subprocess.run([node(), SCRIPT], input=asked, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return [_first_invalid(json.loads(line)) for line in done.stdout.split("\n") if line]


def _first_invalid(read: dict[str, Any]) -> dict[str, Any]:
    """Cut the page's invalid lines, of which it shows all that it has read, to as many as the service names."""
    return read | {"invalid": read["invalid"][:SAMPLE_SIZE]} if "invalid" in read else read


def _by_the_service(opening: bytes, *, is_whole: bool) -> dict[str, Any]:
    try:
        read = preview_of(opening, is_whole=is_whole)
    except InvalidInput as error:
        return {"refused": error.rule}
    return _written(read)


def _written(read: Preview) -> dict[str, Any]:
    return {
        "kind": read.kind.value,
        "delimiter": read.delimiter,
        "column": read.column,
        "typeColumn": read.type_column,
        "identifierType": read.identifier_type,
        "entries": read.entries,
        "first": [{"type": one.identifier_type.value, "identifier": one.identifier} for one in read.first],
        "invalid": [{"text": one.excerpt, "reason": one.reason, "line": one.line} for one in read.first_invalid],
        "notes": list(read.notes),
    }
