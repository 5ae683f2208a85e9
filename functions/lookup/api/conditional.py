"""Answers in JSON that a client may have: a weak tag of their content, and 304 for who has that (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header

from lookup import exact_json
from lookup.api.responses import raw_json_response

IfNoneMatch = Annotated[str | None, Header(description="ETags that you have.")]
TAG = re.compile(r'"[^"]*"')
TAG_LENGTH = 32  # hexadecimal digits of a SHA-256


def matches(if_none_match: str | None, tag: str) -> bool:
    """Compare weakly, as RFC 9110 wants it of If-None-Match."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in TAG.findall(if_none_match)


def conditional_json(
    body: Mapping[str, object],
    if_none_match: str | None,
    *,
    moving: Collection[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """Answer with a body, unless the client has it but for the `moving` members, which are no news by themselves."""
    tag = f'W/"{sha256(exact_json.dumps_well_formed(_without(body, moving))).hexdigest()[:TAG_LENGTH]}"'
    tagged = {**(headers or {}), "ETag": tag}
    if matches(if_none_match, tag):
        return Response(HTTPStatus.NOT_MODIFIED.value, headers=tagged, body="")
    return raw_json_response(exact_json.dumps_well_formed(body), headers=tagged)


def _without(value: object, names: Collection[str]) -> object:
    if isinstance(value, Mapping):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return value
