"""The console's files as `make console` has built them, and what its page reads at its start.

Nothing here is loaded or read before somebody asks for it, and nothing here holds data of anybody.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lookup.api.console.parameter import ConsoleFacts, SignIn
from lookup.api.static_files import file_answer

BUILT = Path(__file__).parent / "static"
PAGE, CONFIG = "index.html", "config.json"
KINDS: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
NOT_BUILT = b"The console is not part of this deployment: `make console` builds it.\n"
# A name stays the same from release to release: each is asked for again, and mostly answered 304.
ASK_AGAIN = {"Cache-Control": "no-cache"}
# What the page never needs: https://www.w3.org/TR/permissions-policy/
UNUSED = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get",
    "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip
HEADERS: Mapping[str, str] = {
    **ASK_AGAIN,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",  # the issuer's page may open in a window of its own
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
}


class ConsolePages:
    """Answers `/console` and the files below it. `bucket_origin` returns where uploads go, as their URLs have it."""

    def __init__(self, stage: str, facts: Callable[[], ConsoleFacts], bucket_origin: Callable[[], str]) -> None:
        self._stage = stage
        self._facts = facts
        self._bucket_origin = cache(bucket_origin)

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Answer an event (payload 2.0) of a route of this module; None when there is no such file."""
        if event["routeKey"].endswith(" /console"):
            return self._page(event)
        name = event.get("pathParameters", {}).get("asset", "")
        if name == CONFIG:
            return file_answer(event, self._config(), KINDS["json"], HEADERS)
        body = _file(name)
        return None if body is None or name == PAGE else file_answer(event, body, _kind(name), HEADERS)

    def _page(self, event: Mapping[str, Any]) -> dict[str, Any]:
        body = _file(PAGE)
        if body is None:
            return _not_built()
        policy = _policy(self._facts().sign_in, self._bucket_origin())
        return file_answer(event, body, KINDS["html"], {**HEADERS, "Content-Security-Policy": policy})

    def _config(self) -> bytes:
        sign_in = self._facts().sign_in
        return json.dumps({"stage": self._stage, "sign_in": None if sign_in is None else sign_in.to_json()}).encode()


def _policy(sign_in: SignIn | None, bucket_origin: str) -> str:
    """Return the policy by which the page runs our files only, and talks to this API, the issuer and the bucket."""
    token_url = sign_in.token_url if sign_in is not None and urlsplit(sign_in.token_url).netloc else ""
    connected = " ".join(one for one in ("'self'", token_url, bucket_origin) if one)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"manifest-src 'self'; worker-src 'self'; connect-src {connected}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _not_built() -> dict[str, Any]:
    return {
        "statusCode": HTTPStatus.NOT_FOUND.value,
        "headers": {"Content-Type": KINDS["txt"], "X-Content-Type-Options": "nosniff"},
        "body": base64.b64encode(NOT_BUILT).decode(),
        "isBase64Encoded": True,
        "cookies": [],
    }


def _kind(name: str) -> str:
    return KINDS[name.rpartition(".")[2]]


def _file(name: str) -> bytes | None:
    """Read a file of the folder; None when there is none of this name, or of no kind that is served."""
    return _content(name) if name in _served() else None


@cache
def _served() -> frozenset[str]:
    """List the files that are served: no name of a request becomes a path, or is remembered, unless it is one."""
    there = BUILT.iterdir() if BUILT.is_dir() else ()
    return frozenset(one.name for one in there if one.is_file() and one.suffix[1:] in KINDS)


@cache
def _content(name: str) -> bytes:
    return (BUILT / name).read_bytes()
