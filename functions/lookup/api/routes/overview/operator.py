"""`/v1/operator/…`: what operators see of all partners, and the acts that `make gate` and `make redrive` do, too.

Every act is logged with who did it. Nothing here returns an identifier or an attribute of anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from lookup.api.callers.auth import current_caller
from lookup.api.conditional import IfNoneMatch, conditional_json
from lookup.api.openapi.operator_docs import (
    COUNT_DEAD_LETTERS,
    GET_ANY_LOOKUP,
    LIST_ALL_LOOKUPS,
    LIST_PARTNERS,
    POST_REDRIVE,
    STEER_GATE,
)
from lookup.api.query_string import WorkspaceName
from lookup.api.redriven import redriven_json
from lookup.api.request_models import GateOrder, RedriveOrder
from lookup.api.responses import json_response, link_next, lookup_json
from lookup.api.routes.lookups import PAGE, After, LookupId, State, decode_cursor, encode_cursor, state_of
from lookup.api.routes.overview.quota import gate_json, use_json
from lookup.bulk.estimates import Estimate
from lookup.collection.published import PublishedResults
from lookup.errors import Conflict, NotFound
from lookup.gate.limiter import QuotaGate
from lookup.ledger.lookups import Listed, LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.ledger.usage.daily_usage import DailyUsageCounter
from lookup.partners import NAME, Partners
from lookup.redrive.paged import PagedRedrive
from lookup.settings import Settings
from lookup.telemetry import logger

LOOKUPS = "/v1/operator/lookups"
PartnerName = Annotated[str, Query(pattern=f"^({NAME.pattern})?$", description="Of this partner: all, newest first.")]


@dataclass(frozen=True, slots=True)
class OperatorSources:
    """Where operators read and act. `dead_letters` counts them by queue, `redriven` names what can be redriven."""

    settings: Settings
    partners: Partners
    daily: DailyUsageCounter
    ledger: LookupLedger
    published: PublishedResults
    estimates_of: Callable[[Sequence[LookupRecord]], Mapping[str, Estimate]]
    gate: Callable[[str], QuotaGate]
    dead_letters: Callable[[], Mapping[str, int]]
    redriven: Callable[[], frozenset[str]]
    redrive: Callable[[], PagedRedrive]


class OperatorRoutes:
    """What needs the scope `service/admin`."""

    def __init__(self, app: APIGatewayHttpResolver, sources: OperatorSources) -> None:
        self._app = app
        self._sources = sources
        app.get("/v1/operator/partners", **LIST_PARTNERS)(self._get_partners)
        app.get(LOOKUPS, **LIST_ALL_LOOKUPS)(self._get_lookups)
        app.get(f"{LOOKUPS}/<lookup_id>", **GET_ANY_LOOKUP)(self._get_lookup)
        app.get("/v1/operator/dead-letters", **COUNT_DEAD_LETTERS)(self._get_dead_letters)
        app.post("/v1/operator/gate", **STEER_GATE)(self._post_gate)
        app.post("/v1/operator/redrive", **POST_REDRIVE)(self._post_redrive)

    def _get_partners(
        self, workspace: Annotated[WorkspaceName, Query()] = "default", if_none_match: IfNoneMatch = None
    ) -> Response[str]:
        self._sources.settings.workspace(workspace)
        known = {partner.name: partner for partner in self._sources.partners.all()}
        use = self._sources.daily.today_of(list(known.values()))
        shares = {share.partner: share for share in self._sources.ledger.shares.of(workspace)}
        listed = []
        for name, partner in sorted(known.items()):
            share, today = shares.get(name), use.get(name)
            listed.append(
                {
                    "name": name,
                    "weight": partner.weight,
                    "users_per_day": partner.users_per_day,
                    "today": None if today is None else use_json(today),
                    "running": share.running if share else 0,
                    "unfinished": share.unfinished if share else 0,
                    "waiting_users": max(0, share.users) if share else 0,
                }
            )
        return conditional_json({"workspace": workspace, "partners": listed}, if_none_match)

    def _get_lookups(  # noqa: PLR0917 - called by name, a parameter for each of the query
        self,
        workspace: Annotated[WorkspaceName, Query()] = "default",
        partner: PartnerName = "",
        state: State = "",
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
        if_none_match: IfNoneMatch = None,
    ) -> Response[str]:
        self._sources.settings.workspace(workspace)
        found, mark = self._sources.ledger.page(
            self._listed(workspace, partner), state=state_of(state), after=decode_cursor(after), limit=limit
        )
        following = encode_cursor(mark) if mark else None
        lookups = self._lookups_json([one for one in found if one.spec.workspace == workspace])
        more = {name: value for name, value in (("partner", partner), ("state", state)) if value}
        headers = link_next(LOOKUPS, following, limit, workspace=workspace, **more)
        return conditional_json({"lookups": lookups, "next": following}, if_none_match, headers=headers)

    def _listed(self, workspace: str, partner: str) -> Listed:
        """Return what reads a page of a partner's lookups, or of all that have not ended."""
        ledger = self._sources.ledger
        if partner:
            return lambda after, most: ledger.of_partner(partner, after=after, limit=most)
        return lambda after, most: ledger.unfinished(workspace, after=after, limit=most)

    def _get_lookup(self, lookup_id: LookupId, if_none_match: IfNoneMatch = None) -> Response[str]:
        progress = self._sources.ledger.get(lookup_id)
        if progress is None:
            raise NotFound("there is no such lookup")
        (written,) = self._lookups_json([progress])
        return conditional_json(written, if_none_match)

    def _lookups_json(self, found: Sequence[LookupRecord]) -> list[dict[str, object]]:
        """Write lookups as their partners see them, with whose they are."""
        results, estimates = self._sources.published.of_many(found), self._sources.estimates_of(found)
        ids = [one.spec.lookup_id for one in found]
        return [
            lookup_json(one, estimates.get(name), results.get(name)) | {"partner": one.spec.partner}
            for name, one in zip(ids, found, strict=True)
        ]

    def _get_dead_letters(self, if_none_match: IfNoneMatch = None) -> Response[str]:
        redriven = self._sources.redriven()
        queues = [
            {"name": name, "waiting": waiting, "can_redrive": name in redriven}
            for name, waiting in self._sources.dead_letters().items()
        ]
        return conditional_json({"queues": queues}, if_none_match)

    def _post_gate(self, order: GateOrder) -> Response[str]:
        gate = self._sources.gate(order.workspace)
        if not gate.open():
            raise Conflict("the gate was changed at this moment: look, then ask again")
        self._log("gate opened", order.workspace)
        return json_response({"workspace": order.workspace, **gate_json(gate.state())})

    def _post_redrive(
        self,
        order: RedriveOrder,
        dry_run: Annotated[bool, Query(description="Say what would be done.")] = False,  # noqa: FBT002 - a query field
    ) -> Response[str]:
        if order.queue not in self._sources.redriven():
            raise Conflict("nothing sends the dead letters of this queue back")
        redrive = self._sources.redrive()
        page = redrive.look(order.queue) if dry_run else redrive.carry_out(order.queue)
        if not dry_run:
            self._log("dead letters redriven", order.queue, len(page.cases))
        body = redriven_json(order.queue, page, self._sources.settings)
        return json_response(body | {"dry_run": dry_run})

    def _log(self, act: str, target: str, letters: int | None = None) -> None:
        """Log an act with who did it: the client, and of a person its subject at the issuer."""
        caller = current_caller(self._app)
        logger.info(
            act,
            target=target,
            letters=letters,
            operator=caller.partner.name,
            client_id=caller.client_id,
            subject=caller.subject,
        )
