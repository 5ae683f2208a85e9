"""The deletion of parts some days after their lookup's end, by the minute's tick, so much at a time.

S3 counts the days of its lifecycle from an object's creation, and a lookup may run for days: by the lifecycle parts
would have to be kept for the longest lookup's time. Their keys are in the ledger, and DeleteObjects costs nothing:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-multiple-objects.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from lookup.errors import AwsUnavailable
from lookup.ledger.collecting.collections import CollectionLedger, DueParts
from lookup.ledger.lookups import LookupLedger
from lookup.model import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OBJECTS_PER_REQUEST = 1000  # that DeleteObjects takes
EVERY = 600.0  # seconds between two looks of an instance: most ticks ask for nothing
PARTS_PER_TICK = 10_000  # 1.4 million a day: a hundred times what one workspace's quota lets be written
LOOKUPS_PER_TICK = 50
PARTS = "parts/"  # what an earlier release wrote elsewhere expires by its age


class PartExpiry:
    """Deletes the parts of lookups that are due."""

    def __init__(
        self,
        client: S3Client,
        bucket_name: str,
        *,
        collections: CollectionLedger,
        ledger: LookupLedger,
        clock: Clock,
        every: float = EVERY,
        per_tick: int = PARTS_PER_TICK,
        per_request: int = OBJECTS_PER_REQUEST,
    ) -> None:
        self._client = client
        self._bucket = bucket_name
        self._collections = collections
        self._ledger = ledger
        self._clock = clock
        self._every = every
        self._looked_at = float("-inf")
        self._per_tick = per_tick
        self._per_request = per_request

    def run(self) -> int:
        """Delete parts whose time is over; return how many parts these were. Raises `AwsUnavailable`."""
        if self._clock() < self._looked_at + self._every:
            return 0
        self._looked_at, passed = self._clock(), 0
        for due in self._collections.due_parts(self._clock(), limit=LOOKUPS_PER_TICK):
            passed += self._delete(due, self._per_tick - passed)
            if passed >= self._per_tick:
                break
        return passed

    def _delete(self, due: DueParts, most: int) -> int:
        """Delete up to `most` parts of a lookup, and remember how far it is; nothing of one that was retried since."""
        progress = self._ledger.get(due.lookup_id)
        if progress is None or progress.finished_at != due.ended_at:
            self._collections.forget_due(due)
            return 0
        passed, mark = 0, due.mark
        for numbers, keys in self._batches(due, most):
            self._delete_objects(keys)
            passed, mark = passed + len(numbers), numbers[-1]
        if passed < most:
            self._collections.forget_due(due)
        else:
            self._collections.keep_due(due, mark)
        return passed

    def _batches(self, due: DueParts, most: int) -> Iterator[tuple[list[str], set[str]]]:
        """Read parts behind the mark, `most` at most; those that were fetched together share an object."""
        records = islice(self._collections.records(due.lookup_id, after=due.mark), most)
        while some := list(islice(records, self._per_request)):
            keys = {record.key for record in some if record.key.startswith(PARTS)}
            yield [record.number for record in some], keys

    def _delete_objects(self, keys: set[str]) -> None:
        if not keys:
            return
        objects = [{"Key": key} for key in sorted(keys)]
        answer = self._client.delete_objects(
            Bucket=self._bucket,
            Delete={"Objects": objects, "Quiet": True},  # type: ignore[typeddict-item]  # ObjectIdentifier
        )
        if errors := answer.get("Errors"):
            raise AwsUnavailable(f"S3 did not delete {len(errors)} objects: {errors[0].get('Code')}")
