"""The HTTP door put together; the only wiring that loads pydantic."""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup.api.app import create_app
from lookup.api.auth import ClientAuth
from lookup.api.handler import ApiHandler
from lookup.api.idempotency import Idempotency
from lookup.api.openapi.pages import Pages
from lookup.api.outcome_responses import OutcomeResponses
from lookup.api.request_rate import RequestRate
from lookup.api.routes.lookups import LookupRoutes
from lookup.api.routes.preview import PreviewRoute
from lookup.api.routes.profiles import ProfileRoutes
from lookup.api.routes.quota import QuotaRoutes
from lookup.api.routes.rosters import RosterRoutes
from lookup.api.routes.schedules import ScheduleRoutes
from lookup.api.routes.submit import SubmitRoute
from lookup.api.sync_or_async import SyncOrAsync
from lookup.aws import lambda_lifecycle
from lookup.bulk.control import LookupControl
from lookup.bulk.estimates import Estimates
from lookup.bulk.submission import Submission
from lookup.errors import RetryLater
from lookup.fetch.authorization import Authorization
from lookup.fetch.on_demand import OnDemand
from lookup.fetch.waiting_room import Waiter, WaitingRoom
from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.ledger.open_uploads import OpenUploads
from lookup.partners import Partner, Partners
from lookup.rosters.references import RosterReferences
from lookup.rosters.retention import RosterRetention
from lookup.rosters.uploads import RosterUploads
from lookup.schedules.names import ScheduleNames
from lookup.schedules.store import ScheduleStore
from lookup.wiring import clients
from lookup.wiring import services as wiring


@cache
def entry() -> ApiHandler:
    """Make the way in."""
    pages = Pages(_document, clients.settings().token_url)
    return ApiHandler(http_api(), _callers(), pages, RequestRate(clients.clock), clients.clock)


def _document() -> bytes:
    from lookup.api.openapi import document as openapi  # noqa: PLC0415 - rarely asked for, and the others must not pay its start

    return openapi.document(http_api(), clients.settings().token_url)


@cache
def http_api() -> APIGatewayHttpResolver:
    """Make the resolver with every route."""
    settings, clock = clients.settings(), clients.clock
    app, callers, lookups, submissions = create_app(clock), _callers(), _lookups(), _submissions()
    daily = _daily()
    on_demand = OnDemand(fetch=wiring.fetch(), archive=wiring.archive(), clock=clock)
    spillover = SyncOrAsync(
        callers=callers,
        on_demand=on_demand,
        submissions=submissions,
        lookups=lookups,
        daily=daily,
        authorization=_authorization(),
        clock=clock,
        waiter=_waiter,
    )
    outcomes = OutcomeResponses(spillover, wiring.archive(), _sign)
    idempotency = Idempotency(clients.dynamodb, settings.ledger_table_name)
    names = ScheduleNames(wiring.ledger_table(), settings.schedules_per_partner)
    store = ScheduleStore(clients.session().client("scheduler", config=clients.CONFIG), settings, names)
    ProfileRoutes(app, spillover, outcomes, clock)
    SubmitRoute(app, spillover=spillover, submissions=submissions, outcomes=outcomes, idempotency=idempotency)
    LookupRoutes(app, callers=callers, lookups=lookups, sign=_sign, clock=clock)
    retention = _retention(store)
    open_uploads = OpenUploads(wiring.ledger_table(), settings.uploads_per_partner)
    RosterRoutes(app, callers=callers, uploads=_uploads(), open_uploads=open_uploads, retention=retention, clock=clock)
    PreviewRoute(app, callers=callers, rosters=wiring.rosters())
    ScheduleRoutes(
        app,
        callers=callers,
        store=store,
        rosters=wiring.rosters(),
        retention=retention,
        ledger=wiring.ledger(),
        authorization=_authorization(),
    )
    QuotaRoutes(
        app,
        callers,
        state_of=lambda name: wiring.gates().of(name).state(),
        backlog_of=_estimates().backlog,
        daily=daily,
        clock=clock,
    )
    return app


@cache
def _callers() -> ClientAuth:
    ssm = clients.session().client("ssm", config=clients.CONFIG)
    settings = clients.settings()
    return ClientAuth(Partners(ssm, settings.partners_parameter_name, clients.clock), settings.client_claim)


def _uploads() -> RosterUploads:
    settings = clients.settings()
    return RosterUploads(
        clients.s3(), settings.bucket_name, megabytes=settings.roster_megabytes, url_seconds=clients.url_seconds
    )


def _retention(store: ScheduleStore) -> RosterRetention:
    return RosterRetention(
        clients.s3(),
        clients.settings().bucket_name,
        needs=RosterReferences(wiring.ledger_table()),
        ledger=wiring.ledger(),
        names=store.names,
    )


def _lookups() -> LookupControl:
    return LookupControl(
        ledger=wiring.ledger(),
        states=wiring.states(),
        feed=wiring.ledger_feed(),
        feeder=wiring.feeder(),
        ending=wiring.ending(),
        estimates=_estimates(),
        authorization=_authorization(),
        most=clients.settings().lookups_per_partner,
    )


@cache
def _waiting_room() -> WaitingRoom:
    return WaitingRoom(wiring.ledger_table(), clients.clock, most=clients.settings().waiting_requests)


def _waiter(partner: Partner, workspace: str) -> Waiter:
    return Waiter(_waiting_room(), partner, workspace, clients.clock, wiring.stopping().sleep)


@cache
def _daily() -> DailyUsageCounter:
    return DailyUsageCounter(wiring.ledger_table(), clients.clock)


def _authorization() -> Authorization:
    return Authorization(clients.settings(), _daily(), clients.clock)


def _submissions() -> Submission:
    return Submission(
        ledger=wiring.ledger(),
        conversions=wiring.conversion_requests(),
        feeder=wiring.feeder(),
        rosters=wiring.rosters(),
        estimates=_estimates(),
        authorization=_authorization(),
        clock=clients.clock,
        most=clients.settings().lookups_per_partner,
    )


@cache
def _estimates() -> Estimates:
    return Estimates(wiring.ledger(), clients.settings(), opens_at=_opens_at, clock=clients.clock)


def _opens_at(workspace: str) -> float:
    """Tell until when a gate is closed; one that does not answer is taken for open: an estimate is no promise."""
    try:
        return wiring.gates().of(workspace).state().closed_until or 0.0
    except RetryLater:
        return 0.0


def _sign(key: str) -> str:
    params = {"Bucket": clients.settings().bucket_name, "Key": key}
    return clients.s3().generate_presigned_url("get_object", Params=params, ExpiresIn=clients.url_seconds())


lambda_lifecycle.register_snapstart_hooks(entry)
