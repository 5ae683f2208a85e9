"""The HTTP API, who may call it, and the function that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2 import HttpMethod
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.constructs.access.partners import Partners, client_claim
from infra.constructs.access_log import access_log_format
from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import Grant
from infra.constructs.log_groups import group_arn, log_group
from infra.constructs.network import FixedEgress
from infra.constructs.outputs import output
from infra.nag import acknowledge
from infra.stage_settings.stage import SERVICE, Stage
from lookup.api.console.parameter import WatchedQueue
from lookup.api.route_table import PAGE_KEYS, ROUTES

# A request mostly waits, for DynamoDB and MoEngage, and waiting is paid by the memory; less of it would make the
# processor's share of a warm hit longer than its wait (docs/decisions/0038-light-starts.md).
MEMORY_MB = 512
TIMEOUT = Duration.seconds(29)  # an HTTP API waits for its integration for 30 s at most
# Pages are for readers: a flood of them must not use up the throttling limits of the partners' requests.
PAGES_PER_SECOND, PAGES_BURST = 10, 20
CONSOLE = "/console"


class OnRequest(Construct):
    """The function, the API in front of it, and the partners who may call."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        grants: Sequence[Grant],
        queues: Mapping[str, WatchedQueue],
        webhook_secrets: Mapping[str, str],
        egress: FixedEgress | None = None,
    ) -> None:
        """`queues` are those whose dead letters operators see in the console."""
        super().__init__(scope, construct_id)
        # First, because people's client needs its address, and the authoriser of its routes that client's id.
        api = self._api(release.stage)
        urls = [f"{api.api_endpoint}{CONSOLE}", *release.stage.console_urls]
        self.origins = [url.removesuffix(CONSOLE) for url in urls]
        partners = Partners(
            self,
            "Partners",
            stage=release.stage,
            console_urls=urls,
            queues=queues,
            webhook_secrets=webhook_secrets,
        )
        self.function = LookupFunction(
            self,
            "OnRequest",
            module="on_request",
            release=replace(release, settings=partners.extend_settings(release.settings)),
            grants=[*grants, *partners.grants()],
            timeout=TIMEOUT,
            memory_mb=MEMORY_MB,
            egress=egress,
            snap_start=release.stage.snap_start,
            reserved=release.stage.request_concurrency,
        ).function
        pages = self._add_routes(api, partners.authorizer(), self._live())
        api_stage = self._api_stage(api, release.stage, pages)
        output(self, "ApiId", api.api_id)
        output(self, "ApiUrl", api_stage.url)
        output(self, "ConsoleUrl", urls[0])

    def _live(self) -> lambda_.Alias:
        """Return the live alias: a request meets the old one or the new one, never half a deployment."""
        return lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)

    def _api(self, stage: Stage) -> apigateway.HttpApi:
        return apigateway.HttpApi(self, "Api", api_name=f"{SERVICE}-{stage.name}", create_default_stage=False)

    def _add_routes(
        self, api: apigateway.HttpApi, authorizer: HttpJwtAuthorizer, target: lambda_.IFunction
    ) -> list[apigateway.HttpRoute]:
        """Add every route; return those of the pages."""
        integration = HttpLambdaIntegration("OnRequest", target)
        for route in ROUTES:
            api.add_routes(
                path=route.path,
                methods=[HttpMethod(route.method)],
                integration=integration,
                authorizer=authorizer,
                authorization_scopes=[route.scope],
            )
        pages = [
            page
            for method, _, path in (key.partition(" ") for key in sorted(PAGE_KEYS))
            for page in api.add_routes(path=path, methods=[HttpMethod(method)], integration=integration)
        ]
        for page in pages:
            acknowledge(page, "APIG4", "a page that everybody may read; it holds nothing of any partner")
        return pages

    def _api_stage(
        self, api: apigateway.HttpApi, stage: Stage, pages: Sequence[apigateway.HttpRoute]
    ) -> apigateway.HttpStage:
        throttle = apigateway.ThrottleSettings(rate_limit=stage.requests_per_second, burst_limit=stage.request_burst)
        api_stage = apigateway.HttpStage(self, "DefaultStage", http_api=api, auto_deploy=True, throttle=throttle)
        resource = cast("apigateway.CfnStage", api_stage.node.default_child)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group_arn(log_group(self, "AccessLog", stage=stage)),
            format=access_log_format(client_claim(stage)),
        )
        limits = {"ThrottlingRateLimit": PAGES_PER_SECOND, "ThrottlingBurstLimit": PAGES_BURST}
        resource.route_settings = dict.fromkeys(sorted(PAGE_KEYS), limits)
        api_stage.node.add_dependency(*pages)  # a stage knows no settings of routes that are not there yet
        return api_stage
