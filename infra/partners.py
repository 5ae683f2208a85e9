"""Who may call the HTTP API, and for what: one app client of a Cognito user pool per partner, and its grants."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ssm as ssm
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from constructs import Construct

from infra.checks import acknowledge
from infra.grants import READ_PARAMETERS, Grant
from infra.names import output, pascal_case
from infra.stage_parts import Partner
from infra.stages import SERVICE, Stage
from lookup.errors import Misconfigured

PROFILES_READ, LOOKUPS_WRITE, SCHEDULES_WRITE = "profiles/read", "lookups/write", "schedules/write"
# Cognito writes a scope as <resource server>/<scope>, so the operators' scope cannot be the bare word.
ADMIN = "service/admin"
SCOPES: Mapping[str, str] = {
    PROFILES_READ: "Read profiles and the quota",
    LOOKUPS_WRITE: "Submit and steer lookups",
    SCHEDULES_WRITE: "Keep schedules",
    ADMIN: "Operate the service",
}
PARTNER_SCOPES = (PROFILES_READ, LOOKUPS_WRITE, SCHEDULES_WRITE)
TOKEN_LIFE = Duration.hours(1)
# For the case that somebody makes a user after all.
NOBODY_S_PASSWORD = cognito.PasswordPolicy(
    min_length=16, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
)
CLIENT_ID = "x" * 26  # as long as Cognito's
PARAMETER_LIMIT = 8192  # characters of an advanced parameter; up to 4096 it stays a standard one, which costs nothing


class Partners(Construct):
    """The user pool (it has no users), its scopes, one app client per partner, and the parameter of their grants.

    A changed parameter takes effect within a minute. A deploy writes it again only when the stage's partners have
    changed, and then from the stage alone: what shall last belongs there.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.pool = self._pool(stage)
        scopes = {name: self._scope(name, description) for name, description in SCOPES.items()}
        granted = [scopes[name] for name in PARTNER_SCOPES]
        self.clients = {name: self._client(name, granted) for name in stage.partners}
        # The prefix is unique among all AWS accounts of a region.
        prefix = f"{SERVICE}-{stage.name}-{Aws.ACCOUNT_ID}"
        domain = self.pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=prefix))
        self.parameter = self._parameter(stage)
        output(self, "UserPoolId", self.pool.user_pool_id)
        output(self, "TokenUrl", f"{domain.base_url()}/oauth2/token")

    def grants(self) -> list[Grant]:
        """Give what a function that knows its callers does here."""
        return [Grant("Partners", READ_PARAMETERS, [self.parameter.parameter_arn])]

    def authorizer(self) -> HttpJwtAuthorizer:
        """Make what lets only these partners' tokens through."""
        # Written out: not every implementation of CloudFormation has the attribute ProviderURL.
        issuer = f"https://cognito-idp.{Aws.REGION}.{Aws.URL_SUFFIX}/{self.pool.user_pool_id}"
        return HttpJwtAuthorizer(
            "Partners",
            issuer,
            jwt_audience=[client.user_pool_client_id for client in self.clients.values()],
        )

    def _parameter(self, stage: Stage) -> ssm.StringParameter:
        known = {name: grants_of(name, partner) for name, partner in stage.partners.items()}
        length = len(json.dumps({f"{CLIENT_ID}{number}": grants for number, grants in enumerate(known.values())}))
        if length > PARAMETER_LIMIT:
            raise Misconfigured("partners", f"take {length} characters; the parameter holds {PARAMETER_LIMIT}")
        by_client = {self.clients[name].user_pool_client_id: grants for name, grants in known.items()}
        return ssm.StringParameter(
            self,
            "Grants",
            parameter_name=parameter_name(stage),
            description="What each partner may ask for, by app client",
            string_value=json.dumps(by_client),  # the CDK's own writer leaves out what is null
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        )

    def _pool(self, stage: Stage) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            password_policy=NOBODY_S_PASSWORD,
            deletion_protection=stage.retain,
            removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
        )
        acknowledge(
            pool, "COG2", "the pool has no users: app clients get tokens by client credentials, nobody signs in"
        )
        acknowledge(pool, "COG8", "threat protection watches sign-ins of users, and the pool has none")
        return pool

    def _scope(self, name: str, description: str) -> cognito.OAuthScope:
        server_name, _, scope_name = name.partition("/")
        scope = cognito.ResourceServerScope(scope_name=scope_name, scope_description=description)
        server = self.pool.add_resource_server(pascal_case(server_name), identifier=server_name, scopes=[scope])
        return cognito.OAuthScope.resource_server(server, scope)

    def _client(self, partner: str, scopes: list[cognito.OAuthScope]) -> cognito.UserPoolClient:
        name = pascal_case(partner)
        client = self.pool.add_client(
            f"Client{name}",
            user_pool_client_name=partner,
            generate_secret=True,
            access_token_validity=TOKEN_LIFE,
            o_auth=cognito.OAuthSettings(flows=cognito.OAuthFlows(client_credentials=True), scopes=scopes),
        )
        output(self, f"ClientId{name}", client.user_pool_client_id)
        return client


def grants_of(name: str, partner: Partner) -> dict[str, object]:
    """Write a partner's grants as `lookup.partners` reads them."""
    return {
        "name": name,
        "workspaces": list(partner.workspaces),
        "fields": None if partner.fields is None else list(partner.fields),
        "users_per_day": partner.users_per_day,
        "weight": partner.weight,
    }


def parameter_name(stage: Stage) -> str:
    """Name the parameter that holds the grants."""
    return f"/{SERVICE}/{stage.name}/partners"
