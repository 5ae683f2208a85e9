"""Uploads of rosters: a presigned URL for one file of one size, valid for one PUT."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lookup.aws.signed_urls import LIFETIME
from lookup.errors import InvalidInput, LimitExceeded
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.rosters.decompression import MEGABYTE
from lookup.rosters.keys import UPLOAD_TAG, key_of

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


MICROSECONDS = 1_000_000
RETENTION_SECONDS = 24 * 3600.0  # of an item after its last upload
MAX_ATTEMPTS = 3  # each after a removal of expired ones


class OpenUploads:
    """The open uploads of partners, `limit` of each."""

    def __init__(self, table: LedgerTable, limit: int) -> None:
        self._table = table
        self._limit = limit

    def count(self, partner: str, ends_at: float) -> None:
        """Count an upload that is open until `ends_at` (epoch seconds). Raises `LimitExceeded`."""
        values = {"most": self._limit, "expires": int(ends_at + RETENTION_SECONDS)}
        room = "attribute_not_exists(#ends) OR (size(#ends) < :most AND NOT contains(#ends, :one))"
        for _ in range(MAX_ATTEMPTS):
            end = int(ends_at) * MICROSECONDS + secrets.randbelow(MICROSECONDS)  # distinct members of the set
            change, written = "SET #expires_at = :expires ADD #ends :end", values | {"end": {end}, "one": end}
            if self._table.update_item(_key(partner), change, written, condition=room) is not None:
                return
            self._forget_ended(partner)
        raise LimitExceeded("uploads", self._limit)

    def _forget_ended(self, partner: str) -> None:
        """Remove the uploads that have ended. Raises `LimitExceeded` when none has."""
        items = self._table.read([_key(partner)])
        ends: set[Any] = deserialize(items[0]).get("ends", set()) if items else set()
        ended = {end for end in ends if end <= self._table.clock() * MICROSECONDS}
        if not ended and len(ends) >= self._limit:
            raise LimitExceeded("uploads", self._limit)
        if ended:
            now = int(self._table.clock())
            self._table.update_item(
                _key(partner), "SET #looked_at = :now DELETE #ends :ended", {"now": now, "ended": ended}
            )


def _key(partner: str) -> dict[str, Any]:
    return serialize({"pk": f"uploads#{partner}", "sk": "open"})
