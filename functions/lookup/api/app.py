"""The HTTP surface: its routes, and every error as a problem."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from lookup import exact_json
from lookup.api import problems
from lookup.api.openapi.problem_types import Problem
from lookup.aws.errors import error_name, is_transient
from lookup.errors import AwsUnavailable, InvalidInput, ServiceError
from lookup.model import Clock
from lookup.telemetry import Metric, count, logger
from lookup.validation import EXCERPT_LENGTH

TWICE = "occurs twice in one object"
NAMED = 100  # broken rules that an answer names: a body holds tens of thousands
NESTING = 32  # levels of a body: what reads deeper would end in the middle of writing it


def create_app(clock: Clock) -> APIGatewayHttpResolver:
    """Make the resolver that the groups of routes add theirs to; every error of theirs becomes a problem."""
    app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=_json)
    app.use([reject_unknown_query])
    app.exception_handler(ServiceError)(lambda error: problems.problem_for(error, now=clock()))
    app.exception_handler(RequestValidationError)(_unprocessable)
    app.exception_handler(UnicodeDecodeError)(lambda _: _malformed())
    app.exception_handler(AwsUnavailable)(unexpected_error)
    app.exception_handler(Exception)(unexpected_error)
    app.not_found(lambda _: problems.no_such_route())
    return app


def reject_unknown_query(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[str]:
    """Refuse names in the query that the route does not know: a misspelt `max_age` must not be ignored."""
    known = {param.alias for param in app.context["_route"].dependant.query_params}
    unknown = sorted(set(app.current_event.query_string_parameters) - known)
    if unknown:
        rule = f"is unknown; known are {', '.join(sorted(known)) or 'none'}"
        return problems.invalid(*((name[:EXCERPT_LENGTH], rule) for name in unknown), kind=Problem.UNKNOWN_PARAMETER)
    return next_middleware(app)


def escaped_path(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with a path that routes, whatever its parameters hold.

    An HTTP API decodes the path before it delivers it, all escapes but `%25`. So its steps are taken as they came,
    as many as the route has, the last with all that follows, and each is escaped once.
    """
    steps = event.get("routeKey", "").partition(" ")[2].count("/") or -1
    path = event.get("rawPath", "")
    stage = event.get("requestContext", {}).get("stage", "$default")
    if stage != "$default":
        path = path.removeprefix(f"/{stage}")
    path = "/".join(quote(step.replace("%25", "%"), safe="") for step in path.split("/", steps))
    return {**event, "rawPath": path, "requestContext": {**event["requestContext"], "stage": "$default"}}


def unexpected_error(error: Exception) -> Response[str]:
    """Return nothing of an error to the caller, and log only where it is: its text may hold data.

    The invocation ends well, so Lambda counts none.
    """
    where = traceback.format_tb(error.__traceback__)[-3:]
    if is_transient(error):
        count(Metric.AWS_TROUBLE)
        logger.warning("aws unavailable", error=error_name(error), where=where, runbook="Errors")
        return problems.unavailable()
    count(Metric.DEFECTS)
    logger.error("defect", error=type(error).__name__, where=where)
    return problems.problem(Problem.INTERNAL, "the request could not be served")


def _json(text: str) -> Any:  # noqa: ANN401 - whatever the caller sent
    try:
        value = exact_json.loads_unique(text)
    except exact_json.RepeatedKey as error:
        raise InvalidInput("body", TWICE, sender_field=error.key[:EXCERPT_LENGTH]) from None
    except ValueError:
        raise json.JSONDecodeError("not readable", text, 0) from None
    if _is_deep(value, NESTING):
        raise json.JSONDecodeError("nests too deep", text, 0)
    return value


def _is_deep(value: object, room: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return room < 0 or any(_is_deep(one, room - 1) for one in inner)


def _malformed() -> Response[str]:
    return problems.problem(Problem.MALFORMED, "the body is not readable as JSON")


def _unprocessable(error: RequestValidationError) -> Response[str]:
    found = error.errors()
    if any(one["type"].startswith("json_") for one in found):
        return _malformed()
    broken = [(".".join(str(step) for step in one["loc"]), str(one["msg"])) for one in found[:NAMED]]
    more = [("body", f"breaks {len(found) - NAMED} more rules")] if len(found) > NAMED else []
    return problems.invalid(*broken, *more)
