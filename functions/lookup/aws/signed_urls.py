"""The lifetime of a presigned URL: no longer than that of the credentials that sign it.

A URL ends with the session of a function's role, whatever `X-Amz-Expires` says (Amazon S3 User Guide, "Sharing objects
with presigned URLs": it "expires when the credential expires"). So the promised lifetime is short, and kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from botocore.credentials import RefreshableCredentials

from lookup.errors import AwsUnavailable

if TYPE_CHECKING:
    from botocore.credentials import Credentials

# Seconds. botocore renews credentials with a known end 15 to 10 minutes before it; those that Lambda puts into the
# environment have no known end, and Lambda replaces the environment long before.
LIFETIME = 900
SHORTER_LIFETIMES = (600, 300, 120, 60)


def seconds_left(credentials: Credentials | None) -> int:
    """Return the lifetime (seconds) of a URL that is signed now.

    Raises `AwsUnavailable` when the credentials end within a minute and cannot be renewed.
    """
    if not isinstance(credentials, RefreshableCredentials):
        return LIFETIME
    credentials.get_frozen_credentials()  # renews them if they are about to end
    for seconds in (LIFETIME, *SHORTER_LIFETIMES):
        if not credentials.refresh_needed(seconds):
            return seconds
    raise AwsUnavailable("the credentials of this function are about to end")


def origin_of(url: str) -> str:
    """Return the origin of a URL (RFC 6454): scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def expires_at(url: str) -> float:
    """Return when a presigned URL ends (epoch seconds), as its signature says."""
    signed = parse_qs(urlsplit(url).query)
    begun = datetime.strptime(signed["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return begun.timestamp() + int(signed["X-Amz-Expires"][0])
