"""Promises about the HTTP API."""

from __future__ import annotations

import json

from tests.infra.template import Template, text

SCOPES = {
    "GET /v1/profiles": "profiles/read",
    "GET /v1/profiles/{identifier_type}/{identifier+}": "profiles/read",
    "POST /v1/rosters": "lookups/write",
    "DELETE /v1/rosters/{roster_id}": "lookups/write",
    "POST /v1/rosters/{roster_id}/preview": "lookups/write",
    "POST /v1/lookups": "lookups/write",
    "GET /v1/lookups": "profiles/read",
    "GET /v1/lookups/{lookup_id}": "profiles/read",
    "PATCH /v1/lookups/{lookup_id}": "lookups/write",
    "GET /v1/lookups/{lookup_id}/results": "profiles/read",
    "GET /v1/lookups/{lookup_id}/results/{file}": "profiles/read",
    "GET /v1/schedules": "schedules/write",
    "PUT /v1/schedules/{name}": "schedules/write",
    "GET /v1/schedules/{name}": "schedules/write",
    "DELETE /v1/schedules/{name}": "schedules/write",
    "GET /v1/quota": "profiles/read",
}

PAGES = {"GET /openapi.json", "GET /docs", "GET /docs/{asset}"}


def test_every_route_wants_a_token_with_its_scope(template: Template) -> None:
    """No route but the pages is open: each has the JWT authoriser and requires one scope."""
    (authorizer,) = template.of_type("AWS::ApiGatewayV2::Authorizer")
    routes = [one for one in template.of_type("AWS::ApiGatewayV2::Route").values() if one["RouteKey"] not in PAGES]
    assert {route["RouteKey"]: route["AuthorizationScopes"] for route in routes} == {
        key: [scope] for key, scope in SCOPES.items()
    }
    assert {route["AuthorizationType"] for route in routes} == {"JWT"}
    assert {template.attribute(route["AuthorizerId"]) for route in routes} == {authorizer}


def test_the_api_is_found_by_its_stage(template: Template) -> None:
    """Among all APIs of an account this one is named after the service and the stage."""
    assert template.only("AWS::ApiGatewayV2::Api")["Name"] == f"moengage-lookup-{template.stage}"


def test_pages_are_open_and_throttled(template: Template) -> None:
    """The documentation is public, throttled so that partners' requests are not delayed."""
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    pages = {name: one for name, one in routes.items() if one["RouteKey"] in PAGES}
    assert {one["RouteKey"] for one in pages.values()} == PAGES
    assert {one["AuthorizationType"] for one in pages.values()} == {"NONE"}
    (name,) = template.of_type("AWS::ApiGatewayV2::Stage")
    settings = template.resources[name]["Properties"]["RouteSettings"]
    assert settings == {page: {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20} for page in PAGES}
    assert set(pages) <= set(template.resources[name]["DependsOn"])


def test_tokens_are_the_user_pool_s_for_partners_of_the_stage(template: Template) -> None:
    """The authoriser trusts this stack's user pool only, and its audience is the partners' app clients."""
    authorizer = template.only("AWS::ApiGatewayV2::Authorizer")
    (pool,) = template.of_type("AWS::Cognito::UserPool")
    jwt = authorizer["JwtConfiguration"]
    assert text(jwt["Issuer"]) == f"https://cognito-idp.AWS::Region.AWS::URLSuffix/{pool}"
    assert {template.attribute(client) for client in jwt["Audience"]} == set(
        template.of_type("AWS::Cognito::UserPoolClient")
    )


def test_partners_get_tokens_by_client_credentials_for_an_hour(template: Template) -> None:
    """An app client has a secret, no other flow than client credentials, and not the operators' scope."""
    for client in template.of_type("AWS::Cognito::UserPoolClient").values():
        assert client["GenerateSecret"] is True
        assert client["AllowedOAuthFlows"] == ["client_credentials"]
        assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (60, "minutes")
        scopes = sorted("".join(text(scope).rsplit("/", 1)[1]) for scope in client["AllowedOAuthScopes"])
        assert scopes == ["read", "write", "write"]


def test_sign_up_is_disabled(template: Template) -> None:
    """The user pool has no users and takes none."""
    assert template.only("AWS::Cognito::UserPool")["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_the_access_log_holds_route_keys_and_no_path(template: Template) -> None:
    """A path holds an identifier: the access log names the route key only."""
    settings = template.only("AWS::ApiGatewayV2::Stage")["AccessLogSettings"]
    written = set(json.loads(settings["Format"]).values())
    assert {"$context.requestId", "$context.routeKey"} <= written
    assert not [value for value in written if "path" in value.lower() or "querystring" in value.lower()]
    assert not text(settings["DestinationArn"]).endswith(":*")


def test_the_stage_is_throttled(template: Template) -> None:
    """Requests are bounded before they cost a function's time."""
    limits = template.only("AWS::ApiGatewayV2::Stage")["DefaultRouteSettings"]
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (50, 100)


def test_the_function_answers_before_the_api_gives_up(template: Template) -> None:
    """The function's time ends before the 30 s after which an HTTP API answers 503 itself."""
    assert template.functions()["on_request"]["Timeout"] == 29


def test_an_operator_finds_the_way_in(template: Template) -> None:
    """The outputs name the API, the token endpoint and each partner's client id."""
    assert {"ApiId", "ApiUrl", "TokenUrl", "UserPoolId", "ClientIdDemo"} <= set(template.outputs)


def test_the_api_calls_a_published_version(template: Template) -> None:
    """The API's integration and its permissions name the alias `live`, which names a version."""
    alias, live = template.named("AWS::Lambda::Alias", "Live")
    version, _ = template.named("AWS::Lambda::Version", "OnRequest")
    assert (live["Name"], template.attribute(live["FunctionVersion"])) == ("live", version)
    assert template.attribute(template.only("AWS::ApiGatewayV2::Integration")["IntegrationUri"]) == alias
    for permission in template.of_type("AWS::Lambda::Permission").values():
        assert template.attribute(permission["FunctionName"]) == alias


def test_a_snapshot_is_a_setting_of_the_http_function(template: Template, full: Template) -> None:
    """Only `on_request` starts from a snapshot, and only where the stage says so."""
    assert [module for module, function in template.functions().items() if "SnapStart" in function] == []
    started = {module: function.get("SnapStart") for module, function in full.functions().items()}
    assert {module for module, how in started.items() if how is not None} == {"on_request"}
    assert started["on_request"] == {"ApplyOn": "PublishedVersions"}
