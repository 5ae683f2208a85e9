"""The `Prefer` header: what is known is honoured within bounds, the rest is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.api.callers.request_context import MAX_WAIT, Preference, parse_preference


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Preference(respond_async=False, wait=20.0, is_wait_given=False)),
        ("", Preference(respond_async=False, wait=20.0, is_wait_given=False)),
        ("respond-async", Preference(respond_async=True, wait=20.0, is_wait_given=False)),
        ("Respond-Async", Preference(respond_async=True, wait=20.0, is_wait_given=False)),
        ("wait=5", Preference(respond_async=False, wait=5.0, is_wait_given=True)),
        ('wait="5"', Preference(respond_async=False, wait=5.0, is_wait_given=True)),
        ("wait = 0", Preference(respond_async=False, wait=0.0, is_wait_given=True)),
        ("wait=99999", Preference(respond_async=False, wait=20.0, is_wait_given=True)),
        ("respond-async, wait=3", Preference(respond_async=True, wait=3.0, is_wait_given=True)),
        ("wait=3; foo; respond-async", Preference(respond_async=True, wait=3.0, is_wait_given=True)),
        ("return=minimal, handling=lenient", Preference(respond_async=False, wait=20.0, is_wait_given=False)),
        ("dont-wait=4", Preference(respond_async=False, wait=20.0, is_wait_given=False)),
        ("respond-asynchronously", Preference(respond_async=False, wait=20.0, is_wait_given=False)),
        ("wait=-1", Preference(respond_async=False, wait=20.0, is_wait_given=False)),
        ("wait=soon", Preference(respond_async=False, wait=20.0, is_wait_given=False)),
    ],
)
def test_preferences(header: str | None, expected: Preference) -> None:
    """The `Prefer` header, and the preferences applied."""
    assert parse_preference(header) == expected


@pytest.mark.parametrize(
    ("header", "later", "may_wait", "told"),
    [
        ("respond-async, wait=99", True, False, {"Preference-Applied": "respond-async"}),
        ("respond-async, wait=3", False, False, {}),
        ("wait=99", True, True, {"Preference-Applied": "wait=20"}),
        ("wait=3", False, True, {"Preference-Applied": "wait=3"}),
        ("wait=3", True, False, {}),
        ("respond-async", False, False, {}),
        (None, True, True, {}),
    ],
)
def test_what_was_honoured(header: str | None, later: bool, may_wait: bool, told: dict[str, str]) -> None:  # noqa: FBT001 - a case's values
    """An answer names the preferences that it honoured, within their bounds, and no others."""
    assert parse_preference(header).applied(is_async=later, may_wait=may_wait) == told


@given(st.text(max_size=60))
def test_any_header(header: str) -> None:
    """No header is an error, and none makes a caller wait longer than it may."""
    assert 0 <= parse_preference(header).wait <= MAX_WAIT
