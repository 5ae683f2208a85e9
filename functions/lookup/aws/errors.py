"""AWS's trouble told from our defects: what it was throttled over, failed at or did not answer may pass by itself."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError

from lookup.errors import AwsUnavailable

# Beside 5xx and 429: what AWS says with a 400 and means for now. The services call throttling by different names.
PASSING = frozenset({
    "BandwidthLimitExceeded", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionConflictException",
    "TransactionInProgressException",
})  # fmt: skip
UNANSWERED = (AwsUnavailable, HTTPClientError, IncompleteReadError, NotConnected, ResponseParserError)


def is_transient(error: BaseException) -> bool:
    """Return whether the same again may go well: AWS was in trouble, or whoever wraps its error says that it was."""
    return any(_is_trouble(one) for one in _chain(error))


def error_name(error: BaseException) -> str:
    """Name an error of AWS's by its code, any other by its type; neither holds data."""
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


def _is_trouble(error: BaseException) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, UNANSWERED)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    is_late = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    return is_late or error_code(error) in PASSING
