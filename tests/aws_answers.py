"""Responses of AWS that a test injects, through botocore's event hooks `before-send` and `before-call`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

if TYPE_CHECKING:
    from botocore.client import BaseClient

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Body(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def dynamodb_error(url: str, status: int, code: str, **more: Any) -> AWSResponse:
    """Refuse a request of DynamoDB, or of another service that speaks JSON."""
    content: Mapping[str, Any] = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}
    return AWSResponse(url, status, HTTPHeaders(), Body(json.dumps(content).encode()))


def transaction_conflict(url: str, actions: int) -> AWSResponse:
    """Cancel a transaction because another one holds its first item."""
    reasons: Sequence[Mapping[str, str]] = [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * (actions - 1)]
    return dynamodb_error(url, 400, "TransactionCanceledException", CancellationReasons=reasons)


def s3_slow_down(url: str) -> AWSResponse:
    """Throttle a request of S3."""
    return AWSResponse(url, 503, HTTPHeaders(), Body(SLOW_DOWN))


def refused(status: int, code: str) -> tuple[AWSResponse, dict[str, Any]]:
    """Refuse a request for `before-call`: as it looks when botocore's own tries are over, which would take seconds."""
    facts = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return AWSResponse("https://aws", status, HTTPHeaders(), Body()), facts


def meets(client: BaseClient, operation: str, answers: list[tuple[AWSResponse, dict[str, Any]]]) -> None:
    """Answer the next requests of an operation (`dynamodb.PutItem`) with these, from the last to the first."""
    events = client.meta.events
    events.register(f"before-call.{operation}", lambda **_: answers.pop() if answers else None)  # type: ignore[arg-type]  # an answer is allowed
