"""Who may call the HTTP API, and for what: the authoriser of tokens, the parameters of grants and of the console."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from constructs import Construct

from infra.constructs.access.user_pool import UserPool, scopes_of_people
from infra.constructs.iam import READ_PARAMETERS, Grant
from infra.stage_settings.partners import Issuer, Partner
from infra.stage_settings.stage import SERVICE, Stage
from lookup.api.callers.auth import CLIENT_CLAIM
from lookup.api.console.parameter import ConsoleFacts, SignIn, WatchedQueue
from lookup.errors import Misconfigured
from lookup.settings import Settings

CLIENT_ID = "x" * 26  # as long as Cognito's
SECRET_ARN = "x" * 140  # as long as a secret's, but for the longest names of stages and partners
PARAMETER_LIMIT = 8192  # characters of an advanced parameter; up to 4096 it stays a standard one, which costs nothing


class Partners(Construct):
    """The issuer of tokens (a user pool of the stack's own, unless the stage names another) and the grants.

    A changed parameter takes effect within a minute. A deploy writes it again only when the stage's partners have
    changed, and then from the stage alone: what shall last belongs there. People sign in to the console at
    `console_urls`; `queues` are what operators see and redrive there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        console_urls: Sequence[str],
        queues: Mapping[str, WatchedQueue],
        webhook_secrets: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._webhook_secrets = webhook_secrets
        if stage.issuer is None:
            pool = UserPool(self, "UserPool", stage=stage)
            self._client_ids: Mapping[str, str] = pool.client_ids
            self._issuer, audiences = pool.issuer, tuple[str, ...]()
            self.token_url: str | None = stage.token_url or pool.token_url
            sign_in = pool.console_sign_in(stage, console_urls) if stage.has_people else None
        else:
            self._client_ids = {name: partner.client_id or "" for name, partner in stage.partners.items()}
            self._issuer, audiences = stage.issuer.url, stage.issuer.audiences
            self.token_url = stage.token_url
            sign_in = _sign_in_at(stage, stage.issuer)
        people = () if sign_in is None else (sign_in.client_id,)
        self._audiences = audiences or (*self._client_ids.values(), *people)
        self.parameter = self._parameter(stage)
        self.console_parameter = self._console_parameter(stage, ConsoleFacts(sign_in, queues))

    def extend_settings(self, settings: Settings) -> Settings:
        """Add what a function must know to know its callers."""
        return replace(settings, token_url=self.token_url, client_claim=client_claim(self._stage))

    def grants(self) -> list[Grant]:
        """Return what a function that knows its callers does here."""
        read = [self.parameter.parameter_arn, self.console_parameter.parameter_arn]
        return [Grant("Partners", READ_PARAMETERS, read)]

    def authorizer(self) -> HttpJwtAuthorizer:
        """Return the authorizer that accepts these partners' tokens only."""
        return HttpJwtAuthorizer("Partners", self._issuer, jwt_audience=list(self._audiences))

    def _parameter(self, stage: Stage) -> ssm.StringParameter:
        known = {
            name: grants_of(name, partner, self._webhook_secrets.get(name)) for name, partner in stage.partners.items()
        }
        length = _length_of(stage)
        if length > PARAMETER_LIMIT:
            raise Misconfigured("partners", f"take {length} characters; the parameter holds {PARAMETER_LIMIT}")
        by_client = {self._client_ids[name]: grants for name, grants in known.items()}
        return ssm.StringParameter(
            self,
            "Grants",
            parameter_name=parameter_name(stage),
            description="What each partner may ask for, by client",
            string_value=json.dumps(by_client),  # the CDK's own writer leaves out what is null
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        )

    def _console_parameter(self, stage: Stage, facts: ConsoleFacts) -> ssm.StringParameter:
        return ssm.StringParameter(
            self,
            "Console",
            parameter_name=console_parameter_name(stage),
            description="How people sign in to the console, and the queues that operators see there",
            string_value=json.dumps(asdict(facts)),
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        )


def _sign_in_at(stage: Stage, issuer: Issuer) -> SignIn | None:
    """Return how people sign in at an issuer of your own, if they can."""
    if issuer.sign_in is None:
        return None
    chosen = issuer.sign_in
    return SignIn(
        client_id=chosen.client_id,
        authorize_url=chosen.authorize_url,
        token_url=chosen.token_url,
        logout_url=chosen.logout_url,
        scopes=scopes_of_people(stage),
        groups_claim=chosen.groups_claim,
    )


def client_claim(stage: Stage) -> str:
    """Return the claim of a token that names its client."""
    return CLIENT_CLAIM if stage.issuer is None else stage.issuer.client_claim


def _length_of(stage: Stage) -> int:
    """Return how long the grants will be, with names and ARNs that only the deployment knows."""
    clients = [one.client_id or f"{CLIENT_ID}{number}" for number, one in enumerate(stage.partners.values())]
    grants = [grants_of(name, partner, SECRET_ARN) for name, partner in stage.partners.items()]
    return len(json.dumps(dict(zip(clients, grants, strict=True))))


def grants_of(name: str, partner: Partner, webhook_secret: str | None = None) -> dict[str, object]:
    """Write a partner's grants as `lookup.partners` reads them."""
    grants: dict[str, object] = {
        "name": name,
        "workspaces": list(partner.workspaces),
        "fields": None if partner.fields is None else list(partner.fields),
        "users_per_day": partner.users_per_day,
        "weight": partner.weight,
        "lanes": list(partner.lanes),
        "requests_per_second": partner.requests_per_second,
        "waiting_requests": partner.waiting_requests,
        **({"erase": partner.erase} if partner.erase else {}),
        **({"groups": list(partner.console_groups)} if partner.console_groups else {}),
        **({"admin": True} if partner.admin else {}),
    }
    if partner.webhook is None:
        return grants
    webhook = {"url": partner.webhook.url, "events": list(partner.webhook.events), "secret_id": webhook_secret}
    return grants | {"webhook": webhook}


def read_grants(scope: Construct, stage: Stage) -> list[Grant]:
    """Return the grants of a function that reads partners' grants, but is made before their parameter is."""
    name = parameter_name(stage).removeprefix("/")
    return [
        Grant(
            "Partners",
            READ_PARAMETERS,
            [Stack.of(scope).format_arn(service="ssm", resource="parameter", resource_name=name)],
        )
    ]


def parameter_name(stage: Stage) -> str:
    """Return the name of the parameter that holds the grants."""
    return f"/{SERVICE}/{stage.name}/partners"


def console_parameter_name(stage: Stage) -> str:
    """Return the name of the parameter that holds what the console needs."""
    return f"/{SERVICE}/{stage.name}/console"
