"""The HTTP API, who may call it, and the function that answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from infra.constructs.access_log import ACCESS_LOG_FIELDS
from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import Grant
from infra.constructs.log_groups import group_arn, log_group
from infra.constructs.network import FixedEgress
from infra.constructs.outputs import output
from infra.nag import acknowledge
from infra.stage_settings.stage import SERVICE, Stage
from lookup.api.route_table import PAGES, ROUTES

TIMEOUT = Duration.seconds(29)  # an HTTP API waits for its integration for 30 s at most
# Pages are for readers: a flood of them must not use up the throttling limits of the partners' requests.
PAGES_PER_SECOND, PAGES_BURST = 10, 20


class OnRequest(Construct):
    """The function, the API in front of it, and the partners who may call."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        grants: Sequence[Grant],
        egress: FixedEgress | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        partners = Partners(self, "Partners", stage=release.stage)
        self.function = LookupFunction(
            self,
            "OnRequest",
            module="on_request",
            release=replace(release, settings=partners.extend_settings(release.settings)),
            grants=[*grants, *partners.grants()],
            timeout=TIMEOUT,
            memory_mb=1024,
            egress=egress,
            snap_start=release.stage.snap_start,
            reserved=release.stage.request_concurrency,
        ).function
        api = self._api(release.stage, partners.authorizer(), self._live())
        api_stage = self._api_stage(api, release.stage)
        output(self, "ApiId", api.api_id)
        output(self, "ApiUrl", api_stage.url)

    def _live(self) -> lambda_.Alias:
        """Return the live alias: a request meets the old one or the new one, never half a deployment."""
        return lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)

    def _api(self, stage: Stage, authorizer: HttpJwtAuthorizer, target: lambda_.IFunction) -> apigateway.HttpApi:
        api = apigateway.HttpApi(self, "Api", api_name=f"{SERVICE}-{stage.name}", create_default_stage=False)
        integration = HttpLambdaIntegration("OnRequest", target)
        for route in ROUTES:
            api.add_routes(
                path=route.path,
                methods=[HttpMethod(route.method)],
                integration=integration,
                authorizer=authorizer,
                authorization_scopes=[route.scope],
            )
        self._pages = [
            page
            for path in PAGES
            for page in api.add_routes(path=path, methods=[HttpMethod.GET], integration=integration)
        ]
        for page in self._pages:
            acknowledge(page, "APIG4", "documentation that everybody may read; it holds nothing of any partner")
        return api

    def _api_stage(self, api: apigateway.HttpApi, stage: Stage) -> apigateway.HttpStage:
        throttle = apigateway.ThrottleSettings(rate_limit=stage.requests_per_second, burst_limit=stage.request_burst)
        api_stage = apigateway.HttpStage(self, "DefaultStage", http_api=api, auto_deploy=True, throttle=throttle)
        resource = cast("apigateway.CfnStage", api_stage.node.default_child)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group_arn(log_group(self, "AccessLog", stage=stage)),
            format=json.dumps(ACCESS_LOG_FIELDS | {"client_id": f"$context.authorizer.claims.{client_claim(stage)}"}),
        )
        limits = {"ThrottlingRateLimit": PAGES_PER_SECOND, "ThrottlingBurstLimit": PAGES_BURST}
        resource.route_settings = {f"GET {path}": limits for path in PAGES}
        api_stage.node.add_dependency(*self._pages)  # a stage knows no settings of routes that are not there yet
        return api_stage
