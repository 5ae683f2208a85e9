"""Transient errors of AWS (throttled, failed, no response) versus defects of this service."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError

from lookup.errors import AwsUnavailable

# Transient beside 5xx and 429: codes that come with a 400. The services name throttling differently.
TRANSIENT_CODES = frozenset({
    "BandwidthLimitExceeded", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionConflictException",
    "TransactionInProgressException",
})  # fmt: skip
TRANSIENT_TYPES = (AwsUnavailable, HTTPClientError, IncompleteReadError, NotConnected, ResponseParserError)


def is_transient(error: BaseException) -> bool:
    """Return whether a retry may succeed: the error, or one that it was raised from, is transient."""
    return any(_is_transient_one(one) for one in _chain(error))


def error_name(error: BaseException) -> str:
    """Return AWS's code of an error, or else its type's name; neither holds data."""
    for one in _chain(error):
        if isinstance(one, ClientError):
            return error_code(one)
    return type(error).__name__


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error."""
    return error.response["Error"]["Code"]


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__


def _is_transient_one(error: BaseException) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, TRANSIENT_TYPES)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    is_transient_status = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    return is_transient_status or error_code(error) in TRANSIENT_CODES
