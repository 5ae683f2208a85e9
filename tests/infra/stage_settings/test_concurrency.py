"""What a stage admits fits into the account's concurrency, or the synthesis ends before anything is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.app import SOURCE, synthesise
from infra.stage_settings.concurrency import request_concurrency
from infra.stage_settings.partners import Partner
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import Workspace
from lookup.errors import Misconfigured
from lookup.quota import Quota
from tests.infra.template import Template


def stage(**changes: object) -> Stage:
    parts = {"name": "test", "workspaces": {"default": Workspace()}, "partners": {"crm": Partner()}, "retain": False}
    return Stage(**(parts | changes))  # type: ignore[arg-type]  # a test of values


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"account_concurrency": 10}, "account_concurrency"),
        ({"requests_per_second": 200}, "account_concurrency"),
        ({"request_burst": 900}, "account_concurrency"),
        ({"waiting_requests": 900}, "account_concurrency"),
        ({"workspaces": {"default": Workspace(quota=Quota(limit=400_000))}}, "account_concurrency"),
        ({"request_concurrency": 950}, "account_concurrency"),
        ({"request_concurrency": 300}, "request_concurrency"),
        ({"waiting_requests": 0}, "waiting_requests"),
        ({"schedule_concurrency": 9}, "schedule_concurrency"),
        ({"schedule_concurrency": 200}, "account_concurrency"),
    ],
)
def test_more_than_the_account_has_is_refused(changes: dict[str, object], setting: str) -> None:
    """Each way to admit more than there are executions ends with the setting's name and the sum."""
    with pytest.raises(Misconfigured, match="must be at least") as caught:
        stage(**changes)
    assert caught.value.setting == setting


def test_what_is_admitted_fits() -> None:
    """The defaults fit into an account as AWS gives it, and an account that was raised takes more."""
    assert request_concurrency(stage()) == 100 + 50 * 10 + 100
    assert stage(requests_per_second=200, account_concurrency=5000).requests_per_second == 200


def test_all_functions_are_counted() -> None:
    """An account that has one execution less than all functions may need is refused with the sum of all of them."""
    least = 100 + 50 * 10 + 100 + (2 * 2 + 2) + 10 + 12 + 10 + 100
    assert stage(account_concurrency=least).account_concurrency == least
    files = "12 for conversions, results and erasures"
    with pytest.raises(Misconfigured, match=f"must be at least {least}: .* {files}, 10 for webhooks, 100 that"):
        stage(account_concurrency=least - 1)


@pytest.mark.xdist_group("synthesis")
def test_reserved_executions(tmp_path: Path) -> None:
    """The functions of the API and of schedules have a reservation, and only when the stage says so."""
    plain = Template.read(synthesise(stage(), code=SOURCE, outdir=tmp_path / "plain"))
    assert [one.get("ReservedConcurrentExecutions") for one in plain.functions().values()] == [None] * len(
        plain.functions()
    )
    wanted = stage(request_concurrency=750, waiting_requests=60, schedule_concurrency=20)
    reserved = Template.read(synthesise(wanted, code=SOURCE, outdir=tmp_path / "reserved"))
    numbers = {
        one["Handler"]: one["ReservedConcurrentExecutions"]
        for one in reserved.functions().values()
        if "ReservedConcurrentExecutions" in one
    }
    assert numbers == {"on_request.handler": 750, "on_schedule.handler": 20}
    for one in reserved.functions().values():
        assert one["Environment"]["Variables"]["WAITING_REQUESTS"] == "60"
