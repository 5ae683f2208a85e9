"""What the HTTP API's handler adds: the only wiring that loads pydantic."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup.api.app import create_app
from lookup.api.auth import ClientAuth
from lookup.api.handler import ApiHandler
from lookup.api.idempotency import Idempotency
from lookup.api.openapi.pages import Pages
from lookup.api.request_rate import RequestRate
from lookup.api.routes.exports import ExportRoute
from lookup.api.routes.lookups import LookupRoutes
from lookup.api.routes.outcome_responses import OutcomeResponses
from lookup.api.routes.preview import PreviewRoute
from lookup.api.routes.profiles import ProfileRoutes
from lookup.api.routes.quota import QuotaRoutes
from lookup.api.routes.results import ResultRoutes
from lookup.api.routes.rosters import RosterRoutes
from lookup.api.routes.schedules import ScheduleRoutes
from lookup.api.routes.submit import SubmitRoute
from lookup.api.sync_or_async import SyncOrAsync
from lookup.aws.signed_urls import origin_of, seconds_left
from lookup.bulk.control import LookupControl
from lookup.collection.published import PublishedResults
from lookup.collection.requested import ExportRequests
from lookup.errors import RetryLater
from lookup.fetch.on_demand import OnDemand
from lookup.fetch.waiting_room import Waiter, WaitingRoom
from lookup.ledger.collections import CollectionLedger
from lookup.ledger.export_ledger import ExportLedger
from lookup.partners import Partner
from lookup.rosters.retention import RosterRetention
from lookup.rosters.uploads import OpenUploads, RosterUploads
from lookup.schedules.store import ScheduleNames, ScheduleStore
from lookup.wiring.fetching import FetchingServices
from lookup.wiring.submitting import SubmittingServices

if TYPE_CHECKING:
    from lookup.api.console.pages import ConsolePages
    from lookup.api.console.parameter import ConsoleParameter

BUCKET_PROBE = "rosters/"  # a key that is signed to see at which host the bucket's URLs are


class ApiServices(FetchingServices, SubmittingServices):
    """The services of `on_request`."""

    @cached_property
    def handler(self) -> ApiHandler:
        return ApiHandler(
            self.app,
            self.callers,
            pages=Pages(self._document, self.settings.token_url),
            console=lambda: self.console_pages,
            rate=RequestRate(self.clock),
            clock=self.clock,
        )

    def prepare(self) -> tuple[object, ...]:
        """Make what a start from a snapshot (Lambda SnapStart) should find made: the handler and its clients."""
        stores = self.dynamodb, self.gate_dynamodb, self.s3, self.ssm, self.secretsmanager
        return self.handler, *[client.meta for client in (*stores, self.sqs, self.eventbridge, self.scheduler)]

    def _document(self) -> bytes:
        from lookup.api.openapi import document as openapi  # noqa: PLC0415 - rarely asked for, and the others must not pay its start

        return openapi.document(self.app, self.settings.token_url)

    @cached_property
    def app(self) -> APIGatewayHttpResolver:
        """The resolver with every route."""
        app, clock = create_app(self.clock), self.clock
        outcomes = OutcomeResponses(self.on_demand, self.archive, self._sign)
        idempotency = Idempotency(lambda: self.dynamodb, self.settings.ledger_table_name)
        ProfileRoutes(app, sync_or_async=self.sync_or_async, outcomes=outcomes, daily=self.daily, clock=clock)
        SubmitRoute(
            app,
            sync_or_async=self.sync_or_async,
            submissions=self.submission,
            outcomes=outcomes,
            idempotency=idempotency,
            daily=self.daily,
        )
        LookupRoutes(app, lookups=self.control, published=self.published, clock=clock)
        ResultRoutes(
            app,
            lookups=self.control,
            published=self.published,
            keeps_profiles=lambda name: self.settings.workspace(name).keep_profiles,
            sign=self._sign,
        )
        ExportRoute(app, lookups=self.control, published=self.published, exports=self.export_requests)
        RosterRoutes(
            app,
            uploads=self.uploads,
            open_uploads=OpenUploads(self.table, self.settings.uploads_per_partner),
            retention=self.retention,
            clock=clock,
        )
        PreviewRoute(app, rosters=self.rosters)
        ScheduleRoutes(
            app,
            store=self.store,
            rosters=self.rosters,
            retention=self.retention,
            ledger=self.lookups,
            authorization=self.authorization,
        )
        QuotaRoutes(
            app,
            state_of=lambda name: self.gates.of(name).state(),
            backlog_of=self.estimates.backlog,
            daily=self.daily,
            clock=clock,
        )
        return app

    @cached_property
    def callers(self) -> ClientAuth:
        return ClientAuth(self.partners, self.settings.client_claim, lambda: self.console.facts().people())

    @cached_property
    def console(self) -> ConsoleParameter:
        from lookup.api.console.parameter import ConsoleParameter  # noqa: PLC0415 - of people and operators only

        return ConsoleParameter(self.ssm, self.settings.console_parameter_name, self.clock)

    @cached_property
    def console_pages(self) -> ConsolePages:
        from lookup.api.console.pages import ConsolePages  # noqa: PLC0415 - rarely asked for

        return ConsolePages(self.settings.stage, self.console.facts, lambda: origin_of(self._sign(BUCKET_PROBE)))

    @cached_property
    def on_demand(self) -> OnDemand:
        return OnDemand(fetch=self.fetch, archive=self.archive, clock=self.clock)

    @cached_property
    def sync_or_async(self) -> SyncOrAsync:
        return SyncOrAsync(
            on_demand=self.on_demand,
            submissions=self.submission,
            lookups=self.control,
            authorization=self.authorization,
            clock=self.clock,
            waiter=self._waiter,
        )

    @cached_property
    def store(self) -> ScheduleStore:
        names = ScheduleNames(self.table, self.settings.schedules_per_partner)
        return ScheduleStore(self.scheduler, self.settings, names)

    @cached_property
    def uploads(self) -> RosterUploads:
        return RosterUploads(
            self.s3, self.settings.bucket_name, megabytes=self.settings.roster_megabytes, url_seconds=self._url_seconds
        )

    @cached_property
    def retention(self) -> RosterRetention:
        return RosterRetention(
            self.s3,
            self.settings.bucket_name,
            references=self.references,
            ledger=self.lookups,
            is_named=self.store.names,
        )

    @cached_property
    def control(self) -> LookupControl:
        return LookupControl(
            ledger=self.lookups,
            states=self.states,
            feed=self.feed,
            feeder=self.feeder,
            ending=self.ending,
            estimates=self.estimates,
            authorization=self.authorization,
            clock=self.clock,
            most=self.settings.lookups_per_partner,
        )

    @cached_property
    def waiting_room(self) -> WaitingRoom:
        return WaitingRoom(self.table, self.clock, most=self.settings.waiting_requests)

    def _waiter(self, partner: Partner, workspace: str) -> Waiter:
        return Waiter(self.waiting_room, partner, workspace, self.clock, self.shutdown.sleep)

    def opens_at(self, workspace: str) -> float:
        """Return until when a gate is closed; one that does not answer is taken for open: an estimate is no promise."""
        try:
            return self.gates.of(workspace).state().closed_until or 0.0
        except RetryLater:
            return 0.0

    def _url_seconds(self) -> int:
        """Return for how many seconds a URL that is signed now may be promised."""
        return seconds_left(self.session.get_credentials())

    @cached_property
    def published(self) -> PublishedResults:
        return PublishedResults(self.s3, self.settings.bucket_name, self.collections)

    @cached_property
    def collections(self) -> CollectionLedger:
        return CollectionLedger(self.table)

    @cached_property
    def export_requests(self) -> ExportRequests:
        return ExportRequests(
            published=self.published,
            exports=ExportLedger(self.table, self.collections),
            publish=self.events.publish_export,
            clock=self.clock,
        )

    def _sign(self, key: str, name: str | None = None) -> str:
        """Return a URL of an object, which a browser saves under `name`."""
        params = {"Bucket": self.settings.bucket_name, "Key": key}
        if name is not None:
            params["ResponseContentDisposition"] = f'attachment; filename="{name}"'
        return self.s3.generate_presigned_url("get_object", Params=params, ExpiresIn=self._url_seconds())
