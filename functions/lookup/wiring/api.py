"""What the routes of the HTTP API add to those of profiles, which start without them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup.api.app import create_app
from lookup.api.console.dead_letters import DeadLetters
from lookup.api.idempotency import Idempotency
from lookup.api.routes.erasures import ErasureRoutes
from lookup.api.routes.exports import ExportRoute
from lookup.api.routes.lookups import LookupRoutes
from lookup.api.routes.overview.grants import GrantRoutes
from lookup.api.routes.overview.operator import OperatorRoutes, OperatorSources
from lookup.api.routes.overview.quota import QuotaRoutes, QuotaSources
from lookup.api.routes.preview import PreviewRoute
from lookup.api.routes.results import ResultRoutes
from lookup.api.routes.rosters import RosterRoutes
from lookup.api.routes.schedules import ScheduleRoutes
from lookup.api.routes.submit import SubmitRoute
from lookup.api.routes.webhooks import WebhookRoutes
from lookup.bulk.control import LookupControl
from lookup.collection.exports.requested import ExportRequests
from lookup.collection.published import PublishedResults
from lookup.erasure.queue import ErasureQueue
from lookup.erasure.requests import ErasureRequests
from lookup.errors import RetryLater
from lookup.ledger.collecting.collected_hours import HourLedger
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.collecting.export_ledger import ExportLedger
from lookup.ledger.usage.quota_history import QuotaHistories
from lookup.ledger.webhooks import WebhookLedger
from lookup.redrive.decisions import decisions
from lookup.redrive.paged import PagedRedrive, QueueUrls
from lookup.rosters.retention import RosterRetention
from lookup.rosters.uploads import OpenUploads, RosterUploads
from lookup.schedules.store import ScheduleNames, ScheduleStore
from lookup.validation import ParsedIdentifier
from lookup.wiring.pipeline.submitting import SubmittingServices
from lookup.wiring.profiles import ProfileServices


class ApiServices(ProfileServices, SubmittingServices):
    """The services of all routes."""

    @classmethod
    def sharing(cls, profiles: ProfileServices) -> Self:
        """Return the services of all routes that have all members in common with those of requests for profiles."""
        services = cls.__new__(cls)
        services.__dict__ = profiles.__dict__
        return services

    @property
    def whole(self) -> Self:
        """Return itself."""
        return self

    @cached_property
    def app(self) -> APIGatewayHttpResolver:
        """The resolver with every route."""
        app = self.with_profile_routes(create_app(self.clock))
        self._add_lookups(app)
        self._add_rosters_and_schedules(app)
        self._add_overviews(app)
        return app

    def _add_lookups(self, app: APIGatewayHttpResolver) -> None:
        idempotency = Idempotency(lambda: self.dynamodb, self.settings.ledger_table_name)
        SubmitRoute(
            app,
            sync_or_async=self.sync_or_async,
            submissions=self.submission,
            outcomes=self.outcomes,
            idempotency=idempotency,
            daily=self.daily,
        )
        LookupRoutes(
            app,
            lookups=self.control,
            published=self.published,
            hours_of=HourLedger(self.table).of_day,
            clock=self.clock,
        )
        ResultRoutes(
            app,
            lookups=self.control,
            published=self.published,
            keeps_profiles=lambda name: self.settings.workspace(name).keep_profiles,
            sign=self._sign,
        )
        ErasureRoutes(app, requests=lambda: self.erasure_requests, settings=self.settings)
        ExportRoute(app, lookups=self.control, published=self.published, exports=self.export_requests)

    def _add_rosters_and_schedules(self, app: APIGatewayHttpResolver) -> None:
        RosterRoutes(
            app,
            uploads=self.uploads,
            open_uploads=OpenUploads(self.table, self.settings.uploads_per_partner),
            retention=self.retention,
            clock=self.clock,
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

    def _add_overviews(self, app: APIGatewayHttpResolver) -> None:
        GrantRoutes(app, settings=self.settings)
        WebhookRoutes(app, ledger=WebhookLedger(self.table), publish_test=self.events.publish_test, clock=self.clock)
        QuotaRoutes(
            app,
            sources=QuotaSources(
                state=lambda name: self.gates.of(name).state(),
                backlog=self.estimates.backlog,
                history=self.quota_histories.of,
                dead_letters=self.dead_letters.counts,
            ),
            daily=self.daily,
            clock=self.clock,
        )
        OperatorRoutes(app, self.operator_sources)

    @cached_property
    def erasure_requests(self) -> ErasureRequests:
        return ErasureRequests(
            ledger=self.erasures,
            tombstones=self.tombstones,
            keys=self.hash_keys,
            queue=ErasureQueue(self.sqs, self.settings.erasure_queue_url),
            days=self.settings.tombstone_days,
            clock=self.clock,
        )

    @cached_property
    def operator_sources(self) -> OperatorSources:
        return OperatorSources(
            settings=self.settings,
            partners=self.partners,
            daily=self.daily,
            ledger=self.lookups,
            published=self.published,
            estimates_of=self.estimates.of_running,
            gate=self.gates.of,
            dead_letters=self.dead_letters.counts,
            redriven=lambda: frozenset(self._redriven()),
            redrive=lambda: self.redrive,
        )

    @cached_property
    def redrive(self) -> PagedRedrive:
        return PagedRedrive(
            self.sqs,
            self._redriven,
            decisions=decisions(self.table, self.lookups, self.clock),
            states=self.states,
            clock=self.clock,
        )

    def _redriven(self) -> dict[str, QueueUrls]:
        """Return the queues that dead letters are sent back to."""
        queues = self.console.facts().queues
        return {name: QueueUrls(one.queue, one.dead_letters) for name, one in queues.items() if one.queue is not None}

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(self.sqs, self.console.facts, self.clock)

    @cached_property
    def quota_histories(self) -> QuotaHistories:
        return QuotaHistories(self.table, self.clock)

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

    def kept_entries(self, workspace: str, entries: Sequence[ParsedIdentifier]) -> Sequence[ParsedIdentifier]:
        """Return the identifiers that an inline roster may hold: nobody's who is erased."""
        return self.tombstones.kept_entries(workspace, entries)

    def opens_at(self, workspace: str) -> float:
        """Return until when a gate is closed; one that does not answer is taken for open: an estimate is no promise."""
        try:
            return self.gates.of(workspace).state().closed_until or 0.0
        except RetryLater:
            return 0.0

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
