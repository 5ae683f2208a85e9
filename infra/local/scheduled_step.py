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
from infra.local.stage import Stage
from infra.local.waiting import Wait
from lookup.model import Identifier

SCHEDULE = "local-refresh"
ROSTER = "rosters/demo.csv"  # the deployed schedule `demo-refresh` reads it, too
DUE = timedelta(seconds=2)
PATIENCE = 120.0


def upload_roster(stage: Stage, identifiers: Sequence[Identifier]) -> int:
    """Upload the roster, two junk lines at its end; give the number of its lines."""
    stage.clients.s3.put_object(Bucket=stage.bucket, Key=ROSTER, Body=_roster(identifiers))
    return len(identifiers) + 2


def fire_and_collect(stage: Stage, requested: int, display: Display) -> Tally:
    """Let a one-time schedule refresh the uploaded roster of `requested` lines and wait for the results."""
    tally = Tally(requested)
    due = (datetime.now(UTC) + DUE).replace(microsecond=0)
    _schedule(stage, due)
    display.say(f"the schedule {SCHEDULE} is due at {due:%H:%M:%S} UTC and reads s3://{stage.bucket}/{ROSTER}")
    lookup = f"{SCHEDULE}-{due:%Y%m%dT%H%M%SZ}"
    results = ResultObjects(stage)

    def collected() -> int:
        for record in results.new_records(lookup):
            tally.add(record)
        return tally.answered

    wait = Wait(f"results of the schedule {SCHEDULE}", PATIENCE, stage.folder / "aws.log")
    with display.bar("results in S3") as advance:
        wait.until_all(tally.requested, collected, advance)
    return tally


def _roster(identifiers: Sequence[Identifier]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["identifier_type", "identifier"])
    rows.writerows([one.identifier_type.value, one.identifier] for one in identifiers)
    rows.writerows(["customer_id", junk] for junk in JUNK[:2])
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
