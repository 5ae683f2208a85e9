"""Answers of the API whose every text is an attack on the page that shows it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Route

ATTACK = "<img src=x onerror='window.attacked=1'><script>window.attacked=1</script>\"'`{{attacked}}${attacked}"
# What the page decides by, or parses: the service's own words and times, which no sender writes.
KEPT = {
    "type", "state", "outcome", "source", "format", "only", "identifier_type", "scopes", "formats", "lanes",
}  # fmt: skip
SCRIPT = "javascript:window.attacked=1"
TIME = re.compile(r"\d{4}-\d\d-\d\dT")


def attacked(route: Route) -> None:
    """Pass a request on, and answer it with an attack in every text."""
    answer = route.fetch(url=unquote(route.request.url).replace(ATTACK, ""))
    route.fulfill(response=answer, json=_spoilt(answer.json()))


def _spoilt(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {one: _spoilt(member, one) for one, member in value.items()}
    if isinstance(value, list):
        return [_spoilt(member, name) for member in value]
    if name == "url":
        return SCRIPT
    is_kept = name in KEPT or not isinstance(value, str) or TIME.match(value)
    return value if is_kept else f"{value}{ATTACK}"
