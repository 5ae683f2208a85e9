"""The addresses that partners get for files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.session
import pytest
from botocore.credentials import RefreshableCredentials

from lookup.aws.signed_urls import LIFETIME, expires_at, seconds_left
from lookup.errors import AwsUnavailable
from lookup.rosters.uploads import RosterUploads
from lookup.wiring.clients import S3_CONFIG


@pytest.mark.parametrize("region", ["eu-central-1", "eu-west-1", "ap-south-1", "il-central-1"])
def test_a_signed_url_names_the_bucket_s_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3's global address would redirect while a bucket is new, and a signature does not survive a redirect."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="test", region_name=region)
    upload = RosterUploads(session.client("s3", config=S3_CONFIG), "rosters-of-crm", megabytes=1).sign("crm", 7)
    parts = urlsplit(upload.url)
    assert (parts.scheme, parts.hostname) == ("https", f"rosters-of-crm.s3.{region}.amazonaws.com")
    assert parse_qs(parts.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert parse_qs(parts.query)["X-Amz-SignedHeaders"] == ["content-length;host;if-none-match;x-amz-tagging"]


def short_lived(minutes: float, *, renewed_to: float | None = None) -> RefreshableCredentials:
    """Make a role's session that ends in so many minutes; it is renewed to so many, or to the same."""
    begun = datetime.now(UTC)

    def ending(after: float) -> dict[str, str]:
        ends = (begun + timedelta(minutes=after)).isoformat()
        return {"access_key": "ASIA", "secret_key": "key", "token": f"until-{after}", "expiry_time": ends}

    return RefreshableCredentials(
        "ASIA",
        "key",
        "first",
        begun + timedelta(minutes=minutes),
        lambda: ending(minutes if renewed_to is None else renewed_to),
        "container-role",
    )


@pytest.mark.parametrize(
    ("minutes", "promised"), [(60, 900), (15.5, 900), (14.5, 600), (9, 300), (4.5, 120), (1.5, 60)]
)
def test_no_url_is_promised_longer_than_its_credentials(minutes: float, promised: int) -> None:
    """What signs a URL ends it: with credentials of a known end less is promised, the sooner they end."""
    assert seconds_left(short_lived(minutes)) == promised


def test_credentials_are_renewed_before_they_sign() -> None:
    """Credentials that are about to end are replaced first, if there are others; the URL is signed with those."""
    credentials = short_lived(5, renewed_to=60)
    assert seconds_left(credentials) == LIFETIME
    assert credentials.get_frozen_credentials().token == "until-60"


def test_without_credentials_nothing_is_promised() -> None:
    """Credentials that expire within a minute and are not renewed sign nothing; the caller is asked to retry later."""
    with pytest.raises(AwsUnavailable):
        seconds_left(short_lived(0.9))


def test_a_url_of_short_lived_credentials_says_when_it_ends() -> None:
    """An upload's URL is signed for as long as its session surely lasts, and its reported expiry is the signed one."""
    core = botocore.session.get_session()
    core._credentials = short_lived(6)  # type: ignore[attr-defined]  # noqa: SLF001 - as botocore's own resolver sets it
    session = boto3.Session(region_name="eu-central-1", botocore_session=core)
    client = session.client("s3", config=S3_CONFIG)
    left = lambda: seconds_left(session.get_credentials())  # noqa: E731 - as it is wired
    url = RosterUploads(client, "rosters-of-crm", megabytes=1, url_seconds=left).sign("crm", 7).url
    signed = parse_qs(urlsplit(url).query)
    assert (signed["X-Amz-Expires"], signed["X-Amz-Security-Token"]) == (["300"], ["until-6"])
    ends = expires_at(url)
    assert datetime.now(UTC).timestamp() + 240 < ends <= datetime.now(UTC).timestamp() + 300
