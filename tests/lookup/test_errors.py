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
    """The drawing shows every fault there is."""
    faults = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ServiceError)
    }
    drawn = {*DRAWN, "ServiceError"}
    assert drawn == faults


def test_input_faults_name_field_and_rule() -> None:
    """A fault of the caller's names the field and the rule, for a program and for a person."""
    fault = InvalidInput("max_age", "must be a number")
    assert (fault.field, fault.rule, str(fault)) == ("max_age", "must be a number", "max_age: must be a number")


def test_configuration_faults_name_the_setting() -> None:
    """A fault of the operator's names the setting; an unknown workspace is one of them."""
    fault = errors.UnknownWorkspace("brand-b")
    assert isinstance(fault, Misconfigured)
    assert (fault.setting, fault.name, str(fault)) == ("workspace", "brand-b", "workspace: is not configured")
    assert fault.sender_message == "workspace: 'brand-b' is not configured"


def test_vendor_faults_keep_status_and_request_id() -> None:
    """A fault of the vendor's keeps what its support asks for."""
    fault = VendorError("vendor_trouble", status=503, request_id="r-1")
    assert (fault.reason, fault.status, fault.request_id) == ("vendor_trouble", 503, "r-1")
    assert str(fault) == "vendor_trouble (HTTP 503, request r-1)"


def test_waits_say_until_when() -> None:
    """Whatever asks for a later time says which: throttled, no room, closed."""
    assert VendorThrottled("throttled", retry_at=1700000000.0).retry_at == 1700000000.0
    assert VendorThrottled("throttled", retry_at=None).status == 429
    assert (RetryLater(12.5).retry_at, RetryLater(12.5).reason) == (12.5, "quota")
    assert str(GateClosed(12.5, "refused")) == "refused: not before 12.500"
