"""A Cognito user pool without users: it issues the partners' tokens by client credentials."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.constructs.outputs import output
from infra.constructs.removal import removal_policy
from infra.nag import acknowledge
from infra.stage_settings.stage import SERVICE, Stage
from infra.stage_settings.workspaces import pascal_case
from lookup.api.route_table import ADMIN, LOOKUPS_WRITE, PROFILES_READ, SCHEDULES_WRITE

SCOPES: Mapping[str, str] = {
    PROFILES_READ: "Read profiles, lookups and the quota",
    LOOKUPS_WRITE: "Submit and steer lookups",
    SCHEDULES_WRITE: "Keep schedules",
    ADMIN: "Operate the service",
}
PARTNER_SCOPES = (PROFILES_READ, LOOKUPS_WRITE, SCHEDULES_WRITE)
TOKEN_LIFE = Duration.hours(1)
# In case a user is created after all.
NOBODY_S_PASSWORD = cognito.PasswordPolicy(
    min_length=16, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
)


class UserPool(Construct):
    """The pool, its scopes, its token endpoint, and one app client per partner."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.pool = self._pool(stage)
        # Written out: not every implementation of CloudFormation has the attribute ProviderURL.
        self.issuer = f"https://cognito-idp.{Aws.REGION}.{Aws.URL_SUFFIX}/{self.pool.user_pool_id}"
        scopes = {name: self._scope(name, description) for name, description in SCOPES.items()}
        self.client_ids = {
            name: self._client(name, [scopes[one] for one in (*PARTNER_SCOPES, *([ADMIN] if partner.admin else ()))])
            for name, partner in stage.partners.items()
        }
        # The prefix is unique among all AWS accounts of a region.
        prefix = f"{SERVICE}-{stage.name}-{Aws.ACCOUNT_ID}"
        domain = self.pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=prefix))
        self.token_url = f"{domain.base_url()}/oauth2/token"
        output(self, "UserPoolId", self.pool.user_pool_id)
        output(self, "TokenUrl", self.token_url)

    def _pool(self, stage: Stage) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            password_policy=NOBODY_S_PASSWORD,
            deletion_protection=stage.retain,
            removal_policy=removal_policy(stage, deletion_protected=True),
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

    def _client(self, partner: str, scopes: list[cognito.OAuthScope]) -> str:
        name = pascal_case(partner)
        client = self.pool.add_client(
            f"Client{name}",
            user_pool_client_name=partner,
            generate_secret=True,
            access_token_validity=TOKEN_LIFE,
            o_auth=cognito.OAuthSettings(flows=cognito.OAuthFlows(client_credentials=True), scopes=scopes),
        )
        output(self, f"ClientId{name}", client.user_pool_client_id)
        return client.user_pool_client_id
