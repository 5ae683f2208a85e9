"""How long uploaded rosters stay: while a schedule names them, else for the stage's time or until they are deleted.

S3 deletes by age what carries the tag of an upload (`EXPIRING`). It has another while a schedule names the roster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lookup.errors import Conflict, NotFound
from lookup.ledger.lookups import LookupLedger
from lookup.rosters.keys import EXPIRING, KEPT, copies_of
from lookup.rosters.references import RosterReferences

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOOKED_AT = 500  # lookups over a roster that one deletion looks at
AT_ONCE = 25
GONE = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}  # the last is S3's answer to a deleted object's tags


class RosterRetention:
    """The rosters of one bucket. `names` tells whether a schedule, by its full name, still names a roster's key."""

    def __init__(
        self,
        client: S3Client,
        bucket_name: str,
        *,
        needs: RosterReferences,
        ledger: LookupLedger,
        names: Callable[[str, str], bool],
    ) -> None:
        self._client = client
        self._bucket = bucket_name
        self._needs = needs
        self._ledger = ledger
        self._names = names

    def keep(self, key: str, schedule: str) -> None:
        """Keep a roster for a schedule that is going to name it."""
        self._needs.named(key, schedule)
        self._tag(key, KEPT)

    def let_go(self, key: str, schedule: str) -> None:
        """Let a roster expire that a schedule names no more, unless another does.

        It is looked twice: a schedule that comes to name it meanwhile notes that before it tags.
        """
        self._needs.forget_schedule(key, schedule)
        if not self._needs.schedules(key):
            self._tag(key, EXPIRING)
            if self._needs.schedules(key):
                self._tag(key, KEPT)

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
        if not self._is_there(key):
            raise NotFound("there is no such roster")
        # An empty object stays in its place, or the upload's URL would be good again.
        empty = self._client.put_object(Bucket=self._bucket, Key=key, Body=b"", Tagging=EXPIRING)
        older = [one for one in self._versions(key) if one[0] == key and one[1] != empty.get("VersionId")]
        self._delete(older)
        self._delete(list(self._versions(copies_of(key))))
        self._needs.forget_copies(key)

    def _is_there(self, key: str) -> bool:
        """Return whether there is a version of a roster that holds anything."""
        page = self._client.list_object_versions(Bucket=self._bucket, Prefix=key)
        return any(one["Key"] == key and one["Size"] for one in page.get("Versions", []))

    def _check_schedules(self, key: str) -> None:
        for name in self._needs.schedules(key):
            if self._names(name, key):
                raise Conflict(f"the schedule {name.partition('.')[2]!r} names this roster: delete or change it first")
            self._needs.forget_schedule(key, name)

    def _check_lookups(self, key: str) -> None:
        lookups = self._needs.lookups(key)
        for _ in range(LOOKED_AT // AT_ONCE):
            page = list(islice(lookups, AT_ONCE))
            found = {one.spec.lookup_id: one for one in self._ledger.get_many([lookup_id for _, lookup_id in page])}
            for mark, lookup_id in page:
                progress = found.get(lookup_id)
                if progress is not None and progress.finished_at is None:
                    raise Conflict(f"the lookup {lookup_id} has not ended: cancel it, or wait")
                self._needs.forget(key, mark)
            if len(page) < AT_ONCE:
                return
        raise Conflict(
            f"over {LOOKED_AT} lookups had this roster; those looked at have ended: ask again for the others"
        )

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                yield one["Key"], one["VersionId"]

    def _delete(self, versions: Sequence[tuple[str, str]]) -> None:
        for key, version_id in versions:
            self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version_id)
