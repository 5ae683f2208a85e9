"""A partner's calls as API Gateway's events; every response is checked against the route's documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import urllib3
from pydantic import BaseModel

import on_queue
import on_request
from lookup.api.openapi import operator_docs, route_docs
from lookup.api.openapi.models.components import ANSWERS
from lookup.api.openapi.operations import SCHEMAS, Operation
from lookup.api.openapi.problem_types import Problem
from lookup.api.route_table import ROUTES
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

DOCUMENTED: Mapping[str, Operation] = {
    "GET /v1/profiles": route_docs.READ_PROFILE,
    "GET /v1/profiles/{identifier_type}/{identifier+}": route_docs.GET_PROFILE,
    "POST /v1/rosters": route_docs.POST_ROSTERS,
    "DELETE /v1/rosters/{roster_id}": route_docs.DELETE_ROSTER,
    "POST /v1/rosters/{roster_id}/preview": route_docs.PREVIEW_ROSTER,
    "POST /v1/lookups": route_docs.POST_LOOKUPS,
    "GET /v1/lookups": route_docs.LIST_LOOKUPS,
    "GET /v1/lookups/{lookup_id}": route_docs.GET_LOOKUP,
    "PATCH /v1/lookups/{lookup_id}": route_docs.PATCH_LOOKUP,
    "GET /v1/lookups/{lookup_id}/results": route_docs.GET_RESULTS,
    "GET /v1/lookups/{lookup_id}/results/{file}": route_docs.GET_RESULT_FILE,
    "POST /v1/lookups/{lookup_id}/exports": route_docs.POST_EXPORTS,
    "GET /v1/schedules": route_docs.LIST_SCHEDULES,
    "PUT /v1/schedules/{name}": route_docs.PUT_SCHEDULE,
    "GET /v1/schedules/{name}": route_docs.GET_SCHEDULE,
    "DELETE /v1/schedules/{name}": route_docs.DELETE_SCHEDULE,
    "GET /v1/quota": route_docs.GET_QUOTA,
    "GET /v1/grants": route_docs.GET_GRANTS,
    "POST /v1/erasures": route_docs.POST_ERASURES,
    "GET /v1/erasures/{erasure_id}": route_docs.GET_ERASURE,
    "GET /v1/webhooks/deliveries": route_docs.LIST_DELIVERIES,
    "POST /v1/webhooks/test": route_docs.TEST_WEBHOOK,
    "GET /v1/operator/partners": operator_docs.LIST_PARTNERS,
    "GET /v1/operator/lookups": operator_docs.LIST_ALL_LOOKUPS,
    "GET /v1/operator/lookups/{lookup_id}": operator_docs.GET_ANY_LOOKUP,
    "GET /v1/operator/dead-letters": operator_docs.COUNT_DEAD_LETTERS,
    "POST /v1/operator/gate": operator_docs.STEER_GATE,
    "POST /v1/operator/redrive": operator_docs.POST_REDRIVE,
}
SHAPES: Mapping[str, type[BaseModel]] = {shape.__name__: shape for shape in ANSWERS}
KINDS = {problem.value.uri: problem for problem in Problem}

Answer = tuple[int, dict[str, Any], Mapping[str, str]]


@dataclass
class Calling:
    """Calls as the partner acme by default; returns status, body and headers."""

    template: dict[str, Any]
    context: LambdaContext

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        client: str | None = None,
        scope: str | None = None,
        raw: bytes | str | None = None,
        **headers: str,
    ) -> Answer:
        event = json.loads(json.dumps(self.template))
        path, _, query = path.partition("?")
        key = route_key(method, path)
        event |= {"rawPath": path, "routeKey": key, "rawQueryString": query}
        event["queryStringParameters"] = dict(parse_qsl(query, keep_blank_values=True)) or None
        event["requestContext"]["http"] |= {"method": method, "path": path}
        event["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        event["body"] = raw if raw is not None or body is None else json.dumps(body)
        claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
        claims |= {"client_id": client or claims["client_id"], "scope": claims["scope"] if scope is None else scope}
        return self.answer(event, key)

    def answer(self, event: dict[str, Any], key: str) -> Answer:
        """Invoke the handler with an event; check the response against the documentation."""
        answered = on_request.handler(event, self.context)
        status, text = answered["statusCode"], answered["body"]
        headers: Mapping[str, str] = answered["headers"]
        assert headers["X-Request-Id"] == event["requestContext"]["requestId"]
        body = json.loads(text or "{}")
        if key in DOCUMENTED:
            check(DOCUMENTED[key], status, body, headers)
        return status, body, headers


def check(operation: Operation, status: int, body: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Hold an answer to its documentation: the status, the shape, the kind of problem, the promised headers."""
    documented = operation["responses"][status]
    for kind, content in documented.get("content", {}).items():
        assert headers["Content-Type"] == kind
        schema: Any = content["schema"]  # type: ignore[typeddict-item]  # ours always name one
        SHAPES[schema["$ref"].removeprefix(SCHEMAS)].model_validate(body)
        if kind.startswith("application/problem"):
            problem = KINDS[body["type"]].value
            assert problem.name in content["examples"]
            assert (body["status"], body["title"]) == (status, problem.title)
            assert not problem.is_for_now or int(headers["Retry-After"]) >= 1
    assert set(headers) <= {"Content-Type", *documented["headers"]}
    assert {"X-Request-Id", "Cache-Control"} <= set(headers)


def route_key(method: str, path: str) -> str:
    """Find the route as API Gateway does."""
    for route in ROUTES:
        pattern = re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(route.path).replace(r"\{identifier\+\}", ".+"))
        if route.method == method and re.fullmatch(pattern, path):
            return route.key
    return "$default"


def kind_of(answer: Answer) -> tuple[int, str]:
    """Return the status of a problem and the end of its type."""
    return answer[0], answer[1]["type"].rpartition(":")[2]


Call = Callable[..., Answer]


def uploaded(call: Call, body: bytes) -> str:
    """Upload a roster; return its id."""
    _, roster, _ = call("POST", "/v1/rosters", {"bytes": len(body)})
    upload = roster["upload"]
    answer = urllib3.PoolManager().request("PUT", upload["url"], body=body, headers=upload["headers"], retries=False)
    assert answer.status == 200, answer.data
    return str(roster["roster_id"])


def serve_parts_queue(deployed: Stage, context: LambdaContext) -> int:
    """Invoke the handler with the parts queue, as Lambda does, until it is empty; return the number of parts."""
    served = 0
    while messages := deployed.messages(deployed.settings.parts_queue_url):
        served += len(messages)
        _serve(messages, context)
    return served


def _serve(messages: Sequence[MessageTypeDef], context: LambdaContext) -> None:
    for message in messages:
        assert on_queue.handler({"Records": [sqs_record(message, "parts")]}, context) == {"batchItemFailures": []}
