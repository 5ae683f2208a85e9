"""What `on_request` needs to answer a request for profiles; of the other routes only where to find them.

Most requests are for profiles. What the others need takes a third of a start.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup.api.app import create_app
from lookup.api.callers.auth import ClientAuth
from lookup.api.callers.request_rate import RequestRate
from lookup.api.handler import ApiHandler
from lookup.api.openapi.pages import Pages
from lookup.api.routes.outcome_responses import OutcomeResponses
from lookup.api.routes.profiles import ProfileRoutes
from lookup.api.sync_or_async import SyncOrAsync
from lookup.aws.signed_urls import origin_of, seconds_left
from lookup.fetch.on_demand import OnDemand
from lookup.fetch.waiting_room import Waiter, WaitingRoom
from lookup.partners import Partner
from lookup.results.answers import AnswerRecords
from lookup.wiring.clients import lazy
from lookup.wiring.pipeline.fetching import FetchingServices

if TYPE_CHECKING:
    from lookup.api.console.pages import ConsolePages
    from lookup.api.console.parameter import ConsoleParameter
    from lookup.bulk.control import LookupControl
    from lookup.bulk.submission import Submission

BUCKET_PROBE = "rosters/"  # a key that is signed to see at which host the bucket's URLs are
PROFILES = "GET /v1/profiles"  # what the keys of their routes begin with


class AllRoutes(Protocol):
    """Of the services of all routes what a request for a profile may need: it becomes a lookup when quota is busy."""

    @property
    def app(self) -> APIGatewayHttpResolver:
        """The resolver of all routes."""

    @property
    def submission(self) -> Submission:
        """What accepts lookups."""

    @property
    def control(self) -> LookupControl:
        """What reads lookups."""


class ProfileServices(FetchingServices):
    """The services of requests for profiles."""

    @cached_property
    def handler(self) -> ApiHandler:
        return ApiHandler(
            self.app_of,
            self.callers,
            pages=Pages(self._document, self.settings.token_url),
            console=lambda: self.console_pages,
            rate=RequestRate(self.clock),
            clock=self.clock,
        )

    def app_of(self, route_key: str) -> APIGatewayHttpResolver:
        """Return the resolver of a route: that of profiles alone, so that they start without what others need."""
        return self.profile_app if route_key.startswith(PROFILES) else self.whole.app

    @cached_property
    def profile_app(self) -> APIGatewayHttpResolver:
        """The resolver of requests for profiles."""
        return self.with_profile_routes(create_app(self.clock))

    def with_profile_routes(self, app: APIGatewayHttpResolver) -> APIGatewayHttpResolver:
        """Add the routes of profiles to a resolver, and return it."""
        ProfileRoutes(app, sync_or_async=self.sync_or_async, outcomes=self.outcomes, daily=self.daily, clock=self.clock)
        return app

    @property
    def whole(self) -> AllRoutes:
        """What all other routes need, imported when one of them is requested."""
        raise NotImplementedError

    @cached_property
    def outcomes(self) -> OutcomeResponses:
        return OutcomeResponses(self.on_demand, self.archive, self._sign)

    def prepare(self) -> tuple[object, ...]:
        """Make what a start from a snapshot (Lambda SnapStart) should find made: the handler and its clients."""
        stores = self.dynamodb, self.gate_dynamodb, self.s3, self.ssm, self.secretsmanager
        return (
            self.handler,
            self.profile_app,
            self.whole.app,
            *[client.meta for client in (*stores, self.sqs, self.eventbridge, self.scheduler)],
        )

    def _document(self) -> bytes:
        from lookup.api.openapi import document as openapi  # noqa: PLC0415 - rarely asked for, and the others must not pay its start

        return openapi.document(self.whole.app, self.settings.token_url)

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
    def answers(self) -> AnswerRecords:
        return AnswerRecords(self.sqs, self.settings.answers_queue_url, self.archive, self.hour_marks)

    @cached_property
    def on_demand(self) -> OnDemand:
        return OnDemand(fetch=self.fetch, archive=self.answers, clock=self.clock)

    @cached_property
    def sync_or_async(self) -> SyncOrAsync:
        return SyncOrAsync(
            on_demand=self.on_demand,
            submissions=lazy(lambda: self.whole.submission),
            lookups=lazy(lambda: self.whole.control),
            authorization=self.authorization,
            clock=self.clock,
            waiter=self._waiter,
        )

    @cached_property
    def waiting_room(self) -> WaitingRoom:
        return WaitingRoom(self.table, self.clock, most=self.settings.waiting_requests)

    def _waiter(self, partner: Partner, workspace: str) -> Waiter:
        return Waiter(self.waiting_room, partner, workspace, self.clock, self.shutdown.sleep)

    def _url_seconds(self) -> int:
        """Return for how many seconds a URL that is signed now may be promised."""
        return seconds_left(self.session.get_credentials())

    def _sign(self, key: str, name: str | None = None) -> str:
        """Return a URL of an object, which a browser saves under `name`."""
        params = {"Bucket": self.settings.bucket_name, "Key": key}
        if name is not None:
            params["ResponseContentDisposition"] = f'attachment; filename="{name}"'
        return self.s3.generate_presigned_url("get_object", Params=params, ExpiresIn=self._url_seconds())
