"""The `Prefer` header: what is known is honoured within bounds, the rest is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.preferences import LONGEST_WAIT, Preference, read_preference


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Preference(respond_async=False, wait=20.0, applied=None)),
        ("", Preference(respond_async=False, wait=20.0, applied=None)),
        ("respond-async", Preference(respond_async=True, wait=20.0, applied="respond-async")),
        ("Respond-Async", Preference(respond_async=True, wait=20.0, applied="respond-async")),
        ("wait=5", Preference(respond_async=False, wait=5.0, applied="wait=5")),
        ('wait="5"', Preference(respond_async=False, wait=5.0, applied="wait=5")),
        ("wait = 0", Preference(respond_async=False, wait=0.0, applied="wait=0")),
        ("wait=99999", Preference(respond_async=False, wait=20.0, applied="wait=20")),
        ("respond-async, wait=3", Preference(respond_async=True, wait=3.0, applied="respond-async, wait=3")),
        ("wait=3; foo; respond-async", Preference(respond_async=True, wait=3.0, applied="respond-async, wait=3")),
        ("return=minimal, handling=lenient", Preference(respond_async=False, wait=20.0, applied=None)),
        ("dont-wait=4", Preference(respond_async=False, wait=20.0, applied=None)),
        ("respond-asynchronously", Preference(respond_async=False, wait=20.0, applied=None)),
        ("wait=-1", Preference(respond_async=False, wait=20.0, applied=None)),
        ("wait=soon", Preference(respond_async=False, wait=20.0, applied=None)),
    ],
)
def test_preferences(header: str | None, expected: Preference) -> None:
    """What the header says, what is done, and what the answer tells was done."""
    assert read_preference(header) == expected


@given(st.text(max_size=60))
def test_any_header(header: str) -> None:
    """No header is an error, and none makes a caller wait longer than it may."""
    assert 0 <= read_preference(header).wait <= LONGEST_WAIT
