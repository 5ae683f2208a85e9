"""How tests are divided: what is named exists, and what shares something stays together."""

from __future__ import annotations

from pathlib import Path

from tests.distribution import BEGIN_FIRST, TOGETHER

PROJECT = Path(__file__).parents[1]


def test_what_is_named_is_there() -> None:
    """A file that was renamed or removed does not stay in the lists."""
    assert [path for path in (*BEGIN_FIRST, *TOGETHER) if not (PROJECT / path).exists()] == []
