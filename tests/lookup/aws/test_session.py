"""Clients of functions: what each request does not compute again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import __version__
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ParamValidationError

from lookup.aws.session import AwsSession

AGENT = f"Botocore/{__version__} app/moengage-lookup"


class Body:
    """The body of an answer without content."""

    def stream(self) -> Iterator[bytes]:
        """Return it as botocore reads it."""
        yield b"{}"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> AwsSession:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return AwsSession()


def sent_by(client: Any) -> list[AWSPreparedRequest]:
    """Answer every request of a client at once, and return those that it sends from now on."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), Body())

    client.meta.events.register("before-send", answer)
    return sent


@pytest.mark.parametrize("config", [None, Config(read_timeout=5)])
def test_every_request_names_the_service(session: AwsSession, config: Config | None) -> None:
    """AWS sees who calls, by one text that is the same for all requests, and a client keeps its own configuration."""
    client = session.client("dynamodb", config=config)
    sent = sent_by(client)
    client.get_item(TableName="table", Key={"pk": {"S": "one"}})
    (request,) = sent
    assert f"b'{AGENT}" in str(request.headers["User-Agent"])  # Powertools adds its own in some processes
    assert client.meta.config.read_timeout == (5 if config else 60)


def test_a_key_without_a_name_never_reaches_s3(session: AwsSession) -> None:
    """Where a name is part of the address an empty one would be another request: it is an error."""
    client = session.client("s3")
    sent = sent_by(client)
    with pytest.raises(ParamValidationError):
        client.get_object(Bucket="bucket", Key="")
    assert sent == []
