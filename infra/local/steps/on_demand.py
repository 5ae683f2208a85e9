"""First step of the job: profiles on demand, over the deployed HTTP API."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from infra.local.api_client import ApiClient
from infra.local.display import Display
from infra.local.results import Tally
from infra.local.roster import JUNK
from lookup.model import Identifier

DEFECTS = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY)  # the function crashed or could not start
OUTCOME_BY_STATUS = {
    HTTPStatus.OK: "found",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid",
    HTTPStatus.BAD_REQUEST: "invalid",
}


def request_on_demand(api: ApiClient, singles: list[Identifier], many: list[Identifier], display: Display) -> Tally:
    """Request each of `singles` alone and `many`, with two junk values among them, at once.

    Raises OSError when the function behind the API is broken: nothing after it would work either.
    """
    tally = Tally()
    for identifier in singles:
        tally.requested += 1
        status, answer = api.profile(identifier)
        _require_sound(status, answer)
        outcome = OUTCOME_BY_STATUS.get(HTTPStatus(status), "failed")
        tally.add({**_json(identifier), "outcome": outcome})
        display.line(
            f"GET  /v1/profiles?identifier_type={identifier.identifier_type}&…  {status}  {_shown(identifier, answer)}"
        )
    _request_many(api, many, tally, display)
    return tally


def _request_many(api: ApiClient, many: list[Identifier], tally: Tally, display: Display) -> None:
    requested: list[object] = [*(_json(identifier) for identifier in many), *JUNK[:2]]
    tally.requested += len(requested)
    status, answer = api.lookup(requested)
    _require_sound(status, answer)
    for outcome in answer.get("outcomes", []):
        tally.add(outcome)
    display.line(f"POST /v1/lookups  {status}  {_sentence(answer)}")


def _json(identifier: Identifier) -> dict[str, str]:
    return {"identifier_type": identifier.identifier_type.value, "identifier": identifier.identifier}


def _shown(identifier: Identifier, answer: dict[str, Any]) -> str:
    """Return how many attributes came, never which: profiles are personal data."""
    attributes = answer.get("user_attributes")
    if attributes is None:
        return f"{identifier.identifier!r}: {answer.get('title') or answer.get('detail') or 'no profile'}"
    return f"{identifier.identifier!r}: {len(attributes)} attributes"


def _sentence(answer: dict[str, Any]) -> str:
    counts = answer.get("counts", {})
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or str(answer.get("title", "no counts"))


def _require_sound(status: int, answer: dict[str, Any]) -> None:
    if status in DEFECTS:
        reason = answer.get("detail") or answer.get("message") or answer.get("errorMessage") or answer.get("title")
        raise OSError(f"the HTTP API answered {status}: {reason or 'no reason given'}")
