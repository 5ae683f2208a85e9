"""The bucket of rosters and results, and the tables of profiles and of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.iam import (
    COLLECT_IN_THE_LEDGER,
    DELETE_OBJECTS,
    ERASE_IN_THE_LEDGER,
    ERASE_OBJECTS,
    ERASE_PROFILES,
    KEEP_OBJECTS,
    KEEP_THE_LEDGER,
    LIST_OBJECTS,
    LIST_UPLOADS,
    LIST_VERSIONS,
    READ_AND_WRITE_PROFILES,
    READ_OBJECTS,
    READ_VERSIONS,
    RECORD_WEBHOOKS,
    WRITE_LARGE_OBJECTS,
    WRITE_OBJECTS,
    Grant,
)
from infra.constructs.removal import removal_policy
from infra.nag import acknowledge
from infra.stage_settings.stage import Stage
from lookup.ledger.model import PARTS_SECONDS
from lookup.model import DAY
from lookup.rosters.keys import INLINE, ROSTERS, UNPACKED, UPLOAD_TAG
from lookup.rosters.uploads import HEADERS

PARTS, RESULTS, OVERSIZE, UNMATCHED = "parts/", "results/", "oversize/", "unmatched/"
WITH_THE_RESULTS = {
    "results": RESULTS,
    "unmatched": UNMATCHED,
    "inline-rosters": INLINE,
    "unpacked-rosters": UNPACKED,
}
PARTS_DAYS = int(PARTS_SECONDS // DAY) + 2
RECEIPTS = "erasures/"  # of erasures: hashes and places
RECEIPT_DAYS = 3 * 365  # for which a company can show what was erased
QUERIES = "queries/"  # where Athena writes what it answers
QUERY_RESULT_DAYS = 7
UPLOAD_HEADERS = (*HEADERS, "Content-Type")  # a browser adds the type of the file
CORS_SECONDS = 3600  # for which a browser need not ask again
EXPIRES_AT = "expires_at"
PRIVATE: Mapping[str, Any] = {
    "encryption": s3.BucketEncryption.S3_MANAGED,
    "enforce_ssl": True,
    "minimum_tls_version": 1.2,
    "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
    "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
}


class Storage(Construct):
    """One bucket, the table of profiles and the ledger."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.access_logs = self._access_logs(stage)
        self.bucket = self._bucket(stage)
        self.profiles = self._table(stage, "Profiles", partition_key="identifier", sort_key="scope")
        self.ledger = self._table(stage, "Ledger", partition_key="pk", sort_key="sk")

    def pipeline_grants(self) -> list[Grant]:
        """Return what every function that looks profiles up does here."""
        return [
            Grant("Profiles", READ_AND_WRITE_PROFILES, [self.profiles.table_arn]),
            self._objects("Oversize", READ_OBJECTS, OVERSIZE),
            self._objects("Results", WRITE_OBJECTS, PARTS, OVERSIZE, UNMATCHED),
        ]

    def serve_grants(self) -> list[Grant]:
        """Return the grants of the parts' worker: on a second delivery it counts what is archived already."""
        return [self._objects("Archived", READ_OBJECTS, PARTS)]

    def feed_grants(self) -> list[Grant]:
        """Return the grants of every function that feeds lookups."""
        return [
            Grant("Ledger", KEEP_THE_LEDGER, [self.ledger.table_arn]),
            self._objects("Rosters", READ_VERSIONS, ROSTERS),
            Grant("Presence", LIST_OBJECTS, [self.bucket.bucket_arn]),
        ]

    def expire_grants(self) -> list[Grant]:
        """Return the grants of the function that deletes parts after their lookup's end."""
        return [self._objects("ExpireParts", DELETE_OBJECTS, PARTS)]

    def partner_grants(self) -> list[Grant]:
        """Return the grants for partners' URLs and inline rosters: a signed URL may do what its signer may."""
        return [
            self._objects("Uploads", (*WRITE_OBJECTS, *KEEP_OBJECTS), ROSTERS),
            Grant("Versions", LIST_VERSIONS, [self.bucket.bucket_arn]),
            self._objects("Downloads", READ_OBJECTS, PARTS, RESULTS),
        ]

    def convert_grants(self) -> list[Grant]:
        """Return the grants of the function that converts rosters."""
        return [*self.feed_grants(), self._objects("Unpack", WRITE_LARGE_OBJECTS, UNPACKED)]

    def collect_grants(self) -> list[Grant]:
        """Return the grants of the function that collects results."""
        return [
            Grant("Ledger", COLLECT_IN_THE_LEDGER, [self.ledger.table_arn]),
            self._objects("Parts", READ_OBJECTS, PARTS),
            self._objects("Collected", (*WRITE_LARGE_OBJECTS, *READ_OBJECTS, *DELETE_OBJECTS), RESULTS),
            Grant("Presence", LIST_OBJECTS, [self.bucket.bucket_arn]),
        ]

    def allow_uploads_from(self, origins: Sequence[str]) -> None:
        """Allow pages of these origins to send uploads that were signed for them; they read nothing by themselves."""
        self.bucket.add_cors_rule(
            allowed_methods=[s3.HttpMethods.PUT],
            allowed_origins=list(origins),
            allowed_headers=[name.lower() for name in UPLOAD_HEADERS],
            max_age=CORS_SECONDS,
        )

    def webhook_grants(self) -> list[Grant]:
        """Return the grants of the function that sends webhooks."""
        return [Grant("Ledger", RECORD_WEBHOOKS, [self.ledger.table_arn])]

    def erase_grants(self) -> list[Grant]:
        """Return the grants of the function that erases: every prefix that may hold data of people, in all versions."""
        searched = PARTS, RESULTS, OVERSIZE, UNMATCHED, ROSTERS
        return [
            Grant("Profiles", ERASE_PROFILES, [self.profiles.table_arn]),
            Grant("Ledger", ERASE_IN_THE_LEDGER, [self.ledger.table_arn]),
            self._objects("Erased", ERASE_OBJECTS, *searched),
            self._objects("Tags", KEEP_OBJECTS[1:], ROSTERS),
            self._objects("Answers", ERASE_OBJECTS[:-1], QUERIES),
            self._objects("Receipts", WRITE_OBJECTS, RECEIPTS),
            Grant("Presence", (*LIST_OBJECTS, *LIST_VERSIONS, *LIST_UPLOADS), [self.bucket.bucket_arn]),
        ]

    def _objects(self, name: str, actions: Sequence[str], *prefixes: str) -> Grant:
        below = [self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        return Grant(
            name, actions, below, reason="objects under one prefix of one bucket; their names come at run time"
        )

    def _access_logs(self, stage: Stage) -> s3.Bucket:
        """Make the bucket where S3 writes who read and wrote what; keys hold no identifier."""
        days = Duration.days(stage.log_retention_days)
        rules = [s3.LifecycleRule(id="access-logs", expiration=days)]
        return s3.Bucket(self, "AccessLogs", lifecycle_rules=rules, removal_policy=removal_policy(stage), **PRIVATE)

    def _bucket(self, stage: Stage) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Bucket",
            **PRIVATE,
            server_access_logs_bucket=self.access_logs,
            versioned=True,  # a running lookup keeps to the version of the roster that it began with
            lifecycle_rules=[
                *(_expiry(name, prefix, stage.result_retention_days) for name, prefix in WITH_THE_RESULTS.items()),
                # No shorter than its lookup's failures may be retried, if that took a day; the tick deletes them then.
                _expiry("parts", PARTS, max(stage.result_retention_days, PARTS_DAYS)),
                # A profile's item points here: its object must outlive it.
                _expiry("oversize", OVERSIZE, stage.profile_retention_days + 1),
                s3.LifecycleRule(
                    id="superseded-rosters",
                    prefix=ROSTERS,
                    noncurrent_version_expiration=Duration.days(stage.result_retention_days),
                ),
                # Expiry leaves a delete marker: a lookup can read the version for as long as noncurrent ones are kept.
                s3.LifecycleRule(
                    id="uploaded-rosters",
                    prefix=ROSTERS,
                    tag_filters=dict([UPLOAD_TAG.split("=")]),
                    expiration=Duration.days(stage.roster_retention_days),
                ),
                _expiry("query-results", QUERIES, QUERY_RESULT_DAYS),
                _expiry("receipts", RECEIPTS, RECEIPT_DAYS),
                s3.LifecycleRule(
                    id="leftovers",
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    expired_object_delete_marker=True,
                ),
            ],
            removal_policy=removal_policy(stage),
        )

    def _table(self, stage: Stage, name: str, *, partition_key: str, sort_key: str) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name=partition_key, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=sort_key, type=dynamodb.AttributeType.STRING),
            time_to_live_attribute=EXPIRES_AT,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=stage.retain or stage.recoverable
            ),
            deletion_protection=stage.retain,
            removal_policy=removal_policy(stage, deletion_protected=True),
        )
        if not stage.retain:
            acknowledge(table, "DDB3", "this stage's data goes with its stack; profiles can be asked again")
        return table


def _expiry(name: str, prefix: str, days: int) -> s3.LifecycleRule:
    """Delete after `days`, and a day later for good: in a bucket with versions the first only hides an object."""
    return s3.LifecycleRule(
        id=name,
        prefix=prefix,
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(1),
    )
