"""cdk-nag's findings: those that are meant, with why, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infra.template import Template

BUCKET = "IAM5[Resource::<StorageBucket.Arn>/{}/*]"
ANYTHING = "IAM5[Resource::*]"
# What every stage acknowledges: construct → rules. A rule that is missing here was not met, or never looked at.
MEANT = {
    "Credentials/SecretDefault": {"SMG4"},
    "Notices/Undelivered/Resource": {"SQS3"},
    "OnRequest/Partners/UserPool/Pool/Resource": {"COG2", "COG8"},
    "OnRequest/OnRequest/Function/Resource": {"L1"},
    "OnRequest/Api/GET--openapi.json/Resource": {"APIG4"},
    **{
        f"OnRequest/Api/{method}--console{more}/Resource": {"APIG4"}
        for method in ("GET", "HEAD")
        for more in ("", "--{asset}")
    },
    "OnRequest/Api/GET--docs/Resource": {"APIG4"},
    "OnRequest/Api/GET--docs--{asset}/Resource": {"APIG4"},
    "OnQueue/OnQueue/Function/Resource": {"L1"},
    "OnSchedule/OnSchedule/Function/Resource": {"L1"},
    "OnRequest/OnRequest/Role/Resource": {
        *(BUCKET.format(prefix) for prefix in ("parts", "results", "oversize", "unmatched", "rosters")),
        "IAM5[Resource::arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/moengage-lookup-STAGE/*]",
        ANYTHING,  # the list of schedules has no resource
    },
    "OnQueue/OnQueue/Role/Resource": {
        *(BUCKET.format(prefix) for prefix in ("parts", "oversize", "unmatched", "rosters")),
    },
    "OnSchedule/OnSchedule/Role/Resource": {BUCKET.format("rosters"), BUCKET.format("parts")},
    "OnConversion/OnConversion/Function/Resource": {"L1"},
    "OnConversion/OnConversion/Role/Resource": {BUCKET.format("rosters"), BUCKET.format("rosters/unpacked")},
    "OnResults/OnResults/Function/Resource": {"L1"},
    "OnWebhook/OnWebhook/Function/Resource": {"L1"},
    "Erasures/Key": {"SMG4"},
    "OnErasure/OnErasure/Function/Resource": {"L1"},
    "OnErasure/OnErasure/Role/Resource": {
        *(
            BUCKET.format(one)
            for one in ("parts", "results", "oversize", "unmatched", "rosters", "queries", "erasures")
        ),
    },
    "OnResults/OnResults/Role/Resource": {BUCKET.format("parts"), BUCKET.format("results")},
}
NO_RECOVERY = {"Storage/Profiles/Resource": {"DDB3"}, "Storage/Ledger/Resource": {"DDB3"}}
FUNCTIONS = ("OnRequest", "OnQueue", "OnSchedule", "OnConversion", "OnResults", "OnErasure")
ROLES = [f"{name}/{name}/Role/Resource" for name in FUNCTIONS]
MORE = {
    "dev": NO_RECOVERY,
    "local": NO_RECOVERY,
    "prod": {},
    # Traces and a network have no resources.
    "full": {
        "Credentials/SecretAsia": {"SMG4"},
        "WebhookSecrets/SecretDemo": {"SMG4"},
        "OnWebhook/OnWebhook/Role/Resource": {ANYTHING},
        "Egress/FlowLogRole/Resource": {
            "IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*]"
        },
        **{role: MEANT[role] | {ANYTHING} for role in ROLES},
    },
}


def _acknowledged(template: Template) -> dict[str, set[str]]:
    bucket, _ = template.named("AWS::S3::Bucket", "StorageBucket")
    found: dict[str, set[str]] = {}
    for finding in template.findings()["AwsSolutions"]["suppressedViolations"]:
        rule = finding["ruleName"].removeprefix("AwsSolutions-").replace(f"<{bucket}.", "<StorageBucket.")
        for construct in finding["violatingConstructs"]:
            path = construct["constructPath"].partition("/")[2]
            found.setdefault(path, set()).add(rule.replace(f"lookup-{template.stage}/", "lookup-STAGE/"))
    return found


@pytest.mark.parametrize("stage", MORE)
def test_what_is_acknowledged_is_what_was_found(stage: str, templates: Mapping[str, Template]) -> None:
    """The findings of each stage, all acknowledged, are exactly the expected ones; no warning of the CDK is left."""
    template = templates[stage]
    assert _acknowledged(template) == MEANT | MORE[stage]
    for report in template.findings().values():
        assert (report["conclusion"], report.get("violations", [])) == ("success", [])


def test_every_acknowledgement_stands_at_its_resource(full: Template) -> None:
    """No finding is acknowledged for a whole stack or construct of many resources, and each says why."""
    for finding in full.findings()["AwsSolutions"]["suppressedViolations"]:
        (construct,) = finding["violatingConstructs"]
        assert construct["constructPath"].removesuffix("/Resource") == finding["acknowledgedAt"]
        assert len(finding["reason"].split()) > 5


def test_an_unacknowledged_finding_ends_the_synthesis(tmp_path: Path) -> None:
    """The check is alive: a bucket as the CDK makes it by default is not written down."""
    from aws_cdk import App, Stack  # noqa: PLC0415 - begins Node
    from aws_cdk.aws_s3 import Bucket  # noqa: PLC0415 - begins Node

    from infra.nag import check_all  # noqa: PLC0415 - begins Node

    app = App(outdir=str(tmp_path), analytics_reporting=False)
    check_all(app)
    Bucket(Stack(app, "Careless"), "Bucket")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-S1" in (tmp_path / "validation-report.json").read_text()


def test_a_wildcard_needs_its_reason() -> None:
    """A grant with a wildcard and no reason is refused where it becomes a policy."""
    from infra.constructs.iam import Grant  # noqa: PLC0415 - begins Node

    with pytest.raises(ValueError, match="the grant Rosters does not say why it has a wildcard"):
        Grant("Rosters", ("s3:GetObject",), ["arn:aws:s3:::bucket/*"]).wildcards()
