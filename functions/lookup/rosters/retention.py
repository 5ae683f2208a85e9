"""The retention of uploaded rosters: while a schedule names them, otherwise the stage's days or until deleted.

S3 deletes objects with `UPLOAD_TAG` by age. A roster has another tag while a schedule names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lookup.errors import Conflict, NotFound
from lookup.ledger.lookups import LookupLedger
from lookup.rosters.keys import SCHEDULE_TAG, UPLOAD_TAG, copies_of
from lookup.rosters.references import RosterReferences

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_LOOKUPS = 500  # lookups of a roster that one deletion checks
PAGE = 25
GONE = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}  # the last is S3's error for a deleted object's tags


class RosterRetention:
    """The rosters of one bucket. `is_named` returns whether a schedule, by its full name, names a roster's key."""

    def __init__(
        self,
        client: S3Client,
        bucket_name: str,
        *,
        references: RosterReferences,
        ledger: LookupLedger,
        is_named: Callable[[str, str], bool],
    ) -> None:
        self._client = client
        self._bucket = bucket_name
        self._references = references
        self._ledger = ledger
        self._is_named = is_named

    def retain_for(self, key: str, schedule: str) -> None:
        """Retain a roster for a schedule that is going to name it."""
        self._references.add_schedule(key, schedule)
        self._tag(key, SCHEDULE_TAG)

    def release(self, key: str, schedule: str) -> None:
        """Make a roster expire that a schedule no longer names, unless another does.

        The check is repeated after the tag: a schedule that names it meanwhile records that before it tags.
        """
        self._references.remove_schedule(key, schedule)
        if not self._references.schedules(key):
            self._tag(key, UPLOAD_TAG)
            if self._references.schedules(key):
                self._tag(key, SCHEDULE_TAG)

    def _tag(self, key: str, tag: str) -> None:
        name, _, value = tag.partition("=")
        try:
            self._client.put_object_tagging(
                Bucket=self._bucket, Key=key, Tagging={"TagSet": [{"Key": name, "Value": value}]}
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise

    def delete(self, key: str) -> None:
        """Delete a roster, all its versions and all copies of it.

        Raises `Conflict` while a schedule or a lookup that has not ended needs it, and `NotFound` when there is none.
        """
        self._check_schedules(key)
        self._check_lookups(key)
        if not self._exists(key):
            raise NotFound("there is no such roster")
        # An empty object replaces it, otherwise the upload's URL would be valid again.
        empty = self._client.put_object(Bucket=self._bucket, Key=key, Body=b"", Tagging=UPLOAD_TAG)
        older = [one for one in self._versions(key) if one[0] == key and one[1] != empty.get("VersionId")]
        self._delete(older)
        self._delete(list(self._versions(copies_of(key))))
        self._references.remove_copies(key)

    def _exists(self, key: str) -> bool:
        """Return whether a roster has a version that is not empty."""
        page = self._client.list_object_versions(Bucket=self._bucket, Prefix=key)
        return any(one["Key"] == key and one["Size"] for one in page.get("Versions", []))

    def _check_schedules(self, key: str) -> None:
        for name in self._references.schedules(key):
            if self._is_named(name, key):
                raise Conflict(f"the schedule {name.partition('.')[2]!r} names this roster: delete or change it first")
            self._references.remove_schedule(key, name)

    def _check_lookups(self, key: str) -> None:
        lookups = self._references.lookups(key)
        for _ in range(MAX_LOOKUPS // PAGE):
            page = list(islice(lookups, PAGE))
            found = {one.spec.lookup_id: one for one in self._ledger.get_many([lookup_id for _, lookup_id in page])}
            for mark, lookup_id in page:
                progress = found.get(lookup_id)
                if progress is not None and progress.finished_at is None:
                    raise Conflict(f"the lookup {lookup_id} has not ended: cancel it, or wait")
                self._references.remove(key, mark)
            if len(page) < PAGE:
                return
        raise Conflict(
            f"over {MAX_LOOKUPS} lookups had this roster; those looked at have ended: ask again for the others"
        )

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                yield one["Key"], one["VersionId"]

    def _delete(self, versions: Sequence[tuple[str, str]]) -> None:
        for key, version_id in versions:
            self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version_id)
