"""The partner of a request: found once, by the handler, however many parts of the API need it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest

from lookup.partners import Partner, Partners
from lookup.wiring.api import ApiServices
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage


class CountingPartners(Partners):
    """Counts how often a client's grants are read."""

    times = 0

    def of(self, client_id: str) -> Partner:
        self.times += 1
        return super().of(client_id)


class CountingServices(ApiServices):
    """The services of `on_request`, whose partners are counted."""

    @cached_property
    def partners(self) -> CountingPartners:
        return CountingPartners(self.ssm, self.settings.partners_parameter_name, self.clock)


@pytest.mark.parametrize(
    ("name", "headers"),
    [("get_profile", {}), ("get_quota", {}), ("post_lookups", {}), ("post_lookups", {"idempotency-key": "once"})],
)
def test_the_partner_is_found_once(
    deployed: Stage,
    event: Callable[[str], dict[str, Any]],
    context: LambdaContext,
    name: str,
    headers: dict[str, str],
) -> None:
    """A request reads its client's grants once, also when it has an `Idempotency-Key`."""
    services = CountingServices.from_environment()
    sent = event(f"on_request/{name}.json")
    answered = services.handler.answer({**sent, "headers": {**sent["headers"], **headers}}, context)
    assert (answered["statusCode"], services.partners.times) == (200, 1)
