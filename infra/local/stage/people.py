"""The people who can sign in to a local stage's console, made as an operator makes them."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.stage.clients import Clients
from infra.local.stage.deployment import Outputs

PASSWORD = "Demo-Password-12"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the pool, and the group that says for which partner it acts."""

    name: str
    group: str


DEMO, OPERATOR = Person("demo", "demo"), Person("operator", "operators")


def put_people(clients: Clients, outputs: Outputs, console_url: str) -> None:
    """Create the people, and let them return to the address that the console has on this machine."""
    pool, client = outputs["UserPoolId"], outputs["ConsoleClientId"]
    kept = clients.cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
    clients.cognito.update_user_pool_client(
        UserPoolId=pool,
        ClientId=client,
        CallbackURLs=[*kept["CallbackURLs"], console_url],
        LogoutURLs=[*kept["LogoutURLs"], console_url],
        # What an update does not name, Cognito sets back to its default.
        AllowedOAuthFlows=kept["AllowedOAuthFlows"],
        AllowedOAuthScopes=kept["AllowedOAuthScopes"],
        AllowedOAuthFlowsUserPoolClient=True,
        AccessTokenValidity=kept["AccessTokenValidity"],
        RefreshTokenValidity=kept["RefreshTokenValidity"],
        TokenValidityUnits=kept["TokenValidityUnits"],
        SupportedIdentityProviders=kept["SupportedIdentityProviders"],
    )
    for person in (DEMO, OPERATOR):
        clients.cognito.admin_create_user(
            UserPoolId=pool, Username=person.name, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
        )
        clients.cognito.admin_set_user_password(
            UserPoolId=pool, Username=person.name, Password=PASSWORD, Permanent=True
        )
        clients.cognito.admin_add_user_to_group(UserPoolId=pool, Username=person.name, GroupName=person.group)
