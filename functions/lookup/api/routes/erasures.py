"""`/v1/erasures/…`: people whose data is removed everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from lookup.api.callers.auth import current_caller, current_partner
from lookup.api.openapi.route_docs import GET_ERASURE, POST_ERASURES
from lookup.api.request_models import ErasureOrder
from lookup.api.responses import json_response
from lookup.erasure.requests import ErasureRequests
from lookup.errors import Forbidden, InvalidInput
from lookup.ledger.erasures import Erasure
from lookup.model import Identifier, InvalidIdentifier, timestamp
from lookup.rosters.keys import ROSTERS
from lookup.settings import Settings
from lookup.telemetry import logger
from lookup.validation import parse_identifier_strictly

ErasureId = Annotated[str, Path(max_length=64)]


class ErasureRoutes:
    """A partner's erasures by id; `requests` is made when it is needed."""

    def __init__(
        self, app: APIGatewayHttpResolver, *, requests: Callable[[], ErasureRequests], settings: Settings
    ) -> None:
        self._app = app
        self._requests = requests
        self._settings = settings
        app.post("/v1/erasures", **POST_ERASURES)(self._post_erasures)
        app.get("/v1/erasures/<erasure_id>", **GET_ERASURE)(self._get_erasure)

    def _post_erasures(self, order: ErasureOrder) -> Response[str]:
        caller = current_caller(self._app)
        partner = caller.partner
        if not partner.erase and not caller.is_operator:
            raise Forbidden("erasing people is not granted")
        partner.check_workspace(order.workspace)
        self._settings.workspace(order.workspace)
        identifiers = _identifiers(order.identifiers)
        per_day = None if caller.is_operator else partner.erase
        begun = self._requests().begin(partner.name, order.workspace, identifiers, per_day=per_day)
        logger.info(
            "erasure requested",
            erasure_id=begun.erasure_id,
            identifiers=begun.people,
            partner=partner.name,
            client_id=caller.client_id,
            subject=caller.subject,
        )
        headers = {"Location": f"/v1/erasures/{begun.erasure_id}"}
        return json_response(self._shown(begun), HTTPStatus.ACCEPTED, headers)

    def _get_erasure(self, erasure_id: ErasureId) -> Response[str]:
        found = self._requests().read(current_partner(self._app).name, erasure_id)
        return json_response(self._shown(found))

    def _shown(self, erasure: Erasure) -> dict[str, object]:
        """Write an erasure: of rosters that are still needed, the partner's own by id, the others by their number."""
        own = f"{ROSTERS}{erasure.partner}/"
        named = [key.removeprefix(own) for key in erasure.rosters if key.startswith(own)]
        return {
            "erasure_id": erasure.erasure_id,
            "state": erasure.state.value,
            "workspace": erasure.workspace,
            "identifiers": erasure.people,
            "requested_at": timestamp(erasure.requested_at),
            "finished_at": None if erasure.finished_at is None else timestamp(erasure.finished_at),
            "tombstone_until": timestamp(erasure.tombstone_until),
            "searches": erasure.passes,
            "found": dict(erasure.found),
            "rosters_needed": {"own": named, "others": len(erasure.rosters) - len(named)},
            "links": {"self": f"/v1/erasures/{erasure.erasure_id}"},
        }


def _identifiers(raw: Sequence[Any]) -> list[Identifier]:
    """Parse the identifiers. Raises `InvalidInput` naming the first that is none."""
    parsed = [parse_identifier_strictly(one) for one in raw]
    for number, one in enumerate(parsed):
        if isinstance(one, InvalidIdentifier):
            raise InvalidInput(f"identifiers[{number}]", one.reason)
    return [one for one in parsed if isinstance(one, Identifier)]
