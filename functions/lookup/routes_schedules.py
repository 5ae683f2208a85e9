"""`/v1/schedules/…`: rosters that are refreshed again and again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from lookup.answers import answer
from lookup.api_schemas import ScheduleOrder
from lookup.callers import Callers
from lookup.ledger import Ledger
from lookup.model import timestamp
from lookup.partners import Partner
from lookup.rosters import Rosters, key_of
from lookup.schedule_store import Schedule, ScheduleStore

Name = Annotated[str, Path(max_length=64)]


class ScheduleRoutes:
    """A partner's schedules by name."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        callers: Callers,
        store: ScheduleStore,
        rosters: Rosters,
        ledger: Ledger,
    ) -> None:
        self._app = app
        self._callers = callers
        self._store = store
        self._rosters = rosters
        self._ledger = ledger
        app.put("/v1/schedules/<name>")(self._put_schedule)
        app.get("/v1/schedules/<name>")(self._get_schedule)
        app.delete("/v1/schedules/<name>")(self._delete_schedule)

    def _put_schedule(self, name: Name, order: ScheduleOrder) -> Response[str]:
        partner = self._partner()
        fields = None if order.fields is None else tuple(sorted(set(order.fields)))
        roster = key_of(partner.name, order.roster_id)
        self._rosters.pin(roster)
        schedule = Schedule(
            name=name,
            expression=order.expression,
            roster=roster,
            time_zone=order.time_zone,
            workspace=order.workspace,
            fields=partner.granted(order.workspace, fields),
            max_age=float(order.max_age),
        )
        only_new = self._app.current_event.headers.get("if-none-match") == "*"
        is_new = self._store.put(partner, schedule, only_new=only_new)
        return answer(self._json(partner, schedule), HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    def _get_schedule(self, name: Name) -> Response[str]:
        partner = self._partner()
        return answer(self._json(partner, self._store.get(partner, name)))

    def _delete_schedule(self, name: Name) -> Response[str]:
        self._store.delete(self._partner(), name)
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
        }

    def _partner(self) -> Partner:
        return self._callers.of(self._app.current_event.raw_event)
