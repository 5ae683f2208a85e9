"""The app client of a partner in a stage's user pool, and what it sends to the token endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

SCOPES = "profiles/read lookups/write schedules/write"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client that gets tokens by client credentials (RFC 6749, section 4.4), for `scopes`."""

    client_id: str
    client_secret: str = field(repr=False)
    scopes: str = SCOPES

    @classmethod
    def read(
        cls, cognito: CognitoIdentityProviderClient, user_pool_id: str, client_id: str, scopes: str = SCOPES
    ) -> AppClient:
        """Read the client's secret as its owner would."""
        found = cognito.describe_user_pool_client(UserPoolId=user_pool_id, ClientId=client_id)
        return cls(client_id, found["UserPoolClient"]["ClientSecret"], scopes)

    @property
    def token_request(self) -> dict[str, str]:
        """Return the form that the token endpoint wants."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scopes,
        }

    @property
    def token_body(self) -> bytes:
        """Return the form as it is sent, with the headers `FORM`."""
        return urlencode(self.token_request).encode()
