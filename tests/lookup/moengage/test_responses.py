"""Parsed responses of MoEngage: whatever they hold, the result is users or an error."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json
from lookup.errors import VendorAccessDenied, VendorError, VendorUnavailable
from lookup.model import Attributes, Json
from lookup.moengage.responses import error_of, error_type, read_response
from tests.lookup.json_values import attributes, values


@given(st.integers(100, 999).filter(lambda status: status != 200))
def test_any_status_is_an_error(status: int) -> None:
    """Every status code other than 200 maps to the error type of its class."""
    kind = error_type(status)
    assert issubclass(kind, VendorError)
    assert 400 <= status < 500 or kind in {VendorUnavailable, VendorAccessDenied}


@given(values() | st.fixed_dictionaries({"status": st.just("success"), "data": values()}))
def test_any_body(body: Json) -> None:
    """Any JSON with 200 is a response or a vendor error, and any error body can be parsed."""
    written = exact_json.dumps(body)
    with suppress(VendorUnavailable):
        read_response(written)
    assert isinstance(error_of(written), dict)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """The same holds for any bytes."""
    with suppress(VendorUnavailable):
        read_response(body)
    assert isinstance(error_of(body), dict)


@given(st.lists(attributes().filter(bool), max_size=2))
def test_attributes_survive(users: list[Attributes]) -> None:
    """Whatever attributes the vendor sends of a user, they are read as they are and in their order."""
    data = {"users": [{"user_attributes": user} for user in users], "users_not_found": []}
    assert list(read_response(exact_json.dumps({"status": "success", "data": data})).users) == users
