"""Promises about the bucket and the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.app import SOURCE
from lookup.rosters.keys import SCHEDULE_TAG, UPLOAD_TAG
from lookup.rosters.uploads import HEADERS
from tests.infra.template import Properties, Template, listed, text

TABLES = {"Profiles": ("identifier", "scope"), "Ledger": ("pk", "sk")}


def _bucket(template: Template) -> Properties:
    return template.named("AWS::S3::Bucket", "StorageBucket")[1]


def test_the_bucket_is_encrypted_and_private(template: Template) -> None:
    """Every bucket encrypts, blocks every public access and ignores ACLs; that of the results keeps versions."""
    for bucket in template.of_type("AWS::S3::Bucket").values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert _bucket(template)["VersioningConfiguration"] == {"Status": "Enabled"}


def test_who_read_and_wrote_is_kept_as_long_as_logs(template: Template) -> None:
    """S3 writes access logs to a bucket of their own, for this bucket only, and they go when logs do."""
    name, logs = template.named("AWS::S3::Bucket", "AccessLogs")
    assert template.attribute(_bucket(template)["LoggingConfiguration"]["DestinationBucketName"]) == name
    (rule,) = logs["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == {"dev": 7, "prod": 90, "local": 1}[template.stage]
    _, policy = template.named("AWS::S3::BucketPolicy", "AccessLogs")
    (allowed,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert text(allowed["Condition"]["ArnLike"]["aws:SourceArn"]).startswith("StorageBucket")
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_bucket_refuses_requests_without_tls(template: Template) -> None:
    """Every bucket denies all principals all actions without TLS, and below TLS 1.2."""
    policies = template.of_type("AWS::S3::BucketPolicy").values()
    assert {template.attribute(policy["Bucket"]) for policy in policies} == set(template.of_type("AWS::S3::Bucket"))
    for policy in policies:
        denied = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert [(one["Principal"], one["Action"]) for one in denied] == [({"AWS": "*"}, "s3:*")] * 2
        assert [one["Condition"] for one in denied] == [
            {"Bool": {"aws:SecureTransport": "false"}},
            {"NumericLessThan": {"s3:TlsVersion": 1.2}},
        ]


def test_every_prefix_that_is_written_expires(template: Template) -> None:
    """What the code writes is below these prefixes, and each has an expiry: with its tag, uploads too."""
    rules = _bucket(template)["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    kept_as_results = ("parts/", "results/", "unmatched/", "rosters/inline/", "rosters/unpacked/")
    assert expiring == {
        **dict.fromkeys(kept_as_results, 30),
        "oversize/": 31,
        "queries/": 7,
        "rosters/": 90,
        "erasures/": 1095,
    }
    written = {*_prefixes(), "queries/"}
    assert {prefix for prefix in written if not any(prefix.startswith(one) for one in expiring)} == set()
    assert set(expiring) == {"queries/", *(one for one in expiring if any(two.startswith(one) for two in written))}


def _prefixes() -> set[str]:
    """The beginnings of the keys that modules of the functions make."""
    found = set[str]()
    for path in (Path(SOURCE) / "lookup").rglob("*.py"):
        for text_ in re.findall(r'"((?:[a-z]+/)+)', path.read_text()):
            found.add(text_)
    return {
        one
        for one in found
        if one.split("/")[0] in {"rosters", "parts", "results", "oversize", "unmatched", "erasures"}
    }


def test_every_prefix_that_a_role_may_write_to_expires(full: Template) -> None:
    """Whatever a function may put into the bucket is below a prefix that expires: a new one gets its rule first."""
    rules = _bucket(full)["LifecycleConfiguration"]["Rules"]
    expiring = [rule["Prefix"] for rule in rules if "ExpirationInDays" in rule]
    writable = {
        text(resource).partition("/")[2].removesuffix("*")
        for role in full.of_type("AWS::IAM::Role")
        for statement in full.statements(role)
        if "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert writable == {
        *("parts/", "results/", "oversize/", "unmatched/", "rosters/", "rosters/unpacked/", "erasures/"),
    }
    assert {prefix for prefix in writable if not any(prefix.startswith(one) for one in expiring)} == set()


def test_what_expires_is_deleted(template: Template) -> None:
    """In the bucket with versions every expired object is gone a day later, and then its delete marker too.

    An uploaded roster is, after it expired, still there for a lookup that reads it.
    """
    rules = _bucket(template)["LifecycleConfiguration"]["Rules"]
    hidden = {rule["Id"]: rule.get("NoncurrentVersionExpiration") for rule in rules if "ExpirationInDays" in rule}
    uploads = hidden.pop("uploaded-rosters")
    assert uploads is None
    assert hidden == {name: {"NoncurrentDays": 1} for name in hidden}
    assert len(hidden) == 8
    (older,) = [rule for rule in rules if rule["Id"] == "superseded-rosters"]
    assert (older["Prefix"], older["NoncurrentVersionExpiration"]) == ("rosters/", {"NoncurrentDays": 30})
    (leftovers,) = [rule for rule in rules if "Prefix" not in rule]
    assert leftovers["ExpiredObjectDeleteMarker"] is True
    assert leftovers["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_uploads_expire_by_the_tag_that_is_signed(template: Template) -> None:
    """The rule's tag is the one that an upload has to be sent with; what schedules name has another."""
    (rule,) = [one for one in _bucket(template)["LifecycleConfiguration"]["Rules"] if one["Id"] == "uploaded-rosters"]
    assert [f"{one['Key']}={one['Value']}" for one in rule["TagFilters"]] == [UPLOAD_TAG] == [HEADERS["x-amz-tagging"]]
    assert UPLOAD_TAG.partition("=")[0] == SCHEDULE_TAG.partition("=")[0]
    assert UPLOAD_TAG != SCHEDULE_TAG


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_string_keys_encryption_and_expiry(name: str, template: Template) -> None:
    """A table is on demand, encrypted, keyed as the code reads it, and forgets by `expires_at`."""
    _, table = template.named("AWS::DynamoDB::Table", name)
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    assert (keys["HASH"], keys["RANGE"]) == TABLES[name]
    assert {attribute["AttributeType"] for attribute in table["AttributeDefinitions"]} == {"S"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


# Their deletion fails while they are protected, and would fail a rollback.
PROTECTED = ("AWS::DynamoDB::Table", "AWS::Cognito::UserPool")
DATA = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Cognito::UserPool")


@pytest.mark.parametrize(
    ("stage", "policy"), [("dev", "Delete"), ("prod", "RetainExceptOnCreate"), ("local", "Delete")]
)
def test_only_prod_keeps_its_data(stage: str, policy: str, templates: Mapping[str, Template]) -> None:
    """In prod, data and secrets outlive the stack and tables can be restored; elsewhere they go with the stack."""
    template = templates[stage]
    data = [resource for resource in template.resources.values() if resource["Type"] in DATA]
    protected = [one for one in data if one["Type"] in PROTECTED]
    kept = "Retain" if policy != "Delete" else policy
    assert {resource["DeletionPolicy"] for resource in data if resource not in protected} == {policy}
    assert {resource["DeletionPolicy"] for resource in protected} == {kept}
    assert {resource["UpdateReplacePolicy"] for resource in data} == {kept}
    for table in template.of_type("AWS::DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] is (stage == "prod")
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is (stage == "prod")
