"""Checks of every request before its route runs, and headers of every response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from lookup.api import problems
from lookup.api.app import escaped_path, unexpected_error
from lookup.api.callers.auth import Caller, ClientAuth, scopes_of
from lookup.api.callers.request_rate import RequestRate
from lookup.api.openapi.problem_types import Problem
from lookup.api.query_string import read_query
from lookup.api.route_table import ADMIN, BY_KEY, CONSOLE_KEYS, PAGE_KEYS, PROFILES_ERASE
from lookup.errors import InvalidInput, ServiceError, TooManyRequests
from lookup.ledger.usage.daily_usage import limit_headers
from lookup.model import Clock
from lookup.partners import Partner
from lookup.telemetry import logger

BODY_LIMIT = 256 * 1024  # bytes
JSON = "application/json"

AppOf = Callable[[str], APIGatewayHttpResolver]  # the resolver of a route, by its key


class Pages(Protocol):
    """Answers of routes that need no token."""

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Answer an event (payload 2.0); None when there is no such page."""


class ApiHandler:
    """Answers events of the HTTP API: every answer has its request id, every error is a problem."""

    def __init__(
        self,
        app_of: AppOf,
        callers: ClientAuth,
        *,
        pages: Pages,
        console: Callable[[], Pages],
        rate: RequestRate,
        clock: Clock,
    ) -> None:
        """`console` makes the console's pages, when one of them is asked for."""
        self._app_of = app_of
        self._console = console
        self._rate = rate
        self._pages = pages
        self._callers = callers
        self._clock = clock

    def answer(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own context
        """Answer one event (payload 2.0)."""
        request_id = str(event["requestContext"].get("requestId") or context.aws_request_id)
        logger.append_keys(request_id=request_id)
        answered = self._answered(event, context)
        answered["headers"]["X-Request-Id"] = request_id
        answered["headers"].setdefault("Cache-Control", "no-store")  # people's data and addresses that open it
        return answered

    def _answered(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        if event.get("routeKey") in PAGE_KEYS:
            return self._page(event)
        event = _without_needless_body(event)
        refusal = _rejection(event)
        try:
            caller = self._callers.of(event)
            self._rate.admit(caller.partner)  # what is refused counts, too: nobody may send any number of it
        except TooManyRequests as error:
            return _written(problems.problem_for(error, now=self._clock()))
        except ServiceError as error:
            return _written(refusal or problems.problem_for(error, now=self._clock()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a problem
            return _written(refusal or unexpected_error(error))
        refusal = refusal or _check_grant(event, caller)
        if refusal is not None:
            return _written(refusal)
        app = self._app_of(event["routeKey"])
        app.context["caller"] = caller  # `current_caller` reads it; Powertools clears it
        answered = app.resolve(
            escaped_path(_with_json_type(event)) | {"queryStringParameters": read_query(event)}, context
        )
        self._add_limit_headers(answered["headers"], caller.partner)
        return answered

    def _page(self, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            pages = self._console() if event["routeKey"] in CONSOLE_KEYS else self._pages
            return pages.answer(event) or _written(problems.no_such_route())
        except ServiceError as error:
            return _written(problems.problem_for(error, now=self._clock()))
        except Exception as error:  # noqa: BLE001 - as above
            return _written(unexpected_error(error))

    def _add_limit_headers(self, headers: dict[str, Any], partner: Partner) -> None:
        """Add the partner's daily policy, if it has one and the route has not added it with what is left."""
        for name, value in limit_headers(None, self._clock(), limit=partner.users_per_day).items():
            headers.setdefault(name, value)


# What a token of a person may say without that the person may do it.
WITHHELD: Mapping[str, str] = {ADMIN: "operate the service", PROFILES_ERASE: "erase people"}
Check = Callable[[Mapping[str, Any]], Response[str] | None]


def _rejection(event: Mapping[str, Any]) -> Response[str] | None:
    """Return what is wrong with a request, whatever its route does; None when nothing is."""
    checks: tuple[Check, ...] = (_check_route, _check_scope, _check_query, _check_size, _check_content_type)
    return next((found for check in checks if (found := check(event)) is not None), None)


def _without_needless_body(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Drop a body that the route does not take (RFC 9110, 9.3: of GET and DELETE it has no meaning)."""
    route = BY_KEY.get(event.get("routeKey", ""))
    return event if route is None or route.takes_body else {**event, "body": None, "isBase64Encoded": False}


def _check_route(event: Mapping[str, Any]) -> Response[str] | None:
    return None if event.get("routeKey") in BY_KEY else problems.no_such_route()


def _check_scope(event: Mapping[str, Any]) -> Response[str] | None:
    """API Gateway has checked the scope already; a route that was deployed without one must not be open."""
    scope = BY_KEY[event["routeKey"]].scope
    if scope in scopes_of(event):
        return None
    return problems.problem(Problem.MISSING_SCOPE, f"this route needs the scope {scope}", scope=scope)


def _check_grant(event: Mapping[str, Any], caller: Caller) -> Response[str] | None:
    """A person's token has every scope of the console's client, also what its partner is not granted."""
    scope = BY_KEY[event["routeKey"]].scope
    if scope in caller.scopes:
        return None
    return problems.problem(Problem.FORBIDDEN, f"your partner may not {WITHHELD.get(scope, f'use {scope}')}")


def _check_query(event: Mapping[str, Any]) -> Response[str] | None:
    try:
        read_query(event)
    except InvalidInput as error:
        return problems.invalid((error.sender_field, error.sender_rule))
    return None


def _check_size(event: Mapping[str, Any]) -> Response[str] | None:
    body = event.get("body") or ""
    size = len(body) * 3 // 4 if event.get("isBase64Encoded") else len(body.encode("utf-8", "surrogatepass"))
    if size <= BODY_LIMIT:
        return None
    return problems.problem(Problem.BODY_TOO_LARGE, f"the body has {size} bytes; the limit is {BODY_LIMIT}")


def _check_content_type(event: Mapping[str, Any]) -> Response[str] | None:
    """An absent content type counts as JSON; so nothing is guessed of a body that says what it is."""
    if not event.get("body"):
        return None
    called = str(event.get("headers", {}).get("content-type", JSON)).partition(";")[0].strip().lower()
    if called == JSON:
        return None
    return problems.problem(Problem.CONTENT_TYPE, f"the body must be {JSON}")


def _with_json_type(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the content type as Powertools compares it: media types know no case, and that of an empty body nothing."""
    return {**event, "headers": {**event.get("headers", {}), "content-type": JSON}}


def _written(response: Response[str]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": response.headers,
        "body": response.body,
        "isBase64Encoded": False,
        "cookies": [],
    }
