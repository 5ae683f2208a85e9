"""Requests that Schemathesis draws from the service's own OpenAPI document, and what it asks of each answer."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lookup.api.route_table import ROUTES
from tests.openapi.document import parsed
from tests.openapi.gateway import TOKEN

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LABELS = [f"{route.method} {route.path.replace('+}', '}')}" for route in ROUTES]
EXAMPLES = 20  # of requests as the document wants them, and as many that break it


def ask_every_route(address: str) -> None:
    """Make good and spoilt requests of every route at an address; an answer that the document does not have raises."""
    schema = schemathesis.openapi.from_dict(parsed())
    for label in LABELS:
        operation = schema.find_operation_by_label(label)
        assert operation is not None, label
        _ask(operation, address)


def _ask(operation: Any, address: str) -> None:
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @settings(
        max_examples=2 * EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def always(case: Any) -> None:
        response = case.call(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"})
        assert b"Traceback" not in response.content
        case.validate_response(response, checks=CHECKS)

    always()
