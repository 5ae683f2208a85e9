"""Promises about the HTTP API."""

from __future__ import annotations

import json
from pathlib import Path

from infra.app import SOURCE, synthesise
from infra.stage_settings.partners import Partner
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import Workspace
from tests.infra.template import Template, text

SCOPES = {
    "GET /v1/profiles": "profiles/read",
    "GET /v1/profiles/{identifier_type}/{identifier+}": "profiles/read",
    "POST /v1/rosters": "lookups/write",
    "DELETE /v1/rosters/{roster_id}": "lookups/write",
    "POST /v1/rosters/{roster_id}/preview": "lookups/write",
    "POST /v1/lookups": "lookups/write",
    "POST /v1/erasures": "profiles/erase",
    "GET /v1/erasures/{erasure_id}": "profiles/erase",
    "GET /v1/lookups": "profiles/read",
    "GET /v1/lookups/{lookup_id}": "profiles/read",
    "PATCH /v1/lookups/{lookup_id}": "lookups/write",
    "GET /v1/lookups/{lookup_id}/results": "profiles/read",
    "GET /v1/lookups/{lookup_id}/results/{file}": "profiles/read",
    "POST /v1/lookups/{lookup_id}/exports": "profiles/read",
    "GET /v1/schedules": "schedules/write",
    "PUT /v1/schedules/{name}": "schedules/write",
    "GET /v1/schedules/{name}": "schedules/write",
    "DELETE /v1/schedules/{name}": "schedules/write",
    "GET /v1/quota": "profiles/read",
    "GET /v1/grants": "profiles/read",
    "GET /v1/webhooks/deliveries": "profiles/read",
    "POST /v1/webhooks/test": "lookups/write",
    "GET /v1/operator/partners": "service/admin",
    "GET /v1/operator/lookups": "service/admin",
    "GET /v1/operator/lookups/{lookup_id}": "service/admin",
    "GET /v1/operator/dead-letters": "service/admin",
    "POST /v1/operator/gate": "service/admin",
    "POST /v1/operator/redrive": "service/admin",
}

PAGES = {
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/{asset}",
    "GET /console",
    "HEAD /console",
    "GET /console/{asset}",
    "HEAD /console/{asset}",
}


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
    """A partner's client has a secret, no other flow than client credentials, and not the operators' scope."""
    clients = template.of_type("AWS::Cognito::UserPoolClient").values()
    for client in [one for one in clients if one["ClientName"] not in {"console", "ops"}]:
        assert client["GenerateSecret"] is True
        assert client["AllowedOAuthFlows"] == ["client_credentials"]
        assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (60, "minutes")
        scopes = sorted("".join(text(scope).rsplit("/", 1)[1]) for scope in client["AllowedOAuthScopes"])
        assert scopes == ["read", "write", "write"]


