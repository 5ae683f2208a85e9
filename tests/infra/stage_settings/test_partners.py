"""Promises about partners' grants and scopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.app import SOURCE, synthesise
from infra.stage_settings.partners import Issuer, Partner, SignIn, Webhook
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import Workspace
from lookup.errors import Misconfigured
from tests.infra.template import Template, text

URL = "https://hooks.example.com/moengage"
TWO: Mapping[str, Partner] = {
    "crm": Partner(workspaces=("default", "asia"), fields=("name", "email"), users_per_day=5000, weight=3),
    "loyalty": Partner(),
}


def _stage(partners: Mapping[str, Partner], issuer: Issuer | None = None) -> Stage:
    workspaces = {"default": Workspace(), "asia": Workspace()}
    return Stage(name="test", workspaces=workspaces, partners=partners, retain=False, issuer=issuer)


def _grants(template: Template) -> dict[str, Any]:
    _, parameter = template.named("AWS::SSM::Parameter", "Grants")
    grants: dict[str, Any] = json.loads(text(parameter["Value"]))
    return grants


def test_each_client_has_its_partner_s_grants(tmp_path: Path) -> None:
    """The parameter holds, by app client, all that `lookup.partners` reads of a partner."""
    template = Template.read(synthesise(_stage(TWO), code=SOURCE, outdir=tmp_path))
    clients = {client["ClientName"]: name for name, client in template.of_type("AWS::Cognito::UserPoolClient").items()}
    assert _grants(template) == {
        clients["crm"]: {
            "name": "crm",
            "workspaces": ["default", "asia"],
            "fields": ["name", "email"],
            "users_per_day": 5000,
            "weight": 3,
            "lanes": ["on_demand", "bulk"],
            "requests_per_second": 20,
            "waiting_requests": 10,
        },
        clients["loyalty"]: {
            "name": "loyalty",
            "workspaces": ["default"],
            "fields": None,
            "users_per_day": None,
            "weight": 1,
            "lanes": ["on_demand", "bulk"],
            "requests_per_second": 20,
            "waiting_requests": 10,
        },
    }


@pytest.mark.parametrize(
    ("audiences", "expected"), [((), ["crm-client", "loyalty-client"]), (("moengage-lookup",), ["moengage-lookup"])]
)
def test_an_issuer_of_your_own(tmp_path: Path, audiences: tuple[str, ...], expected: list[str]) -> None:
    """With an issuer of its own a stage makes no Cognito; the authoriser trusts that issuer and its audiences."""
    partners = {name: Partner(client_id=f"{name}-client") for name in ("crm", "loyalty")}
    issuer = Issuer(url="https://id.example.com/tenant", audiences=audiences)
    stage = Stage(name="test", workspaces={"default": Workspace()}, partners=partners, retain=False, issuer=issuer)
    template = Template.read(synthesise(stage, code=SOURCE, outdir=tmp_path))
    assert not [name for name, resource in template.resources.items() if "Cognito" in resource["Type"]]
    jwt = template.only("AWS::ApiGatewayV2::Authorizer")["JwtConfiguration"]
    assert jwt == {"Issuer": "https://id.example.com/tenant", "Audience": expected}
    assert set(_grants(template)) == {"crm-client", "loyalty-client"}


def test_an_operators_client(tmp_path: Path) -> None:
    """Only the client of a partner that is `admin` may request the operators' scope."""
    stage = _stage({"ops": Partner(admin=True), "crm": Partner()})
    template = Template.read(synthesise(stage, code=SOURCE, outdir=tmp_path))
    scopes = {
        client["ClientName"]: {text(scope).rsplit("/", 1)[1] for scope in client["AllowedOAuthScopes"]}
        for client in template.of_type("AWS::Cognito::UserPoolClient").values()
    }
    assert scopes == {"ops": {"read", "write", "erase", "admin"}, "crm": {"read", "write"}}


def test_people_of_an_issuer_of_your_own(tmp_path: Path) -> None:
    """People sign in by the issuer's public client, which is one of the audiences; the grants name their groups."""
    crm = Partner(client_id="crm-client", admin=True, console_groups=("crm",))
    sign_in = SignIn(
        client_id="console", authorize_url="https://id.example.com/a", token_url="https://id.example.com/t"
    )
    issuer = Issuer(url="https://id.example.com", sign_in=sign_in)
    stage = _stage({"crm": crm}, issuer)
    template = Template.read(synthesise(stage, code=SOURCE, outdir=tmp_path))
    assert template.only("AWS::ApiGatewayV2::Authorizer")["JwtConfiguration"]["Audience"] == ["crm-client", "console"]
    assert (_grants(template)["crm-client"]["groups"], _grants(template)["crm-client"]["admin"]) == (["crm"], True)
    _, parameter = template.named("AWS::SSM::Parameter", "Console")
    assert json.loads(text(parameter["Value"]))["sign_in"] == {
        "client_id": "console",
        "authorize_url": "https://id.example.com/a",
        "token_url": "https://id.example.com/t",
        "logout_url": None,
        "scopes": ["profiles/read", "lookups/write", "schedules/write", "profiles/erase", "service/admin"],
        "groups_claim": "groups",
    }


