"""`python -m infra.rehearsal`, `make rehearse STAGE=…`: every step in one line; exit status 1 when one failed.

Environment: STAGE (`local`, or a throw-away stage of a real account); IDENTIFIERS=file (a roster; else as many ids as
`SIZE` says are made up); KEEP=1 leaves the stage deployed. For a real account: MOENGAGE_WORKSPACE_ID,
MOENGAGE_DATA_API_KEY, MOENGAGE_DATA_CENTER, unless the secret has its value already.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from infra.rehearsal import account
from infra.rehearsal.api import Api
from infra.rehearsal.loops import none_dropped
from infra.rehearsal.platform import Platform, platform_of
from infra.rehearsal.report import Report, Step
from infra.rehearsal.service import Service
from infra.rehearsal.stack import Stack, keeps
from infra.stage_settings.stage import LOCAL, Stage
from infra.stages import stage_named
from lookup.errors import Misconfigured

SIZES = {LOCAL: 2_000}
SIZE = 20_000  # identifiers: 20 minutes of the usual quota
OPERATIONS = "See docs/operations.md, 'What a stage takes of an account'"
LOGS = "Look at the functions' logs, then at docs/runbook.md"


def main() -> int:
    """Rehearse the stage of the environment."""
    try:
        with platform_of(os.environ.get("STAGE") or LOCAL) as platform:
            return _rehearse(platform)
    except (Misconfigured, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _rehearse(platform: Platform) -> int:
    stage = stage_named(platform.stage_name, platform.environment)
    if stage.retain:
        raise Misconfigured("STAGE", f"{stage.name!r} retains its data: a rehearsal destroys what it has deployed")
    report, stack = Report(), Stack(platform, stage)
    complete = all(report.carry_out(step) for step in (*_account(platform, stage), *_deployment(stack)))
    if complete:
        api = Api(platform, stage, stack.outputs)
        roster = os.environ.get("IDENTIFIERS")
        size = int(os.environ.get("SIZE") or SIZES.get(stage.name, SIZE))
        service = Service(api, Path(roster) if roster else None, size)
        complete = all(
            report.carry_out(step) for step in (*_use(service), *_load(service, stack), *_stack(service, stack))
        )
    if stack.outputs and not keeps():
        report.carry_out(Step("destroy", stack.destroy, "Delete the stack by hand: it costs money"))
    sys.stdout.write(f"{'passed' if complete and report.is_passed else 'FAILED'}: {stage.name}\n")
    return 0 if complete and report.is_passed else 1


def _account(platform: Platform, stage: Stage) -> Iterator[Step]:
    yield Step("account: concurrency", partial(account.concurrency, platform), f"{OPERATIONS}: ask AWS for more")
    yield Step("account: log policies", partial(account.log_policies, platform), f"{OPERATIONS}: remove one")
    yield Step("account: network", partial(account.network, platform, stage), f"{OPERATIONS}: ask AWS for more")
    yield Step("account: services", partial(account.services, platform), "Choose another region")


def _deployment(stack: Stack) -> Iterator[Step]:
    yield Step(
        "deploy", stack.deploy, "Read the log named here; docs/operations.md names what to clean up", is_needed=True
    )
    yield Step("doctor", stack.doctor, "Do what the doctor says: make doctor", is_needed=True)


def _use(service: Service) -> Iterator[Step]:
    yield Step("token", service.api.log_in, LOGS, is_needed=True)
    yield Step(
        "pages", service.pages, "Look at the API's routes /docs and /openapi.json, and at the token endpoint's CORS"
    )
    yield Step("odd identifiers", service.odd_identifiers, "Say so in an issue: the API must not change identifiers")
    yield Step("upload, requested", service.request_upload, LOGS)


def _load(service: Service, stack: Stack) -> Iterator[Step]:
    yield Step("roster, begun", service.start_roster, LOGS, is_needed=True)
    yield Step(
        "roll-back with parts in flight",
        lambda: stack.roll_back(service.is_under_way),
        "Compare the two deployments' logs",
    )
    yield Step("roster, ended", service.finish_roster, f"{LOGS}: 'Stuck lookup' and 'Recursive loop'")
    yield Step(
        "upload, late", service.late_upload, "Shorten the life of upload URLs: their credentials ended before them"
    )


def _stack(service: Service, stack: Stack) -> Iterator[Step]:
    yield Step(
        "recursive loops",
        lambda: none_dropped(stack.platform.client("cloudwatch"), stack.outputs),
        "See docs/runbook.md, 'Recursive loop'",
    )
    yield Step("alarm", stack.alarm, "Look at the topic AlarmTopicArn and its subscription")
    yield Step("Athena", lambda: stack.query(service.lookup_id), "See docs/queries.md: table, workgroup, permissions")
    yield Step(
        "schedule in another time zone",
        service.schedule,
        "Look at the schedule in EventBridge Scheduler and at FailedFirings",
    )
    yield Step("table restore", stack.restore, "See docs/operations.md; delete a copy that stayed")
    yield Step("destroy and redeploy", stack.destroy_and_redeploy, "Read the log named here", is_needed=True)


if __name__ == "__main__":
    sys.exit(main())
