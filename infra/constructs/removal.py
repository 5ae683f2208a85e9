"""What becomes of a resource that leaves the stack."""

from __future__ import annotations

from aws_cdk import RemovalPolicy

from infra.stage_settings.stage import Stage


def removal_policy(stage: Stage, *, deletion_protected: bool = False) -> RemovalPolicy:
    """Return how CloudFormation treats a resource that holds data, or that other parties know, when it is removed.

    A stage that retains keeps it, but not from a first deployment that is rolled back: that made nothing worth keeping.
    What is `deletion_protected` is kept even then, since its deletion would fail and the rollback with it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    """
    if not stage.retain:
        return RemovalPolicy.DESTROY
    return RemovalPolicy.RETAIN if deletion_protected else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
