"""The schedules' handler under any event: refused by name, and the firing after it is served."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import on_schedule
from lookup.errors import ServiceError
from tests.fuzz.values import JSON, nearly
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]
EXAMPLES = 60
_numbers = itertools.count(1)


def test_any_event_is_refused_by_name_or_served(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """No event makes the handler fail but by an error of the service's own, and a firing after it is served."""
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key="rosters/refresh.csv", Body=b"customer_id\nC-1\n")
    firing = event("on_schedule/refresh.json")
    extended = firing | {"partner": "acme", "weight": 1}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(strange=st.one_of(JSON, nearly(firing), nearly(extended)))
    def always(strange: Any) -> None:
        with contextlib.suppress(ServiceError):
            on_schedule.handler(strange, context)
        name = f"good-{next(_numbers)}"
        fired = on_schedule.handler(firing | {"schedule": name}, context)
        assert fired["lookup_id"] == f"{name}-20261123T190000Z"

    always()
