"""Synthesis: hermetic, repeatable, and clean."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.app import ROOT, SOURCE, code_for, hints, main, synthesise
from infra.stages import stage_named
from tests.infra.conftest import FULL
from tests.infra.template import Template

EMPTY_NETWORK = (["unshare", "--net"], ["unshare", "--net", "--map-root-user"])


def _without_network() -> list[str]:
    for command in EMPTY_NETWORK:
        if shutil.which(command[0]) is None:
            break
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603 - ours
            return command
    pytest.skip("this kernel gives no empty network namespace")


def _without_code(template: Path) -> str:
    # The name of the code's asset is the hash of files that may be edited while tests run.
    return re.sub("[0-9a-f]{64}", "", template.read_text())


def test_synthesis_needs_no_network(tmp_path: Path, templates: Mapping[str, Template]) -> None:
    """In an empty network namespace, another process writes the same template."""
    known = {name: value for name, value in os.environ.items() if name != "MOENGAGE_ENDPOINT_URL"}
    done = subprocess.run(  # noqa: S603 - our own command line
        [*_without_network(), sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env={**known, "CDK_OUTDIR": str(tmp_path), "STAGE": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = tmp_path / "moengage-lookup-local.template.json"
    assert _without_code(written) == _without_code(templates["local"].path)


def test_an_unknown_stage_ends_with_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt STAGE ends the command with one line that names it, and writes nothing."""
    assert main({"STAGE": "prd", "CDK_OUTDIR": str(tmp_path / "out")}) == 2
    assert capsys.readouterr().err == "STAGE: 'prd' is not one of dev, prod, rehearsal, local\n"
    assert not (tmp_path / "out").exists()


def test_alarms_without_a_subscriber_are_reported() -> None:
    """A stage with alarms and no address says so at every synthesis; the others say nothing."""
    assert [len(list(hints(stage_named(name, {})))) for name in ("dev", "prod", "local")] == [0, 1, 0]
    assert "prod has alarms, but no subscriber: set alarm_email" in next(hints(stage_named("prod", {})))
    assert list(hints(FULL)) == []


def test_no_account_and_no_region_is_written_down(template: Template) -> None:
    """A template fits every account: it names them by CloudFormation's own parameters."""
    document = template.path.read_text()
    assert '"AWS::AccountId"' in document
    assert "eu-central-1" not in document
    assert "us-east-1" not in document


def test_cfn_lint_finds_nothing(templates: Mapping[str, Template]) -> None:
    """Templates of prod, local and a stage with everything are clean under cfn-lint, as `make template` calls it."""
    (options,) = re.findall(r"^\t@\$\(BIN\)/cfn-lint (.+) -t ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    paths = [str(templates[name].path) for name in ("prod", "local", "full")]
    command = [str(Path(sys.executable).with_name("cfn-lint")), *options.split(), "-t", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command line
    assert (done.returncode, done.stdout) == (0, "")


def test_every_stage_is_checked_by_the_commands(tmp_path: Path) -> None:
    """`make synth` and `make template` let cdk-nag look at the local stage too; only `make run` skips it."""
    assert main({"STAGE": "local", "CDK_OUTDIR": str(tmp_path / "checked")}) == 0
    report = json.loads((tmp_path / "checked" / "validation-report.json").read_text())
    assert "AwsSolutions" in {plugin["pluginName"] for plugin in report["pluginReports"]}


def test_the_local_stage_takes_the_source() -> None:
    """The local stage runs the functions' source, so that a change shows at once."""
    assert code_for(stage_named("local", {})) == SOURCE


def test_a_built_zip_is_deployed_byte_for_byte(tmp_path: Path) -> None:
    """What was built is what the assembly deploys to Lambda."""
    built = tmp_path / "functions.zip"
    with zipfile.ZipFile(built, "w") as archive:
        archive.writestr("on_request.py", "")
    synthesise(stage_named("dev", {}), code=built, outdir=tmp_path / "out")
    (staged,) = (tmp_path / "out").glob("asset.*.zip")
    assert staged.read_bytes() == built.read_bytes()


def test_the_command_line_is_pinned_and_names_no_host() -> None:
    """The CDK's CLI is one exact version, and its lock names no registry."""
    lock = (ROOT / "package-lock.json").read_text()
    assert json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"] == "2.1148.1"
    assert json.loads(lock)["packages"]["node_modules/aws-cdk"]["version"] == "2.1148.1"
    assert "://" not in lock


def test_the_stack_is_tagged_for_its_cost(full: Template) -> None:
    """Service, stage and the stage's own tags are the stack's; CloudFormation sets them on every resource."""
    manifest = json.loads(full.path.with_name("manifest.json").read_text())
    tags = manifest["artifacts"]["moengage-lookup-full"]["properties"]["tags"]
    assert tags == {"service": "moengage-lookup", "stage": "full", "team": "crm"}
