"""Any path, query, content type and bytes at every route: a request is served or refused, never a defect."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lookup.api.openapi.problem_types import Problem
from lookup.api.route_table import ROUTES, Route
from tests.fuzz.values import JSON, SQS_TEXT, written
from tests.openapi.gateway import TOKEN

EXAMPLES = 150
TYPES = st.sampled_from(
    ["application/json", "application/json; charset=utf-16", "text/plain", "x", "", "multipart/form-data"]
)
BODIES = st.one_of(st.binary(max_size=60), JSON.map(lambda value: written(value).encode()), st.just(b"[" * 20_000))
NAMES = st.sampled_from(["max_age", "fields", "workspace", "limit", "after", "dry_run", "stale_if_error", "other"])
KNOWN = {problem.value.uri for problem in Problem}


def test_any_request_is_served_or_refused_with_a_problem(address: str) -> None:
    """Whatever a partner sends, the answer is no 5xx and has a request id, and an error is a documented problem."""
    http = urllib3.PoolManager(retries=False)

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(
        route=st.sampled_from(ROUTES),
        step=SQS_TEXT,
        query=st.dictionaries(NAMES, SQS_TEXT, max_size=3),
        body=BODIES,
        kind=TYPES,
    )
    def always(route: Route, step: str, query: dict[str, str], body: bytes, kind: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
        url = f"{address}{_filled(route, step)}?{urlencode(query)}"
        _check(http.request(route.method, url, body=body, headers=headers, redirect=False))

    always()


def _filled(route: Route, step: str) -> str:
    return "/".join(quote(step, safe="") if part.startswith("{") else part for part in route.path.split("/"))


def _check(answer: Any) -> None:
    assert answer.status < 500, answer.data
    if answer.headers["Content-Type"] == "application/problem+json":
        assert answer.json()["type"] in KNOWN
    elif answer.status >= 400:
        assert answer.json() == {"message": "Not Found"}, "the gateway's own answer to a path that is no route"
        return
    assert answer.headers["X-Request-Id"]
