"""Third step of the job: a refresh of a roster that EventBridge Scheduler fires; nothing here invokes a function."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from infra.local.display import Display
from infra.local.results import ResultObjects, Tally
from infra.local.roster import JUNK
from infra.local.stage.stage import Stage
from infra.local.waiting import Wait
from lookup.model import Identifier

SCHEDULE = "local-refresh"
ROSTER = f"rosters/{SCHEDULE}.csv"
DEPLOYED_ROSTER = "rosters/demo.csv"  # read every minute by the deployed schedule `demo-refresh`
DUE = timedelta(seconds=2)
MAX_IDLE_SECONDS = 120.0


def upload_for_deployed(stage: Stage, identifiers: Sequence[Identifier] = ()) -> None:
    """Put the roster of the deployed schedule; it stays empty during the job, whose counts are then the job's alone."""
    stage.clients.s3.put_object(Bucket=stage.bucket, Key=DEPLOYED_ROSTER, Body=_roster(identifiers))


def fire_and_collect(stage: Stage, identifiers: Sequence[Identifier], display: Display) -> Tally:
    """Upload a roster with two junk lines, refresh it by a one-time schedule and wait for the results."""
    tally = Tally(requested=len(identifiers) + len(JUNK[:2]))
    stage.clients.s3.put_object(Bucket=stage.bucket, Key=ROSTER, Body=_roster(identifiers, JUNK[:2]))
    due = (datetime.now(UTC) + DUE).replace(microsecond=0)
    _schedule(stage, due)
    display.line(f"the schedule {SCHEDULE} is due at {due:%H:%M:%S} UTC and reads s3://{stage.bucket}/{ROSTER}")
    lookup = f"{SCHEDULE}-{due:%Y%m%dT%H%M%SZ}"
    results = ResultObjects(stage)

    def collected() -> int:
        for record in results.new_records(lookup):
            tally.add(record)
        return tally.answered

    wait = Wait(f"results of the schedule {SCHEDULE}", MAX_IDLE_SECONDS, stage.folder / "functions.log", stage.sleep)
    with display.bar("results in S3") as advance:
        wait.until_all(tally.requested, collected, advance)
    return tally


def _roster(identifiers: Sequence[Identifier], junk: Sequence[str] = ()) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["identifier_type", "identifier"])
    rows.writerows([one.identifier_type.value, one.identifier] for one in identifiers)
    rows.writerows(["customer_id", value] for value in junk)
    return text.getvalue().encode()


def _schedule(stage: Stage, due: datetime) -> None:
    """Create a one-time schedule beside the deployed ones, with their target, role and form of input."""
    stage.clients.scheduler.create_schedule(
        Name=SCHEDULE,
        GroupName=stage.outputs["ScheduleGroupName"],
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": stage.outputs["ScheduleTargetArn"],
            "RoleArn": stage.outputs["SchedulerRoleArn"],
            "Input": json.dumps(
                {
                    "schedule": SCHEDULE,
                    "scheduled_time": "<aws.scheduler.scheduled-time>",
                    "workspace": "default",
                    "roster": ROSTER,
                    "fields": None,
                    "max_age": 0,
                }
            ),
        },
    )
