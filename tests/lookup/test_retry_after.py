"""`Retry-After` in every format that servers write; invalid values are ignored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.retry_after import MAX_WAIT, retry_at

NOW = 1_795_893_600.0  # Sat, 28 Nov 2026 19:20:00 GMT
AT = NOW + 90


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("90", AT),
        ("90.0", AT),
        (" 90 ", AT),
        ("Sat, 28 Nov 2026 19:21:30 GMT", AT),  # the form that is sent (RFC 9110, 5.6.7)
        ("Saturday, 28-Nov-26 19:21:30 GMT", AT),  # RFC 850
        ("Sat Nov 28 19:21:30 2026", AT),  # asctime
        ("Sat, 28 Nov 2026 20:21:30 +0100", AT),
        ("2026-11-28T19:21:30Z", AT),
        ("2026-11-28T19:21:30.000Z", AT),
        ("2026-11-28T20:21:30+01:00", AT),
        ("2026-11-28 19:21:30", AT),
        (str(int(AT)), AT),
        (str(int(AT * 1000)), AT),
        ("0", NOW),
        (str(int(NOW) - 5), NOW),
        ("Sat, 28 Nov 2026 19:19:00 GMT", None),
        ("2026-11-28T19:19:00Z", None),
        ("Sun, 28 Nov 2027 19:21:30 GMT", None),
        ("9999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("Fri, 31 Dec 999999 23:59:59 GMT", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("99999999999999999999", None),
        ("-5", None),
        ("1e3", None),
        ("1_0", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
@pytest.mark.parametrize("name", ["retry-after", "x-ratelimit-reset"])
def test_every_form(name: str, text: str, until: float | None) -> None:
    """Seconds, three forms of dates, ISO 8601 and epoch seconds or milliseconds are the moment that they name."""
    assert retry_at({name: text}, NOW) == until


def test_the_first_that_makes_sense_counts() -> None:
    """`Retry-After` goes before the reset, unless it makes no sense."""
    assert retry_at({"retry-after": "7", "x-ratelimit-reset": "30"}, NOW) == NOW + 7
    assert retry_at({"retry-after": "soon", "x-ratelimit-reset": "30"}, NOW) == NOW + 30
    assert retry_at({}, NOW) is None


@given(text=st.text(max_size=80) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ GMT"))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever a header holds, the moment is none, or one of the next day."""
    until = retry_at({"retry-after": text}, NOW)
    assert until is None or NOW <= until <= NOW + MAX_WAIT
