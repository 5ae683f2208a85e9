"""Files and generated documents as answers of the HTTP API: packed if the client takes it, once per content.

An answer has a strong `ETag` of what is sent before packing, and is 304 without a body when the client has that
(RFC 9110, 13.1.2). A packed answer is another representation, so its tag differs (RFC 9110, 8.8.3.3).
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any

TAG_LENGTH = 32  # hexadecimal digits of the SHA-256


def file_answer(event: Mapping[str, Any], body: bytes, kind: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Answer an event (payload 2.0) with a body of this type; a HEAD gets what a GET would, without the body."""
    packed = "gzip" in event.get("headers", {}).get("accept-encoding", "")
    tag = f'"{_digest(body)}{"-gzip" if packed else ""}"'
    common = {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff", "ETag": tag, **headers}
    if _has(event, tag):
        return _answer(HTTPStatus.NOT_MODIFIED, common, b"")
    encoding = {"Content-Encoding": "gzip"} if packed else {}
    is_head = event["requestContext"].get("http", {}).get("method") == "HEAD"
    content = b"" if is_head else _packed(body) if packed else body
    return _answer(HTTPStatus.OK, {"Content-Type": kind, **common, **encoding}, content)


def _has(event: Mapping[str, Any], tag: str) -> bool:
    """Return whether the client has it (RFC 9110, 13.1.2: compared weakly; caches may have made the tag weak)."""
    known = event.get("headers", {}).get("if-none-match", "")
    return known.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in known.split(",")}


def _answer(status: HTTPStatus, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    return {
        "statusCode": status.value,
        "headers": dict(headers),
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "cookies": [],
    }


@cache
def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:TAG_LENGTH]


@cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
