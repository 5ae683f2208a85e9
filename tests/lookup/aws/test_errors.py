"""Transient AWS errors are distinguished from defects by the codes that botocore retries."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ParamValidationError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from lookup.aws.errors import TRANSIENT_CODES, error_name, is_transient
from lookup.errors import AwsUnavailable, Misconfigured

OF_OTHERS = {"EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete"}  # services we do not use


def answer(code: str, status: int = 400) -> ClientError:
    facts = {"Error": {"Code": code, "Message": "canary"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(facts, "GetItem")  # type: ignore[arg-type]  # the rest does not matter


def test_what_botocore_tries_again_may_pass() -> None:
    """Every code that botocore retries is a transient AWS error once retries end, except those of other services."""
    throttled: Any = vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
    transient: Any = vars(TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"]
    tried = {*throttled, *transient}
    assert tried - TRANSIENT_CODES == OF_OTHERS


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (answer("ThrottlingException"), True),
        (answer("InternalError", 500), True),
        (answer("Whatever", 429), True),
        (answer("ValidationException"), False),
        (answer("AccessDenied", 403), False),
        (answer("ResourceNotFoundException"), False),
        (EndpointConnectionError(endpoint_url="https://aws"), True),
        (NoCredentialsError(), False),
        (ParamValidationError(report="x"), False),
        (AwsUnavailable("a transaction met conflicts 10 times"), True),
        (Misconfigured("secret", "is not JSON"), False),
        (ConnectionResetError(), False),
        (KeyError("x"), False),
    ],
)
def test_what_may_pass(error: Exception, *, passes: bool) -> None:
    """Throttling, AWS's failures and lost connections may pass; refusals, our mistakes and all else do not."""
    assert is_transient(error) is passes


def test_a_wrapped_error_counts_as_what_it_wraps() -> None:
    """Powertools wraps what its store met: the cause decides, and names it, without its text."""
    wrapper = RuntimeError("failed to save")
    wrapper.__cause__ = answer("SlowDown", 503)
    assert (is_transient(wrapper), error_name(wrapper), error_name(KeyError("canary"))) == (
        True,
        "SlowDown",
        "KeyError",
    )
