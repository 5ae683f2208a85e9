"""The minute's maintenance of every workspace: an error in one does not affect others, and is raised."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from lookup.errors import VendorUnauthorized
from lookup.gate.limiter import WorkspaceGates
from lookup.model import Lane
from lookup.schedules.maintenance import Maintenance
from lookup.settings import Workspace
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage
from tests.waiting import GIVE_UP


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    """Return services with two workspaces, the first without a secret."""
    workspaces = {"bare": Workspace(secret_id="missing"), **stage.settings.workspaces}
    return BulkServices(replace(stage, settings=replace(stage.settings, workspaces=workspaces)))


@pytest.fixture
def maintenance(services: BulkServices) -> Maintenance:
    return services.maintenance


def close_for_its_key(services: BulkServices, workspace: str) -> None:
    settings = services.stage.settings
    gates = WorkspaceGates(
        services.stage.dynamodb, settings.ledger_table_name, settings.workspaces, time.time, time.sleep
    )
    gate = gates.of(workspace)
    gate.report(
        gate.admit(1, lane=Lane.ON_DEMAND, wait_until=time.time() + GIVE_UP),
        VendorUnauthorized("key_rejected", status=401),
    )


def test_an_error_in_one_workspace_does_not_affect_others(
    services: BulkServices, maintenance: Maintenance, caplog: pytest.LogCaptureFixture
) -> None:
    """A workspace whose secret was deleted ends the tick with its error, after the others were fed."""
    close_for_its_key(services, "bare")
    services.submit("one", services.roster(b"user-1\nuser-2\n"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        maintenance.run()
    assert caplog.messages.count("workspace not maintained") == 1
    assert [part.lookup_id for part in services.taken()] == ["one"]


def test_a_tick_without_errors_returns_how_many_it_fed(services: BulkServices, maintenance: Maintenance) -> None:
    """The secrets of workspaces with open gates are not checked."""
    services.submit("one", services.roster(b"user-1\nuser-2\n"))
    assert maintenance.run() == 2
