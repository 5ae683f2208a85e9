"""Result files in S3: gzip NDJSON, one record per identifier, partitioned for SQL.

`parts/workspace=<w>/dt=<YYYY-MM-DD>/hour=<HH>/<lookup>-<part>.ndjson.gz`. Date and hour are those at which
the part was fed, so a redelivery has the same key. Answers at once of an hour share objects there:
`…/answers-<fingerprint>.ndjson.gz`.
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
from lookup.ledger.collecting.hour_marks import Hour
from lookup.model import ERASED, Attributes, Identifier, Outcome, timestamp

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEMA_VERSION = 1
MAX_ATTEMPTS = (
    5  # of one object, each in conflict with another writer: more than two concurrent deliveries do not occur
)
ANSWERS, ON_DEMAND, INTAKE = "answers-", "on-demand-", "intake-"  # how names begin of what no lookup's end collects
ROUND = "round"  # metadata of a part's object
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
PRECONDITION_FAILED, WRITE_CONFLICT = "PreconditionFailed", "ConditionalRequestConflict"
OUTCOME_KEYS = (
    "identifier_type", "identifier", "outcome", "reason", "source", "fetched_at", "changed_fields", "replaced_fields",
    "user_attributes",
)  # fmt: skip
DEFAULTS: Mapping[str, object] = {"replaced_fields": []}  # of records written before the key was added


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a result object: an outcome, and its part."""

    part: str
    outcome: Outcome
    correlation_id: str | None = None

    def changed_by(self, lookup_id: str) -> bool | None:
        """Return whether this lookup fetched a user who is new, gone or different; None when nothing is known of it."""
        profile = self.outcome.profile
        if profile is None:
            return None
        return profile.lookup_id == lookup_id and profile.changed_at == profile.fetched_at


class ResultFiles:
    """The result objects of all lookups."""

    def __init__(self, client: S3Client, bucket_name: str) -> None:
        self._client = client
        self._bucket = bucket_name

    def write(self, *, workspace: str, lookup_id: str, name: str, fed_at: float, records: Iterable[Record]) -> str:
        """Write the records of one response. Return the key."""
        key = result_key(workspace, lookup_id, name, fed_at)
        self._put(key, packed(ndjson(lookup_id, records)))
        return key

    def write_once(
        self, *, workspace: str, lookup_id: str, name: str, fed_at: float, records: Iterable[Record], retry_round: int
    ) -> tuple[str, Sequence[Mapping[str, Any]] | None]:
        """Write the records of one part, or of several fetched together, unless they are written already.

        Return the key, and None or the existing records of `retry_round` or a later one: two deliveries may be
        processed at once with different outcomes, and only one may be published and counted. Raises `AwsUnavailable`.
        """
        key, body = result_key(workspace, lookup_id, name, fed_at), packed(ndjson(lookup_id, records))
        condition = {"IfNoneMatch": "*"}
        for _ in range(MAX_ATTEMPTS):
            try:
                self._put(key, body, Metadata={ROUND: str(retry_round)}, **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] == WRITE_CONFLICT:
                    continue
                if error.response["Error"]["Code"] != PRECONDITION_FAILED:
                    raise
            else:
                return key, None
            existing = self._client.get_object(Bucket=self._bucket, Key=key)
            if int(existing["Metadata"].get(ROUND, "0")) >= retry_round:
                return key, _read_ndjson(existing["Body"].read())
            condition = {"IfMatch": existing["ETag"]}
        raise AwsUnavailable(f"writing an object met conflicts {MAX_ATTEMPTS} times")

    def write_answers(self, hour: Hour, lookup_ids: Iterable[str], body: bytes) -> str:
        """Write the packed records of several answers at once of an hour. Return the key."""
        name = hashlib.sha256("\n".join(sorted(lookup_ids)).encode()).hexdigest()[:32]
        key = f"{hour_prefix(hour)}{ANSWERS}{name}.ndjson.gz"
        self._put(key, body)
        return key

    def _put(self, key: str, body: bytes, **more: Any) -> None:  # noqa: ANN401 - S3's own arguments
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/gzip", **more)

    def read(self, key: str) -> list[dict[str, Any]]:
        """Read the outcomes of one object, as `outcome_json` wrote them."""
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return [{name: {**DEFAULTS, **record}[name] for name in OUTCOME_KEYS} for record in _read_ndjson(body)]

    def write_unmatched(self, workspace: str, fetched_at: float, users: Sequence[Attributes]) -> None:
        """Write returned users that were not requested, beside the results: signs of a merge or a vendor's defect."""
        lines = b"".join(exact_json.dumps_well_formed(_unmatched(user)) + b"\n" for user in users)
        name = hashlib.sha256(lines).hexdigest()[:32]
        key = f"unmatched/workspace={workspace}/dt={timestamp(fetched_at)[:10]}/{name}.ndjson.gz"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=gzip.compress(lines, mtime=0))


def _unmatched(user: Attributes) -> dict[str, object]:
    attributes, replaced = exact_json.well_formed(user)
    return {"user_attributes": attributes} | ({"replaced_fields": replaced} if replaced else {})


def ndjson(lookup_id: str, records: Iterable[Record]) -> bytes:
    """Write records as lines."""
    return b"".join(exact_json.dumps_well_formed(record_json(lookup_id, record)) + b"\n" for record in records)


def packed(lines: bytes) -> bytes:
    """Pack lines as every result object holds them: the same lines are the same bytes."""
    return gzip.compress(lines, compresslevel=6, mtime=0)


def _read_ndjson(body: bytes) -> list[dict[str, Any]]:
    return [exact_json.loads(line) for line in gzip.decompress(body).splitlines()]  # type: ignore[misc]  # objects


def result_key(workspace: str, lookup_id: str, name: str, fed_at: float) -> str:
    """Return the key of one part's object."""
    return f"{hour_prefix(Hour.of(workspace, fed_at))}{lookup_id}-{name}.ndjson.gz"


def hour_prefix(hour: Hour) -> str:
    """Return what the keys of an hour's objects begin with."""
    return f"parts/workspace={hour.workspace}/dt={hour.day}/hour={hour.of_day}/"


def record_json(lookup_id: str, record: Record) -> dict[str, object]:
    """Return one record; every record has every key, so that all have the same columns."""
    subject, is_erased = record.outcome.subject, record.outcome.reason == ERASED
    written: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "lookup_id": lookup_id,
        "part": record.part,
        "correlation_id": None if is_erased else record.correlation_id,
        "line": None if isinstance(subject, Identifier) else subject.line,
        "changed": record.changed_by(lookup_id),
        **outcome_json(record.outcome),
    }
    return written | {"identifier": None} if is_erased else written


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """Return one outcome as partners and analysts read it."""
    subject, profile = outcome.subject, outcome.profile
    return {
        "identifier_type": str(subject.identifier_type),
        "identifier": subject.identifier if isinstance(subject, Identifier) else subject.excerpt,
        "outcome": outcome.status.value,
        "reason": outcome.reason,
        "source": outcome.source.value if outcome.source else None,
        "fetched_at": timestamp(profile.fetched_at) if profile else None,
        "changed_fields": list(profile.changed_fields) if profile else [],
        "replaced_fields": list(profile.replaced_fields) if profile else [],
        "user_attributes": profile.attributes if profile else None,
    }
