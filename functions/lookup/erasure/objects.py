"""Objects of the bucket with all their versions: read, replaced whole, and deleted exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"})
CHUNK = 256 * 1024  # bytes
MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", *GONE})


class Moved(Exception):
    """Somebody else replaced or deleted an object since it was read."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; a delete marker has no content."""

    version_id: str
    is_latest: bool
    is_marker: bool
    modified: float
    size: int = 0


@dataclass(frozen=True, slots=True)
class VersionedObject:
    """An object by its key, with its versions, the newest first."""

    key: str
    versions: tuple[Version, ...]

    @property
    def current(self) -> Version | None:
        """The version that readers see; None of a deleted object."""
        return next((one for one in self.versions if one.is_latest and not one.is_marker), None)

    @property
    def former(self) -> list[Version]:
        """The versions with content that readers do not see."""
        return [one for one in self.versions if not one.is_marker and not one.is_latest]


@dataclass(frozen=True, slots=True)
class Content:
    """What an object holds, its ETag, and what it is replaced with beside its content."""

    body: bytes
    etag: str
    like: Mapping[str, Any]


class Objects:
    """The objects of one bucket."""

    def __init__(self, client: S3Client, bucket_name: str) -> None:
        self._client = client
        self._bucket = bucket_name

    def under(self, prefix: str, *, after: str = "") -> Iterator[VersionedObject]:
        """Yield the objects below a prefix in order, deleted ones included, from the key behind `after` on."""
        start: dict[str, Any] = {"KeyMarker": after} if after else {}
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix, **start)
        rows = ((one["Key"], one) for page in pages for one in _merged(page))
        for key, group in groupby(rows, key=lambda row: row[0]):
            if key > after:
                yield VersionedObject(key, tuple(_version(one) for _, one in group))

    def folders(self, prefix: str) -> list[str]:
        """Return the prefixes one slash below a prefix."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        return sorted({one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])})

    def read(self, key: str, version: Version | None = None) -> Content | None:
        """Read an object, or a version of it; None when it is gone."""
        which: dict[str, Any] = {} if version is None else {"VersionId": version.version_id}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **which)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return None
        like = {"Metadata": answer.get("Metadata", {}), "ContentType": answer.get("ContentType", "")}
        return Content(answer["Body"].read(), answer["ETag"], like)

    def chunks(self, key: str, version: Version) -> Iterator[bytes]:
        """Read a version of an object piece by piece: it may be longer than the memory. Nothing of one that is gone."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version.version_id)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return
        with closing(answer["Body"]) as body:
            yield from body.iter_chunks(CHUNK)

    def replace(self, key: str, body: bytes, before: Content) -> None:
        """Replace an object at once; readers see the one or the other. Raises `Moved` when it is another by now."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfMatch=before.etag, **before.like)
        except ClientError as error:
            if error.response["Error"]["Code"] in MOVED:
                raise Moved from None
            raise

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write a new object."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def delete(self, key: str, version: Version) -> None:
        """Delete one version for good."""
        self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version.version_id)

    def delete_all(self, key: str) -> None:
        """Delete every version and marker of a key for good."""
        for one in self.under(key):
            if one.key == key:
                for version in one.versions:
                    self.delete(key, version)

    def delete_former(self, key: str) -> int:
        """Delete the versions of an object that readers do not see; return how many there were."""
        former = [version for one in self.under(key) if one.key == key for version in one.former]
        for version in former:
            self.delete(key, version)
        return len(former)

    def has_uploads_since_before(self, prefix: str, moment: float) -> bool:
        """Return whether an upload is unfinished that was begun at or before a moment (epoch seconds)."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        begun = (one["Initiated"].timestamp() for page in pages for one in page.get("Uploads", []))
        return any(one <= moment for one in begun)


def _merged(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    markers = [{**one, "is_marker": True} for one in page.get("DeleteMarkers", [])]
    return sorted([*page.get("Versions", []), *markers], key=lambda one: one["Key"])


def _version(row: Mapping[str, Any]) -> Version:
    return Version(
        row["VersionId"], row["IsLatest"], "is_marker" in row, row["LastModified"].timestamp(), row.get("Size", 0)
    )
