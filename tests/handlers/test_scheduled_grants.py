"""A schedule that a partner keeps, from the API through the Scheduler to the function that it invokes."""

from __future__ import annotations

import json

import pytest

import on_schedule
from lookup.bulk import part_message
from lookup.errors import Misconfigured
from lookup.schedules.store import FIRED_AT
from tests.handlers.calling import Call, uploaded
from tests.handlers.conftest import Grant, forget
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

AT = "2026-11-23T19:00:00Z"
ID = "acme.nightly-20261123T190000Z"


@pytest.fixture
def kept(deployed: Stage, call: Call) -> dict[str, object]:
    """Create a schedule without a field list; return the event of its firing at `AT`."""
    scheduler = deployed.session.client("scheduler")
    scheduler.create_schedule_group(Name=str(deployed.settings.schedule_group_name))
    order = {"roster_id": uploaded(call, b"user-1\nuser-2\n"), "expression": "rate(1 hour)"}
    status, schedule, _ = call("PUT", "/v1/schedules/nightly", order)
    assert (status, schedule["fields"]) == (201, None)
    read = scheduler.get_schedule(GroupName=str(deployed.settings.schedule_group_name), Name="acme.nightly")
    firing: dict[str, object] = json.loads(read["Target"]["Input"].replace(FIRED_AT, AT))
    return firing


def test_it_fires_with_the_grants_of_now(
    deployed: Stage, kept: dict[str, object], grant: Grant, call: Call, context: LambdaContext
) -> None:
    """Fields that were withdrawn since the schedule was made are not requested, and its users are charged."""
    grant(fields=["city"], users_per_day=5)
    forget()
    assert on_schedule.handler(kept, context) == {"lookup_id": ID, "skipped_for": None, "refused_because": None}
    (message,) = deployed.messages(deployed.settings.parts_queue_url)
    assert part_message.parse_part(message["Body"]).fields == ("city",)
    assert call("GET", "/v1/schedules/nightly")[1]["last_lookup_id"] == ID
    assert call("GET", "/v1/quota")[1]["today"]["users"] == 2


def test_a_refused_firing_is_reported(
    deployed: Stage,
    kept: dict[str, object],
    grant: Grant,
    call: Call,
    context: LambdaContext,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The operator finds it in the log and in a metric, the partner in its schedule; nothing is looked up."""
    grant(lanes=["on_demand"])
    forget()
    refusal = "lane 'bulk' is not granted"
    assert on_schedule.handler(kept, context)["refused_because"] == refusal
    metrics = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line)
    assert (metrics["Firings"], metrics["FiringsRefused"]) == ([1.0], [1.0])
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert (warning.message, vars(warning)["refused_because"]) == ("firing refused", refusal)
    assert deployed.messages(deployed.settings.parts_queue_url) == []
    schedule = call("GET", "/v1/schedules/nightly")[1]
    assert (schedule["last_lookup_id"], schedule["last_skipped_because"]) == (None, refusal)
    assert schedule["last_skipped_at"] == "2026-11-23T19:00:00.000000Z"


def test_a_parameter_that_cannot_be_read_is_an_error(
    deployed: Stage, kept: dict[str, object], context: LambdaContext
) -> None:
    """Grants that are broken are no refusal: the Scheduler delivers the firing again, and lays it aside in the end."""
    name = deployed.settings.partners_parameter_name
    deployed.session.client("ssm").put_parameter(Name=name, Value="{", Type="String", Overwrite=True)
    forget()
    with pytest.raises(Misconfigured, match="is unreadable"):
        on_schedule.handler(kept, context)
