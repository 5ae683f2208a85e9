"""What was fetched, in S3: gzip NDJSON, one record per identifier, partitioned so that SQL finds it.

`results/workspace=<w>/dt=<YYYY-MM-DD>/hour=<HH>/<lookup>-<part>.ndjson.gz`. Date and hour are those of the part's
feeding, so a redelivery finds its own object.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lookup import exact_json
from lookup.errors import AwsUnavailable
from lookup.model import Attributes, Identifier, Outcome, timestamp

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEMA_VERSION = 1
WRITES = 5  # of one object, each met by another writer: more than two deliveries of a part at one time are unheard of
ROUND = "round"  # metadata of a part's object
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
THERE, CONTENDED = "PreconditionFailed", "ConditionalRequestConflict"
OUTCOME = (
    "identifier_type", "identifier", "outcome", "reason", "source", "fetched_at", "changed_fields", "replaced_fields",
    "user_attributes",
)  # fmt: skip
BEFORE: Mapping[str, object] = {
    "replaced_fields": []
}  # what records lack that were written before there was such a key


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a result object: an outcome, and the part that asked."""

    part: str
    outcome: Outcome
    correlation_id: str | None = None


class ResultFiles:
    """The result objects of all lookups."""

    def __init__(self, client: S3Client, bucket_name: str) -> None:
        self._client = client
        self._bucket = bucket_name

    def write(self, *, workspace: str, lookup_id: str, name: str, fed_at: float, records: Iterable[Record]) -> str:
        """Store the records of one answer; give the key."""
        key = result_key(workspace, lookup_id, name, fed_at)
        self._put(key, _packed(lookup_id, records))
        return key

    def write_once(
        self, *, workspace: str, lookup_id: str, name: str, fed_at: float, records: Iterable[Record], tried_in: int
    ) -> tuple[str, Sequence[Mapping[str, Any]] | None]:
        """Store the records of one part, or of several that were fetched together, unless they are stored already.

        Gives the key, and None or what is there of the round `tried_in` or a later one: two deliveries may be served
        at the same time and end differently, and only one of them may be told and counted. Raises `AwsUnavailable`.
        """
        key, body = result_key(workspace, lookup_id, name, fed_at), _packed(lookup_id, records)
        condition = {"IfNoneMatch": "*"}
        for _ in range(WRITES):
            try:
                self._put(key, body, Metadata={ROUND: str(tried_in)}, **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] == CONTENDED:
                    continue
                if error.response["Error"]["Code"] != THERE:
                    raise
            else:
                return key, None
            there = self._client.get_object(Bucket=self._bucket, Key=key)
            if int(there["Metadata"].get(ROUND, "0")) >= tried_in:
                return key, _unpacked(there["Body"].read())
            condition = {"IfMatch": there["ETag"]}
        raise AwsUnavailable(f"an object met other writers {WRITES} times")

    def _put(self, key: str, body: bytes, **more: Any) -> None:  # noqa: ANN401 - S3's own arguments
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/gzip", **more)

    def read(self, key: str) -> list[dict[str, Any]]:
        """Read the outcomes of one object back, as `outcome_json` wrote them."""
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return [{name: {**BEFORE, **record}[name] for name in OUTCOME} for record in _unpacked(body)]

    def keep_unmatched(self, workspace: str, fetched_at: float, users: Sequence[Attributes]) -> None:
        """Keep returned users that nobody asked for, beside the results: a merge or a vendor's defect shows there."""
        lines = b"".join(exact_json.dumps_well_formed(_unmatched(user)) + b"\n" for user in users)
        name = hashlib.sha256(lines).hexdigest()[:32]
        key = f"unmatched/workspace={workspace}/dt={timestamp(fetched_at)[:10]}/{name}.ndjson.gz"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=gzip.compress(lines, mtime=0))


def _unmatched(user: Attributes) -> dict[str, object]:
    attributes, replaced = exact_json.well_formed(user)
    return {"user_attributes": attributes} | ({"replaced_fields": replaced} if replaced else {})


def _packed(lookup_id: str, records: Iterable[Record]) -> bytes:
    lines = b"".join(exact_json.dumps_well_formed(as_json(lookup_id, record)) + b"\n" for record in records)
    return gzip.compress(lines, compresslevel=6, mtime=0)


def _unpacked(body: bytes) -> list[dict[str, Any]]:
    return [exact_json.loads(line) for line in gzip.decompress(body).splitlines()]  # type: ignore[misc]  # objects


def result_key(workspace: str, lookup_id: str, name: str, fed_at: float) -> str:
    """Name the object of one part."""
    day, time = timestamp(fed_at).split("T")
    return f"results/workspace={workspace}/dt={day}/hour={time[:2]}/{lookup_id}-{name}.ndjson.gz"


def as_json(lookup_id: str, record: Record) -> dict[str, object]:
    """Write one record; every record has every key, so that readers agree on the columns."""
    asked = record.outcome.subject
    return {
        "schema_version": SCHEMA_VERSION,
        "lookup_id": lookup_id,
        "part": record.part,
        "correlation_id": record.correlation_id,
        "line": None if isinstance(asked, Identifier) else asked.line,
        **outcome_json(record.outcome),
    }


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """Write one outcome as partners and analysts read it."""
    asked, profile = outcome.subject, outcome.profile
    return {
        "identifier_type": str(asked.identifier_type),
        "identifier": asked.identifier if isinstance(asked, Identifier) else asked.excerpt,
        "outcome": outcome.status.value,
        "reason": outcome.reason,
        "source": outcome.source.value if outcome.source else None,
        "fetched_at": timestamp(profile.fetched_at) if profile else None,
        "changed_fields": list(profile.changed_fields) if profile else [],
        "replaced_fields": list(profile.replaced_fields) if profile else [],
        "user_attributes": profile.attributes if profile else None,
    }
