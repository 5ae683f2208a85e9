"""Promises about the bucket and the tables."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.infra.template import Template

TABLES = {"Profiles": ("identifier", "scope"), "Ledger": ("pk", "sk")}


def test_the_bucket_is_encrypted_and_private(template: Template) -> None:
    """The bucket encrypts, blocks every public access, ignores ACLs and keeps versions."""
    bucket = template.only("AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_the_bucket_refuses_requests_without_tls(template: Template) -> None:
    """Everybody is denied everything on the bucket without TLS, and below TLS 1.2."""
    statements = template.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Deny"}
    conditions = [statement["Condition"] for statement in statements]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_results_are_kept_for_the_stage_s_retention(template: Template) -> None:
    """Results, and rosters that the functions wrote, go after 30 days, oversized profiles a day after their items.

    The rosters of partners stay.
    """
    rules = {rule["Id"]: rule for rule in template.only("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]}
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules.values() if "ExpirationInDays" in rule}
    kept_as_results = ("results/", "unmatched/", "rosters/inline/", "rosters/unpacked/")
    assert expiring == {**dict.fromkeys(kept_as_results, 30), "oversize/": 31}
    assert rules["superseded-rosters"]["Prefix"] == "rosters/"


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


DATA = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Cognito::UserPool")


@pytest.mark.parametrize(("stage", "policy"), [("dev", "Delete"), ("prod", "Retain"), ("local", "Delete")])
def test_only_prod_keeps_its_data(stage: str, policy: str, templates: Mapping[str, Template]) -> None:
    """In prod, data and secrets outlive the stack and tables can be restored; elsewhere they go with the stack."""
    template = templates[stage]
    data = [resource for resource in template.resources.values() if resource["Type"] in DATA]
    assert {resource["DeletionPolicy"] for resource in data} == {policy}
    assert {resource["UpdateReplacePolicy"] for resource in data} == {policy}
    for table in template.of_type("AWS::DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] is (stage == "prod")
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is (stage == "prod")
