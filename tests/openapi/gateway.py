"""What is in front of the HTTP handler in AWS, on a loopback port: routes, tokens, and the shape of its events.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from lookup.api.route_table import BY_KEY, PAGE_KEYS

TOKEN = "good"
Handler = Callable[[dict[str, Any]], dict[str, Any]]
Claims = Mapping[str, str]
TEXT_BODIES = re.compile(r"text/|application/(json|xml|javascript)\b")


@contextmanager
def gateway(handler: Handler, claims: Claims) -> Iterator[str]:
    """Serve `handler` while entered; return the address. Requests with the token have these claims."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            event = _event(self, body, claims)
            answer = event if "statusCode" in event else handler(event)
            sent = answer.get("body", "")
            content = base64.b64decode(sent) if answer.get("isBase64Encoded") else sent.encode()
            self.send_response(answer["statusCode"])
            for name, value in answer.get("headers", {}).items():
                self.send_header(name, value)
            if answer["statusCode"] not in {204, 304}:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD" and answer["statusCode"] not in {204, 304}:
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = handle_one  # noqa: N815 - as the base class wants

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _event(request: BaseHTTPRequestHandler, body: bytes, claims: Claims) -> dict[str, Any]:
    """Write the event, or the answer that the gateway gives itself."""
    path, _, query = request.path.partition("?")
    # All escapes but that of the percent sign are gone when the function sees the path.
    path = unquote(re.sub("%25", "%2525", path), errors="replace")
    route = _route(request.command, path)
    if route is None:
        return _own(404, "Not Found")
    if route not in PAGE_KEYS and request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return _own(401, "Unauthorized")
    headers = {name.lower(): value for name, value in request.headers.items()}
    is_text = TEXT_BODIES.match(headers.get("content-type", "")) is not None
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "authorizer": {"jwt": {"claims": dict(claims), "scopes": None}},
            "http": {"method": request.command, "path": path, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"},
            "requestId": "request",
            "routeKey": route,
            "stage": "$default",
        },
        "isBase64Encoded": bool(body) and not is_text,
    }
    if body:
        event["body"] = body.decode(errors="replace") if is_text else base64.b64encode(body).decode()
    return event | _query(query)


def _query(query: str) -> dict[str, Any]:
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        given[name] = f"{given[name]},{value}" if name in given else value
    return {"queryStringParameters": given} if given else {}


def _route(method: str, path: str) -> str | None:
    for key in (*BY_KEY, *PAGE_KEYS):
        wanted, _, template = key.partition(" ")
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template).replace(r"\+", "+"))
        pattern = re.sub(r"\\{\w+\+\\}", ".+", pattern)
        if wanted == method and re.fullmatch(pattern, path, re.DOTALL):
            return key
    return None


def _own(status: int, message: str) -> dict[str, Any]:
    body = json.dumps({"message": message})
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": body}
