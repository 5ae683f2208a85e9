"""The HTTP door put together; the only wiring that loads pydantic."""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup import clients, snapshot, wiring
from lookup.api import resolver
from lookup.callers import Callers
from lookup.ledger_feed import LedgerFeed
from lookup.lookups import Lookups
from lookup.on_demand import OnDemand
from lookup.partners import Partners
from lookup.routes_lookups import LookupRoutes
from lookup.routes_profiles import ProfileRoutes
from lookup.routes_quota import QuotaRoutes
from lookup.routes_schedules import ScheduleRoutes
from lookup.routes_submit import SubmitRoute
from lookup.schedule_store import ScheduleStore
from lookup.spillover import Spillover

DOWNLOAD_SECONDS = 3600  # that a result's URL is good for


@cache
def http_api() -> APIGatewayHttpResolver:
    """Make the resolver with every route."""
    settings, session, clock = clients.settings(), clients.session(), clients.clock
    app = resolver(clock)
    partners = Partners(session.client("ssm", config=clients.CONFIG), settings.partners_parameter_name, clock)
    callers = Callers(partners)
    lookups = Lookups(
        ledger=wiring.ledger(),
        states=wiring.states(),
        feed=LedgerFeed(wiring.ledger_table()),
        feeder=wiring.feeder(),
        ending=wiring.ending(),
        rosters=wiring.rosters(),
        settings=settings,
        clock=clock,
    )
    on_demand = OnDemand(fetch=wiring.fetch(), archive=wiring.archive(), clock=clock)
    spillover = Spillover(callers=callers, on_demand=on_demand, lookups=lookups, clock=clock)
    store = ScheduleStore(session.client("scheduler", config=clients.CONFIG), settings)
    ProfileRoutes(app, spillover, clock)
    SubmitRoute(app, callers=callers, spillover=spillover, lookups=lookups)
    LookupRoutes(app, callers=callers, lookups=lookups, rosters=wiring.rosters(), sign=_sign)
    ScheduleRoutes(app, callers=callers, store=store, rosters=wiring.rosters(), ledger=wiring.ledger())
    QuotaRoutes(app, callers, lambda name: wiring.gates().of(name).state(), lookups.backlog)
    return app


def _sign(key: str) -> str:
    params = {"Bucket": clients.settings().bucket_name, "Key": key}
    return clients.s3().generate_presigned_url("get_object", Params=params, ExpiresIn=DOWNLOAD_SECONDS)


snapshot.keep_ready(http_api)
