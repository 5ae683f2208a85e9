"""The addresses that partners get for files."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from lookup.clients import S3_CONFIG
from lookup.rosters import Rosters


@pytest.mark.parametrize("region", ["eu-central-1", "eu-west-1", "ap-south-1", "il-central-1"])
def test_a_signed_url_names_the_bucket_s_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3's global address would redirect while a bucket is new, and a signature does not survive a redirect."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="test", region_name=region)
    _, url = Rosters(session.client("s3", config=S3_CONFIG), "rosters-of-crm").upload("crm")
    parts = urlsplit(url)
    assert (parts.scheme, parts.hostname) == ("https", f"rosters-of-crm.s3.{region}.amazonaws.com")
    assert parse_qs(parts.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
