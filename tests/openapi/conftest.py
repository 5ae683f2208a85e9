"""For requests to the HTTP handler behind a gateway, on a loopback port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import on_request
from infra.local.simulator.process import Simulator
from lookup.api.route_table import ROUTES
from tests.handlers.conftest import CLIENT_ID, deployed, with_quota
from tests.lambda_context import LambdaContext
from tests.lookup.conftest import stage
from tests.lookup.stage import UNHURRIED, Stage
from tests.openapi.gateway import gateway

__all__ = ["deployed", "stage"]


@pytest.fixture
def address(deployed: Stage, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the handler with a quota that drawn requests cannot use up."""
    simulator.configure(not_found_share=0.3)
    with_quota(deployed, replace(UNHURRIED, limit=1_000_000), monkeypatch)
    deployed.session.client("scheduler").create_schedule_group(Name="group")
    scopes = " ".join(sorted({route.scope for route in ROUTES}))
    with gateway(
        lambda event: on_request.handler(event, LambdaContext()), {"client_id": CLIENT_ID, "scope": scopes}
    ) as url:
        yield url
