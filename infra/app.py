"""The CDK app: `STAGE=dev python -m infra.app` writes `cdk.out/`. It reads no network, account, git or clock.

The CDK takes seconds to import and starts a Node process: only a synthesis does so, not who needs a path of here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.stage_settings.stage import Stage
from infra.stages import stage_named
from lookup.errors import Misconfigured

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "functions"
BUNDLE = ROOT / "build" / "functions.zip"
RESULTS_BUNDLE = ROOT / "build" / "results.zip"  # of the function that collects results, which needs PyArrow


def synthesise(
    stage: Stage, *, code: Path, outdir: Path, results_code: Path | None = None, checked: bool = True
) -> Path:
    """Write the stage's cloud assembly and return the template's path. `code` is a folder or a zip.

    `checked` runs cdk-nag on it; what it found and what was acknowledged is in `validation-report.json`.
    """
    import aws_cdk as cdk  # noqa: PLC0415 - see above

    from infra.nag import check_all  # noqa: PLC0415 - see above
    from infra.stack import LookupStack  # noqa: PLC0415 - see above

    app = cdk.App(context=_context(), outdir=str(outdir), analytics_reporting=False)
    if checked:
        check_all(app)
    stack = LookupStack(app, stage=stage, code=code, results_code=results_code)
    app.synth()
    return outdir / stack.template_file


def code_for(stage: Stage) -> Path:
    """Choose the code to deploy: the built zip, or the source for the local stage and while nothing is built."""
    return _built(stage, BUNDLE)


def results_code_for(stage: Stage) -> Path:
    """Choose the code of the function that collects results."""
    return _built(stage, RESULTS_BUNDLE)


def _built(stage: Stage, bundle: Path) -> Path:
    if stage.name == "local":
        return SOURCE
    if not bundle.exists():
        said = f"{bundle.relative_to(ROOT)} is not built: the template takes the bare source, without libraries\n"
        sys.stderr.write(said)
        return SOURCE
    return bundle


def hints(stage: Stage) -> Iterator[str]:
    """Return what is no mistake, but surely not meant to last."""
    if stage.alarms and stage.alarm_email is None:
        yield f"{stage.name} has alarms, but no subscriber: set alarm_email, or subscribe to the topic AlarmTopicArn"


def main(environment: Mapping[str, str]) -> int:
    """Synthesise the stage that STAGE names; return the exit status."""
    try:
        stage = stage_named(environment.get("STAGE", "dev"), environment)
        outdir = Path(environment.get("CDK_OUTDIR", ROOT / "cdk.out"))
        checked = environment.get("UNCHECKED") != "1"
        code, results_code = code_for(stage), results_code_for(stage)
        written = synthesise(stage, code=code, results_code=results_code, outdir=outdir, checked=checked)
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.writelines(f"{hint}\n" for hint in hints(stage))
    sys.stdout.write(f"{written}\n")
    return 0


def _context() -> dict[str, object]:
    # Only the CLI passes cdk.json's context to the app; read here, every way of synthesis gives the same template.
    context: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


if __name__ == "__main__":
    sys.exit(main(os.environ))