@pytest.mark.parametrize(
    ("partners", "issuer", "setting"),
    [
        ({"crm": Partner(console_groups=("two words",))}, None, "partners.crm.console_groups"),
        ({"crm": Partner(console_groups=("[a]",))}, None, "partners.crm.console_groups"),
        ({"crm": Partner(console_groups=("a", "a"))}, None, "partners.crm.console_groups"),
        ({"crm": Partner(console_groups="a")}, None, "partners.crm.console_groups"),  # type: ignore[arg-type]  # meant
        ({"crm": Partner(console_groups=("a",)), "ops": Partner(console_groups=("a",))}, None, "partners"),
        ({f"p{n}": Partner(console_groups=("a",) if n == 0 else ()) for n in range(50)}, None, "partners"),
        (
            {"crm": Partner(client_id="c", console_groups=("a",))},
            Issuer(url="https://id.example.com"),
            "partners.crm.console_groups",
        ),
        (
            {"crm": Partner(client_id="c", console_groups=("a",))},
            Issuer(
                url="https://id.example.com",
                sign_in=SignIn(
                    client_id="c", authorize_url="https://id.example.com", token_url="https://id.example.com"
                ),
            ),
            "issuer.sign_in.client_id",
        ),
        (
            {"crm": Partner(client_id="c", admin=True)},
            Issuer(
                url="https://id.example.com",
                sign_in=SignIn(
                    client_id="d", authorize_url="https://id.example.com", token_url="https://id.example.com"
                ),
            ),
            "partners.crm.admin",
        ),
        (
            {"crm": Partner(client_id="c", console_groups=("a",))},
            Issuer(
                url="https://id.example.com",
                sign_in=SignIn(
                    client_id="d", authorize_url="http://id.example.com", token_url="https://id.example.com"
                ),
            ),
            "issuer.sign_in.authorize_url",
        ),
    ],
)
def test_people_who_could_not_sign_in_as_one_partner(
    partners: Mapping[str, Partner], issuer: Issuer | None, setting: str
) -> None:
    """A group of two partners, with a space, or without a client to sign in by ends the synthesis."""
    with pytest.raises(Misconfigured) as caught:
        _stage(partners, issuer)
    assert caught.value.setting == setting


def test_grants_that_no_parameter_can_hold_are_refused(tmp_path: Path) -> None:
    """More than 8192 characters of grants end the synthesis and say so, instead of the deployment."""
    long_fields = Partner(fields=tuple(f"attribute_{number:04}" for number in range(500)))
    with pytest.raises(Misconfigured, match="the parameter holds 8192") as caught:
        synthesise(_stage({"crm": long_fields}), code=SOURCE, outdir=tmp_path)
    assert caught.value.setting == "partners"


def test_the_functions_get_the_parameter_s_name(template: Template) -> None:
    """The name in the settings is the parameter's; it needs no secret type, for it holds none."""
    _, parameter = template.named("AWS::SSM::Parameter", "Grants")
    assert parameter["Name"] == f"/moengage-lookup/{template.stage}/partners"
    assert (parameter["Type"], parameter["Tier"]) == ("String", "Intelligent-Tiering")
    for function in template.functions().values():
        assert function["Environment"]["Variables"]["PARTNERS_PARAMETER_NAME"] == parameter["Name"]


@pytest.mark.parametrize(
    ("webhook", "setting", "rule"),
    [
        (Webhook(url="http://hooks.example.com/"), "webhook.url", "https"),
        (Webhook(url="https://10.0.0.1/"), "webhook.url", "full name in DNS"),
        (Webhook(url="https://hooks.example.com:8443/"), "webhook.url", "port 443"),
        (Webhook(url=None), "webhook.url", "must be a text"),  # type: ignore[arg-type]  # the mistake
        (Webhook(url=URL, events=()), "webhook.events", "one or more of lookup.completed"),
        (Webhook(url=URL, events=("lookup.done",)), "webhook.events", "one or more of lookup.completed"),
        (Webhook(url=URL, events=("webhook.test",)), "webhook.events", "one or more of lookup.completed"),
        (Webhook(url=URL, events=("results.ready",) * 2), "webhook.events", "each once"),
        (Webhook(url=URL, events="results.ready"), "webhook.events", "must be a tuple"),  # type: ignore[arg-type]  # the mistake
        (URL, "webhook", "must be a Webhook"),
    ],
)
def test_a_webhook_that_cannot_be_called_ends_the_synthesis(webhook: Webhook, setting: str, rule: str) -> None:
    """An address or an event that webhooks do not have is refused by the setting's name."""
    with pytest.raises(Misconfigured, match=rule) as caught:
        Partner(webhook=webhook).check("acme", {"default": None})
    assert caught.value.setting == f"partners.acme.{setting}"


def test_a_webhook_has_all_events_unless_it_says_so() -> None:
    """Without a choice a webhook is called for everything."""
    webhook = Webhook(url=URL)
    Partner(webhook=webhook).check("acme", {"default": None})
    assert webhook.events == ("lookup.completed", "results.ready", "profiles.changed", "schedule.refused")