def test_sign_up_is_disabled(template: Template) -> None:
    """An operator creates the people who sign in; nobody else can."""
    assert template.only("AWS::Cognito::UserPool")["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_people_sign_in_by_a_code_of_a_public_client(tmp_path: Path) -> None:
    """The console's client has no secret, the code flow alone, the API's address as callback, and short tokens."""
    template = _with_people(tmp_path)
    _, client = template.named("AWS::Cognito::UserPoolClient", "ConsoleClient")
    api, _ = template.named("AWS::ApiGatewayV2::Api", "Api")
    assert (client["GenerateSecret"], client["AllowedOAuthFlows"]) == (False, ["code"])
    home = [f"{api}.ApiEndpoint/console", "https://lookup.example.com/console"]
    assert [text(url) for url in client["CallbackURLs"]] == [text(url) for url in client["LogoutURLs"]] == home
    assert (client["AccessTokenValidity"], client["RefreshTokenValidity"]) == (15, 8 * 60)
    assert set(client["TokenValidityUnits"].values()) == {"minutes"}
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    scopes = [text(scope) for scope in client["AllowedOAuthScopes"]]
    assert sorted(scope.rsplit("/", 1)[1] for scope in scopes) == ["admin", "erase", "read", "write", "write"]
    audience = {
        template.attribute(one)
        for one in template.only("AWS::ApiGatewayV2::Authorizer")["JwtConfiguration"]["Audience"]
    }
    assert audience == set(template.of_type("AWS::Cognito::UserPoolClient"))


def test_the_stack_keeps_the_groups_of_the_stage_and_asks_for_a_second_factor(tmp_path: Path) -> None:
    """Each group of a partner exists; people have long passwords and a one-time password of an app, none by SMS."""
    template = _with_people(tmp_path)
    groups = template.of_type("AWS::Cognito::UserPoolGroup").values()
    assert {group["GroupName"]: group["Description"] for group in groups} == {
        "sales": "People of partner crm",
        "sales.emea": "People of partner crm",
        "operators": "People of partner ops",
    }
    pool = template.only("AWS::Cognito::UserPool")
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 16
    assert [one["Name"] for one in pool["AccountRecoverySetting"]["RecoveryMechanisms"]] == ["verified_email"]


def test_the_console_finds_its_stage_in_a_parameter(tmp_path: Path) -> None:
    """It names the client, the issuer's pages, the claim of the groups, and every queue with dead letters."""
    template = _with_people(tmp_path)
    _, parameter = template.named("AWS::SSM::Parameter", "Console")
    facts = json.loads(text(parameter["Value"]))
    client, _ = template.named("AWS::Cognito::UserPoolClient", "ConsoleClient")
    prefix = "https://moengage-lookup-test-AWS::AccountId.auth.AWS::Region.amazoncognito.com"
    assert facts["sign_in"] | {"authorize_url": "", "token_url": "", "logout_url": ""} == {
        "client_id": client,
        "scopes": ["profiles/read", "lookups/write", "schedules/write", "profiles/erase", "service/admin"],
        "groups_claim": "cognito:groups",
        "authorize_url": "",
        "token_url": "",
        "logout_url": "",
    }
    paths = {"authorize_url": "/oauth2/authorize", "token_url": "/oauth2/token", "logout_url": "/logout"}
    domain, _ = template.named("AWS::Cognito::UserPoolDomain", "Domain")
    for name, path in paths.items():
        assert facts["sign_in"][name].endswith(f".amazoncognito.com{path}"), prefix
        assert domain in facts["sign_in"][name] or prefix in facts["sign_in"][name]
    redriven = {name for name, urls in facts["queues"].items() if urls["queue"] is not None}
    assert redriven == {"intake", "parts", "answers", "conversions", "results", "erasures"}
    assert set(facts["queues"]) == redriven | {
        "webhooks",
        "failed-firings",
        "undelivered-events",
    }


def test_uploads_of_the_console_reach_the_bucket(tmp_path: Path) -> None:
    """Pages of the API's own origins may PUT what was signed for them, with the headers of an upload; nothing else."""
    template = _with_people(tmp_path)
    api, _ = template.named("AWS::ApiGatewayV2::Api", "Api")
    _, bucket = template.named("AWS::S3::Bucket", "StorageBucket")
    (rule,) = bucket["CorsConfiguration"]["CorsRules"]
    assert [text(origin) for origin in rule["AllowedOrigins"]] == [f"{api}.ApiEndpoint", "https://lookup.example.com"]
    assert rule["AllowedMethods"] == ["PUT"]
    assert rule["AllowedHeaders"] == ["if-none-match", "x-amz-tagging", "content-type"]


def _with_people(folder: Path) -> Template:
    partners = {
        "crm": Partner(console_groups=("sales", "sales.emea")),
        "ops": Partner(admin=True, console_groups=("operators",)),
    }
    stage = Stage(
        name="test",
        workspaces={"default": Workspace()},
        partners=partners,
        retain=False,
        console_urls=("https://lookup.example.com/console",),
    )
    return Template.read(synthesise(stage, code=SOURCE, outdir=folder))


def test_the_access_log_holds_route_keys_and_no_path(template: Template) -> None:
    """A path holds an identifier: the access log names the route key only."""
    settings = template.only("AWS::ApiGatewayV2::Stage")["AccessLogSettings"]
    written = set(json.loads(settings["Format"]).values())
    assert {"$context.requestId", "$context.routeKey"} <= written
    assert not [value for value in written if "path" in value.lower() or "querystring" in value.lower()]
    assert not text(settings["DestinationArn"]).endswith(":*")


def test_the_access_log_has_no_byte_too_many(template: Template) -> None:
    """Its bytes are paid with every request: who asked for what, how it ended and how long that took, nothing else."""
    written = template.only("AWS::ApiGatewayV2::Stage")["AccessLogSettings"]["Format"]
    fields = json.loads(written)
    assert list(fields) == ["request_id", "route_key", "status", "response_ms", "error", "client_id"]
    assert written == json.dumps(fields, separators=(",", ":"))


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
