"""A Cognito user pool: it issues the partners' tokens by client credentials, and lets people in to the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.constructs.outputs import output
from infra.constructs.removal import removal_policy
from infra.nag import acknowledge
from infra.stage_settings.partners import GROUPS_OF_COGNITO, Partner
from infra.stage_settings.stage import SERVICE, Stage
from infra.stage_settings.workspaces import pascal_case
from lookup.api.console.parameter import SignIn
from lookup.api.route_table import ADMIN, LOOKUPS_WRITE, PROFILES_ERASE, PROFILES_READ, SCHEDULES_WRITE

SCOPES: Mapping[str, str] = {
    PROFILES_READ: "Read profiles, lookups and the quota",
    PROFILES_ERASE: "Erase people",
    LOOKUPS_WRITE: "Submit and steer lookups",
    SCHEDULES_WRITE: "Keep schedules",
    ADMIN: "Operate the service",
}
PARTNER_SCOPES = (PROFILES_READ, LOOKUPS_WRITE, SCHEDULES_WRITE)
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address
TOKEN_LIFE = Duration.hours(1)
# Tokens of people live in a page's memory: a short one for requests, and one for a working day that renews it.
PERSON_TOKEN_LIFE, PERSON_REFRESH_LIFE = Duration.minutes(15), Duration.hours(8)
PASSWORD = cognito.PasswordPolicy(
    min_length=16, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
)


class UserPool(Construct):
    """The pool, its scopes, its token endpoint, and one app client per partner."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.pool = self._pool(stage)
        # Written out: not every implementation of CloudFormation has the attribute ProviderURL.
        self.issuer = f"https://cognito-idp.{Aws.REGION}.{Aws.URL_SUFFIX}/{self.pool.user_pool_id}"
        self._scopes = self._resource_servers()
        self.client_ids = {name: self._client(name, scopes_of(partner)) for name, partner in stage.partners.items()}
        # The prefix is unique among all AWS accounts of a region.
        prefix = f"{SERVICE}-{stage.name}-{Aws.ACCOUNT_ID}"
        domain = self.pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=prefix))
        self._base_url = domain.base_url()
        self.token_url = f"{self._base_url}{TOKEN_PATH}"
        output(self, "UserPoolId", self.pool.user_pool_id)
        output(self, "TokenUrl", self.token_url)

    def console_sign_in(self, stage: Stage, urls: Sequence[str]) -> SignIn:
        """Make the public client by which people sign in to the console at `urls`, and the groups of its partners.

        Nobody can sign up, so whoever creates a person and puts it into a group decides for whom it acts. The client
        may request whatever any of its people may; what of it is not granted to the others, the API ignores.
        """
        scopes = scopes_of_people(stage)
        for name, partner in stage.partners.items():
            for group in partner.console_groups:
                self.pool.add_group(f"Group{group}", group_name=group, description=f"People of partner {name}")
        client = self.pool.add_client(
            "ConsoleClient",
            user_pool_client_name="console",
            generate_secret=False,
            access_token_validity=PERSON_TOKEN_LIFE,
            id_token_validity=PERSON_TOKEN_LIFE,
            refresh_token_validity=PERSON_REFRESH_LIFE,
            enable_token_revocation=True,
            prevent_user_existence_errors=True,
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[self._scopes[one] for one in scopes],
                callback_urls=list(urls),
                logout_urls=list(urls),
            ),
        )
        output(self, "ConsoleClientId", client.user_pool_client_id)
        # The local stage has one origin for everything; a domain of your own is named by its token endpoint, too.
        token_url = stage.token_url or self.token_url
        base = token_url.removesuffix(TOKEN_PATH) if token_url.endswith(TOKEN_PATH) else self._base_url
        return SignIn(
            client_id=client.user_pool_client_id,
            authorize_url=f"{base}/oauth2/authorize",
            token_url=token_url,
            logout_url=f"{base}/logout",
            scopes=scopes,
            groups_claim=GROUPS_OF_COGNITO,
        )

    def _pool(self, stage: Stage) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            password_policy=PASSWORD,
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            **_second_factor(stage),
            deletion_protection=stage.retain,
            removal_policy=removal_policy(stage, deletion_protected=True),
        )
        if not _wants_second_factor(stage):
            acknowledge(pool, "COG2", "nobody signs in here, or this stage's people need no second factor")
        acknowledge(pool, "COG8", "threat protection needs the plan Plus; the few people have passwords and a factor")
        return pool

    def _resource_servers(self) -> dict[str, cognito.OAuthScope]:
        """Make the resource servers that the scopes begin with; return the scopes by name."""
        made: dict[str, cognito.OAuthScope] = {}
        for server_name in dict.fromkeys(name.partition("/")[0] for name in SCOPES):
            own = {
                name: cognito.ResourceServerScope(scope_name=name.partition("/")[2], scope_description=description)
                for name, description in SCOPES.items()
                if name.startswith(f"{server_name}/")
            }
            server = self.pool.add_resource_server(
                pascal_case(server_name), identifier=server_name, scopes=list(own.values())
            )
            made |= {name: cognito.OAuthScope.resource_server(server, scope) for name, scope in own.items()}
        return made

    def _client(self, partner: str, names: Sequence[str]) -> str:
        name = pascal_case(partner)
        client = self.pool.add_client(
            f"Client{name}",
            user_pool_client_name=partner,
            generate_secret=True,
            access_token_validity=TOKEN_LIFE,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True), scopes=[self._scopes[one] for one in names]
            ),
        )
        output(self, f"ClientId{name}", client.user_pool_client_id)
        return client.user_pool_client_id


def scopes_of(partner: Partner) -> tuple[str, ...]:
    """Return the scopes that a partner's client may request."""
    erase = [PROFILES_ERASE] if partner.erase or partner.admin else []
    return (*PARTNER_SCOPES, *erase, *([ADMIN] if partner.admin else []))


def scopes_of_people(stage: Stage) -> tuple[str, ...]:
    """Return the scopes that the console requests: all that any of its people may have; the API ignores the others'."""
    people = [scopes_of(partner) for partner in stage.partners.values() if partner.console_groups]
    return tuple(dict.fromkeys((*PARTNER_SCOPES, *(scope for scopes in people for scope in scopes))))


def _wants_second_factor(stage: Stage) -> bool:
    return stage.has_people and stage.console_mfa


def _second_factor(stage: Stage) -> dict[str, Any]:
    """Return the properties that make people sign in with a one-time password of an app, too; never one by SMS."""
    if not _wants_second_factor(stage):
        return {}
    return {"mfa": cognito.Mfa.REQUIRED, "mfa_second_factor": cognito.MfaSecondFactor(otp=True, sms=False)}
