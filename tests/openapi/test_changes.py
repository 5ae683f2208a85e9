"""The comparer of OpenAPI documents: every kind of breaking change is caught, harmless ones are not."""

from __future__ import annotations

import copy

import pytest

from tests.openapi.changes import allows_breaking, breaking
from tests.openapi.mutations import BASE, BREAKS, HARMLESS


@pytest.mark.parametrize("kind", BREAKS)
def test_every_kind_of_breaking_change_is_named(kind: str) -> None:
    """A change that breaks a caller is found, with its place, and nothing else is."""
    change, expected = BREAKS[kind]
    changed = copy.deepcopy(BASE)
    change(changed)
    assert breaking(BASE, changed) == expected


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_breaks_nobody_is_let_through(kind: str) -> None:
    """Additions, looser input and other words break no caller."""
    changed = copy.deepcopy(BASE)
    HARMLESS[kind](changed)
    assert breaking(BASE, changed) == []


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        ("1.4.0", "2.0.0", True),
        ("1.4.0", "1.5.0", False),
        ("1.4.0", "1.4.0", False),
        ("0.1.0", "0.2.0", True),
        ("0.1.0", "0.1.1", False),
        ("0.9.0", "1.0.0", True),
        ("2.0.0", "1.0.0", False),
    ],
)
def test_the_version_announces_a_break(old: str, new: str, *, allowed: bool) -> None:
    """A break wants a new major version; before 1.0 a new minor one does."""
    assert allows_breaking(old, new) is allowed
