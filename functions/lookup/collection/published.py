"""What is published of a lookup: where its files stand, and what its manifest says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lookup.collection.files import Format, ResultFile
from lookup.errors import Expired
from lookup.ledger.collecting.collections import Collection, CollectionLedger, CollectionState, is_over
from lookup.ledger.collecting.exports import ExportState
from lookup.ledger.model import LookupRecord

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that can be read; `only` is `changed` where it holds nothing else."""

    name: str
    key: str
    format: Format
    only: str | None
    records: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> PublishedFile:
        """Return a file as a manifest describes it."""
        numbers = int(said["records"]), int(said["bytes"])
        return cls(said["name"], said["key"], Format(said["format"]), said["only"], *numbers, said["sha256"])


class PublishedResults:
    """Reads what `Collector` published."""

    def __init__(self, client: S3Client, bucket_name: str, collections: CollectionLedger) -> None:
        self._client = client
        self._bucket = bucket_name
        self._collections = collections

    def of_many(self, progresses: Sequence[LookupRecord]) -> dict[str, Collection]:
        """Return where the files of lookups that have ended stand, by lookup id; others are absent."""
        ended = [one for one in progresses if is_over(one)]
        found = self._collections.read_all([one.spec.lookup_id for one in ended]) if ended else {}
        return {one.spec.lookup_id: _at_this_end(one, found.get(one.spec.lookup_id)) for one in ended}

    def of(self, progress: LookupRecord) -> Collection | None:
        """Return where the files of a lookup stand; None of one that has not ended."""
        return self.of_many([progress]).get(progress.spec.lookup_id)

    def files(self, lookup_id: str, collection: Collection | None) -> list[PublishedFile]:
        """Return the files, those of exports last, and none of a lookup that is not ready. Raises `Expired`."""
        if collection is None or collection.state is not CollectionState.READY or collection.manifest is None:
            return []
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=collection.manifest)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise Expired("the files of this lookup are deleted") from None
        collected = [PublishedFile.of(said) for said in json.loads(body)["files"]]
        return collected + self._exported(lookup_id, collection)

    def _exported(self, lookup_id: str, collection: Collection) -> list[PublishedFile]:
        ready = {name for name, export in collection.exports.items() if export.state is ExportState.READY}
        if not ready:
            return []
        sets = self._collections.sets(lookup_id)
        own = [one for one in sets if one.round == collection.round and one.export in ready]
        files = [ResultFile.from_json(data) for one in own for data in one.files]
        return [PublishedFile.of(file.described()) for file in files]


def _at_this_end(progress: LookupRecord, found: Collection | None) -> Collection:
    ended_at = progress.finished_at or 0.0
    return found if found is not None and found.ended_at == ended_at else Collection(ended_at)
