"""The HTTP surface: its routes, and every error as a problem."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from lookup import problems
from lookup.errors import LookupFault
from lookup.model import Clock
from lookup.telemetry import logger

GREEDY = "{identifier+}"


def resolver(clock: Clock) -> APIGatewayHttpResolver:
    """Make the resolver that the groups of routes add theirs to; every error of theirs becomes a problem."""
    app = APIGatewayHttpResolver(enable_validation=True)
    app.exception_handler(LookupFault)(lambda fault: problems.of_fault(fault, now=clock()))
    app.exception_handler(RequestValidationError)(_unprocessable)
    app.exception_handler(RequestUnsupportedContentType)(_unsupported)
    app.exception_handler(Exception)(_crashed)
    app.not_found(_no_route)
    return app


def routable(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event a path that routes, whatever the identifier holds.

    An HTTP API decodes the path before it hands it over, all escapes but `%25`. So the identifier is taken from the
    end of the path as it came, and escaped once, whole.
    """
    key = event.get("routeKey", "")
    path = event.get("rawPath", "")
    stage = event.get("requestContext", {}).get("stage", "$default")
    if stage != "$default":
        path = path.removeprefix(f"/{stage}")
    if GREEDY in key:
        depth = key.split(" ", 1)[1].split(GREEDY)[0].count("/")
        *start, identifier = path.split("/", depth)
        path = "/".join([*start, quote(identifier.replace("%25", "%"), safe="")])
    return {**event, "rawPath": path, "requestContext": {**event["requestContext"], "stage": "$default"}}


def _no_route(_: NotFoundError) -> Response[str]:
    return problems.problem(HTTPStatus.NOT_FOUND, "no-such-route", "this API has no such route")


def _crashed(error: Exception) -> Response[str]:
    """Say nothing of a defect to the caller, and to the log only where it is: its text may hold what it stumbled on."""
    logger.error("defect", error=type(error).__name__, where=traceback.format_tb(error.__traceback__)[-3:])
    return problems.problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the request could not be served")


def _unsupported(_: RequestUnsupportedContentType) -> Response[str]:
    return problems.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type", "the body must be application/json")


def _unprocessable(error: RequestValidationError) -> Response[str]:
    broken = [(".".join(str(step) for step in one["loc"]), str(one["msg"])) for one in error.errors()]
    if any(one["type"].startswith("json_") for one in error.errors()):
        return problems.problem(HTTPStatus.BAD_REQUEST, "malformed", "the body is not readable as JSON")
    return problems.invalid(*broken)
