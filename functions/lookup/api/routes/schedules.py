"""`/v1/schedules/…`: rosters that are refreshed repeatedly."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from botocore.exceptions import ClientError

from lookup import validation
from lookup.api.callers.auth import current_partner
from lookup.api.openapi.route_docs import DELETE_SCHEDULE, GET_SCHEDULE, LIST_SCHEDULES, PUT_SCHEDULE
from lookup.api.request_models import ScheduleOrder
from lookup.api.responses import json_response, link_next
from lookup.errors import NotFound, ServiceError
from lookup.fetch.authorization import Authorization
from lookup.ledger.lookups import LookupLedger
from lookup.model import Lane, timestamp
from lookup.partners import Partner
from lookup.rosters.keys import key_of
from lookup.rosters.retention import RosterRetention
from lookup.rosters.store import RosterStore
from lookup.schedules.store import NAME, Schedule, ScheduleStore, ScheduleSummary, full_name

Name = Annotated[str, Path(pattern=f"^{NAME.pattern}$", description="Small letters, digits and hyphens.")]
PAGE = 100
After = Annotated[str, Query(max_length=2048, description="`next` of the page before.")]


class ScheduleRoutes:
    """A partner's schedules by name."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        store: ScheduleStore,
        rosters: RosterStore,
        retention: RosterRetention,
        ledger: LookupLedger,
        authorization: Authorization,
    ) -> None:
        self._app = app
        self._store = store
        self._rosters = rosters
        self._retention = retention
        self._ledger = ledger
        self._authorization = authorization
        app.get("/v1/schedules", **LIST_SCHEDULES)(self._get_schedules)
        app.put("/v1/schedules/<name>", **PUT_SCHEDULE)(self._put_schedule)
        app.get("/v1/schedules/<name>", **GET_SCHEDULE)(self._get_schedule)
        app.delete("/v1/schedules/<name>", **DELETE_SCHEDULE)(self._delete_schedule)

    def _get_schedules(self, after: After = "", limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE) -> Response[str]:
        listed, mark = self._store.page(current_partner(self._app), after=after, limit=limit)
        body = {"schedules": [_listed_json(one) for one in listed], "next": mark}
        return json_response(body, headers=link_next("/v1/schedules", mark, limit))

    def _put_schedule(
        self,
        name: Name,
        order: ScheduleOrder,
        if_none_match: Annotated[str | None, Header(description="`*` only creates.")] = None,
    ) -> Response[str]:
        partner = current_partner(self._app)
        fields = validation.parse_fields({"fields": order.fields})
        self._authorization.fields(partner, order.workspace, fields, Lane.BULK)
        roster = key_of(partner.name, order.roster_id)
        self._rosters.pin(roster)
        schedule = Schedule(
            name=name,
            expression=order.expression,
            roster=roster,
            time_zone=order.time_zone,
            workspace=order.workspace,
            fields=fields,  # as requested: grants are checked whenever it fires
            max_age=float(order.max_age),
        )
        is_new = self._put(partner, schedule, only_new=if_none_match == "*")
        return json_response(self._json(partner, schedule), HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    def _put(self, partner: Partner, schedule: Schedule, *, only_new: bool) -> bool:
        """Keep a schedule and the roster that it names, and release the one that it named before."""
        name, before = full_name(partner, schedule.name), self._named_before(partner, schedule.name)
        self._retention.retain_for(schedule.roster, name)
        try:
            is_new = self._store.put(partner, schedule, only_new=only_new)
        except ServiceError:
            with suppress(ClientError):  # what cannot be looked at keeps its roster
                if not self._store.names(name, schedule.roster):
                    self._retention.release(schedule.roster, name)
            raise
        if before is not None and before != schedule.roster:
            self._retention.release(before, name)
        return is_new

    def _named_before(self, partner: Partner, name: str) -> str | None:
        """Return the roster that a schedule names; None also when that cannot be read: then it stays kept."""
        try:
            return self._store.get(partner, name).roster
        except (NotFound, ClientError):
            return None

    def _get_schedule(self, name: Name) -> Response[str]:
        partner = current_partner(self._app)
        return json_response(self._json(partner, self._store.get(partner, name)))

    def _delete_schedule(self, name: Name) -> Response[str]:
        partner = current_partner(self._app)
        roster = self._named_before(partner, name)
        self._store.delete(partner, name)
        if roster is not None:
            self._retention.release(roster, full_name(partner, name))
        return Response(HTTPStatus.NO_CONTENT.value, body="")

    def _json(self, partner: Partner, schedule: Schedule) -> dict[str, object]:
        last = self._ledger.last_firing(f"{partner.name}.{schedule.name}")
        skipped_at = last.get("skipped_at")
        return {
            "name": schedule.name,
            "expression": schedule.expression,
            "time_zone": schedule.time_zone,
            "roster_id": schedule.roster.rpartition("/")[2],
            "workspace": schedule.workspace,
            "fields": None if schedule.fields is None else list(schedule.fields),
            "max_age": int(schedule.max_age),
            "last_lookup_id": last.get("lookup_id"),
            "last_skipped_at": None if skipped_at is None else timestamp(float(skipped_at)),
            "last_skipped_because": last.get("skipped_because"),
        }


def _listed_json(listed: ScheduleSummary) -> dict[str, object]:
    return {
        "name": listed.name,
        "created_at": timestamp(listed.created_at),
        "changed_at": timestamp(listed.changed_at),
        "links": {"self": f"/v1/schedules/{listed.name}"},
    }
