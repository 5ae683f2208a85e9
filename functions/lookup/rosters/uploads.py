"""Uploads of rosters: a presigned URL for one file of one size, valid for one PUT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from lookup.aws.signed_urls import LIFETIME
from lookup.errors import InvalidInput
from lookup.rosters.keys import UPLOAD_TAG, key_of
from lookup.rosters.unpacking import MEGABYTE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Signed headers that the client must send. S3 refuses a second PUT with 412, and one without them as badly signed:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
HEADERS = {"If-None-Match": "*", "x-amz-tagging": UPLOAD_TAG}


@dataclass(frozen=True, slots=True)
class Upload:
    """A new roster's id, the URL that takes it by PUT, and the headers to send with it."""

    roster_id: str
    url: str
    headers: dict[str, str]


class RosterUploads:
    """Uploads of one bucket, of at most `megabytes`."""

    def __init__(
        self, client: S3Client, bucket_name: str, *, megabytes: int, url_seconds: Callable[[], int] = lambda: LIFETIME
    ) -> None:
        """`url_seconds` returns the lifetime of an upload's URL."""
        self._client = client
        self._bucket = bucket_name
        self._megabytes = megabytes
        self._url_seconds = url_seconds

    def sign(self, partner: str, size: int) -> Upload:
        """Return a URL that accepts exactly `size` bytes, once. Raises `InvalidInput` above the stage's limit."""
        if size > self._megabytes * MEGABYTE:
            raise InvalidInput("bytes", f"must be at most {self._megabytes * MEGABYTE} ({self._megabytes} MB)")
        roster_id = uuid4().hex
        params = {
            "Bucket": self._bucket,
            "Key": key_of(partner, roster_id),
            "ContentLength": size,
            "IfNoneMatch": HEADERS["If-None-Match"],
            "Tagging": HEADERS["x-amz-tagging"],
        }
        url = self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=self._url_seconds())
        return Upload(roster_id, url, dict(HEADERS))
