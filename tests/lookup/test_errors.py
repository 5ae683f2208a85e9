"""The error tree: complete, and its texts hold nothing that a log must not."""

from __future__ import annotations

import re

from lookup import errors
from lookup.errors import (
    GateClosed,
    InvalidInput,
    Misconfigured,
    RetryLater,
    ServiceError,
    VendorError,
    VendorThrottled,
)

DRAWN = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")


def test_drawing_is_complete() -> None:
    """The drawing shows every error class."""
    faults = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ServiceError)
    }
    drawn = {*DRAWN, "ServiceError"}
    assert drawn == faults


def test_input_errors_name_field_and_rule() -> None:
    """A caller's error names the field and the rule, in machine- and human-readable form."""
    fault = InvalidInput("max_age", "must be a number")
    assert (fault.field, fault.rule, str(fault)) == ("max_age", "must be a number", "max_age: must be a number")


def test_configuration_errors_name_the_setting() -> None:
    """A configuration error names the setting; an unknown workspace is one of them."""
    fault = errors.UnknownWorkspace("brand-b")
    assert isinstance(fault, Misconfigured)
    assert (fault.setting, fault.name, str(fault)) == ("workspace", "brand-b", "workspace: is not configured")
    assert fault.sender_message == "workspace: 'brand-b' is not configured"


def test_vendor_errors_keep_status_and_request_id() -> None:
    """A vendor error keeps the details that its support asks for."""
    fault = VendorError("vendor_trouble", status=503, request_id="r-1")
    assert (fault.reason, fault.status, fault.request_id) == ("vendor_trouble", 503, "r-1")
    assert str(fault) == "vendor_trouble (HTTP 503, request r-1)"


def test_waits_carry_their_end() -> None:
    """Every error that demands a retry carries its time: throttled, no capacity, closed."""
    assert VendorThrottled("throttled", retry_at=1700000000.0).retry_at == 1700000000.0
    assert VendorThrottled("throttled", retry_at=None).status == 429
    assert (RetryLater(12.5).retry_at, RetryLater(12.5).reason) == (12.5, "quota")
    assert str(GateClosed(12.5, "refused")) == "refused: not before 12.500"
