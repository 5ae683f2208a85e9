"""A token endpoint of another origin than the page's, as a user pool's is; a test says whether a page may read it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3
from playwright.sync_api import Page, Route


@dataclass
class TokenEndpoint:
    """Hands requests on to `real`. Like Cognito's it answers nothing but POST; pages may read it when `readable`."""

    real: str
    readable: bool
    url: str = ""
    methods: list[str] = field(default_factory=list)

    def behind(self, page: Page) -> None:
        """Route the page's token requests here, as a stage on AWS has them at its user pool."""
        page.context.grant_permissions(["local-network-access"])  # a page that a test serves counts as a public one
        page.route("**/openapi.json", self._document)
        page.route("**/docs", self._policy)

    def _document(self, route: Route) -> None:
        read = route.fetch().json()
        read["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]["tokenUrl"] = self.url
        route.fulfill(json=read)

    def _policy(self, route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"]
        allowed = policy.replace("connect-src 'self'", f"connect-src 'self' {self.url.rpartition('/')[0]}")
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": allowed})

    def answer(self, method: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        self.methods.append(method)
        if method != "POST":
            return 405, json.dumps({"error": "method"}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        read = urllib3.PoolManager().request("POST", self.real, body=body, headers=kind)
        return read.status, read.data


@contextmanager
def token_endpoint(real: str, *, readable: bool) -> Iterator[TokenEndpoint]:
    """Serve one until the test is over."""
    endpoint = TokenEndpoint(real, readable)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer("POST")

        def do_OPTIONS(self) -> None:
            self._answer("OPTIONS")

        def _answer(self, method: str) -> None:
            status, body = endpoint.answer(method, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if endpoint.readable and method == "POST":
                self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            serving.join()
