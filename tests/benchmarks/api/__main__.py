"""`python -m tests.benchmarks.api`: run it all, write docs/benchmarks/api.md, print the figures as JSON last.

Environment: REQUESTS=n of each kind in process (default 2,000).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import boto3

from infra.local.simulator.process import Simulator, instant
from lookup.quota import Quota
from tests.benchmarks.api.instance import Instance, measured
from tests.benchmarks.api.over_http import over_http
from tests.benchmarks.api.report import Report, write
from tests.benchmarks.disturbance import watched
from tests.benchmarks.gate.stage import aws_environment, embedded_aws
from tests.handlers.conftest import CLIENT_ID
from tests.lookup.stage import SECRET_ID, Stage, deployed

PROJECT = Path(__file__).parents[3]
REQUESTS = 2000
OVER_HTTP = 150
AMPLE = Quota(limit=1_000_000)  # the gate is called, and has room


def in_process(environment: Mapping[str, str], requests: int) -> Instance:
    """Measure an instance whose AWS `environment` names, and whose vendor takes no time."""
    with Simulator(config=instant()) as simulator:
        simulator.configure(not_found_share=0.0)
        session = boto3.Session(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        with deployed(session, simulator.endpoint_url) as stage:
            return measured({**environment, **_settings(stage)}, requests)


def _settings(stage: Stage) -> Mapping[str, str]:
    workspace = replace(stage.settings.workspace("default"), secret_id=SECRET_ID, quota=AMPLE)
    settings = replace(stage.settings, workspaces={"default": workspace})
    grants = {CLIENT_ID: {"name": "acme", "workspaces": ["default"], "fields": None, "weight": 1}}
    stage.session.client("ssm").put_parameter(
        Name=settings.partners_parameter_name, Value=json.dumps(grants), Type="String"
    )
    return settings.to_environment() | {"POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup"}


def main() -> None:
    """Run, write, print."""
    started, load = time.time(), os.getloadavg()[0]
    requests = int(os.environ.get("REQUESTS") or REQUESTS)
    log = PROJECT / ".local/benchmarks/embedded_aws.log"
    with watched() as watch:
        with embedded_aws(log) as server:
            instance = in_process(aws_environment(server.endpoint_url), requests)
        outside = over_http(OVER_HTTP, lambda text: print(text, file=sys.stderr))  # noqa: T201 - progress
    report = Report(instance, outside, requests, started, time.time() - started, load)
    page = write(report, PROJECT / ("docs/benchmarks" if requests == REQUESTS else ".local/benchmarks"))
    print(f"Written to {page.relative_to(PROJECT)}.")  # noqa: T201 - for the terminal
    print(watch.last_line(report.to_json(), page))  # noqa: T201 - the last line is for programs


if __name__ == "__main__":
    main()
