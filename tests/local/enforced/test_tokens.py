"""Tokens that the gateway's authoriser must not let through; each response is the documented one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from infra.app_client import AppClient
from infra.local.api_client import partner_of
from tests.local.enforced.conftest import Enforced
from tests.openapi.document import parsed
from tests.waiting import until

HTTP = urllib3.PoolManager(retries=False)
FLOW: dict[str, Any] = {"AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthFlowsUserPoolClient": True}
READ = "profiles/read"


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    answers: dict[str, Any] = parsed()["paths"]["/v1/quota"]["get"]["responses"]
    return answers


def token_of(enforced: Enforced, partner: AppClient, scope: str = READ) -> str:
    form = partner.token_request | {"scope": scope}
    answer = HTTP.request("POST", f"{enforced.stage.endpoint_url}/oauth2/token", fields=form, encode_multipart=False)
    return str(answer.json()["access_token"])


def quota(enforced: Enforced, token: str | None) -> tuple[int, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = HTTP.request("GET", f"{enforced.stage.api_url}/v1/quota", headers=headers)
    return answer.status, json.loads(answer.data)


def expected_of(documented: dict[str, Any], status: str) -> tuple[int, Any]:
    """Return what the document says that the gateway answers with this status."""
    return int(status), documented[status]["content"]["application/json"]["examples"]["gateway"]["value"]


def test_no_token_a_spoilt_one_and_a_strangers(enforced: Enforced, documented: dict[str, Any]) -> None:
    """Without a token, with a spoilt one and with one of a client that is no audience: 401, as documented."""
    cognito, pool_id = enforced.stage.clients.cognito, enforced.stage.outputs["UserPoolId"]
    made = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="stranger", GenerateSecret=True, AllowedOAuthScopes=[READ], **FLOW
    )["UserPoolClient"]
    stranger = token_of(enforced, AppClient(made["ClientId"], made["ClientSecret"]))
    good = token_of(enforced, partner_of(enforced.stage))
    assert quota(enforced, good)[0] == 200
    for token in (None, good[:-8] + "A" * 8, stranger):
        assert quota(enforced, token) == expected_of(documented, "401")


def test_a_token_that_is_over(enforced: Enforced, documented: dict[str, Any]) -> None:
    """A token whose time is over is a 401, as documented."""
    cognito, pool_id = enforced.stage.clients.cognito, enforced.stage.outputs["UserPoolId"]
    partner = partner_of(enforced.stage)
    scopes = ["lookups/write", READ, "schedules/write", "service/admin"]
    kept: dict[str, Any] = {"UserPoolId": pool_id, "ClientId": partner.client_id, "AllowedOAuthScopes": scopes, **FLOW}
    second: Any = {"AccessTokenValidity": 1, "TokenValidityUnits": {"AccessToken": "seconds"}}
    hour: Any = {"AccessTokenValidity": 60, "TokenValidityUnits": {"AccessToken": "minutes"}}
    cognito.update_user_pool_client(**kept, **second)
    short = token_of(enforced, partner)
    cognito.update_user_pool_client(**kept, **hour)
    until(lambda: quota(enforced, short)[0] == 401)
    assert quota(enforced, short) == expected_of(documented, "401")


def test_a_token_without_the_scope(enforced: Enforced, documented: dict[str, Any]) -> None:
    """A good token without the route's scope is a 403, as documented."""
    assert quota(enforced, token_of(enforced, partner_of(enforced.stage), "lookups/write")) == expected_of(
        documented, "403"
    )
