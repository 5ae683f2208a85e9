"""What the HTTP API shows to everybody: its OpenAPI document, and Swagger UI over it from files of the service's own.

Nothing here is loaded or made before somebody asks for it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lookup.api.static_files import file_answer

OURS = Path(__file__).parent / "static"
SWAGGER_UI = "aws_lambda_powertools.event_handler.openapi.swagger_ui"
DAY = "public, max-age=86400"
MINUTE = "public, max-age=60"
ASSETS: Mapping[str, str] = {
    "swagger-ui-bundle.min.js": "text/javascript; charset=utf-8",
    "swagger-ui.min.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}


class Pages:
    """`document` writes the OpenAPI document; the page may ask `token_url` for a token, if there is one."""

    def __init__(self, document: Callable[[], bytes], token_url: str | None) -> None:
        self._document = cache(document)
        self._policy = _policy(token_url)

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Answer an event (payload 2.0) of a route of this module; None when there is no such page."""
        if event["routeKey"] == "GET /openapi.json":
            return file_answer(event, self._document(), "application/json", {"Cache-Control": MINUTE})
        if event["routeKey"] == "GET /docs":
            headers = {"Cache-Control": MINUTE, "Content-Security-Policy": self._policy}
            return file_answer(event, _file("index.html"), "text/html; charset=utf-8", headers)
        name = event.get("pathParameters", {}).get("asset", "")
        return file_answer(event, _file(name), ASSETS[name], {"Cache-Control": DAY}) if name in ASSETS else None


def _policy(token_url: str | None) -> str:
    """Return the policy by which the page loads our files, and requests this API and the token endpoint only."""
    parts = urlsplit(token_url or "")
    origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"connect-src 'self'{origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _file(name: str) -> bytes:
    ours = OURS / name
    return (ours if ours.exists() else _swagger_ui() / name).read_bytes()


def _swagger_ui() -> Path:
    """Find Powertools' copy without loading the OpenAPI models beside it."""
    found = importlib.util.find_spec(SWAGGER_UI)
    if found is None or found.origin is None:
        raise FileNotFoundError(SWAGGER_UI)
    return Path(found.origin).parent
