"""What an operator puts into a fresh stack: MoEngage's credentials, and the grants of the demonstration partner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.local.stage.clients import Clients
from infra.local.stage.deployment import Outputs
from infra.stage_settings.stage import SERVICE

GRANTS_PARAMETER = f"/{SERVICE}/local/partners"
PARTNER = "ClientIdDemo"  # the output that names the partner's app client
GRANTS = {"name": "demo", "workspaces": ["default"]}


def put_secrets_and_grants(clients: Clients, outputs: Outputs, credentials: Mapping[str, str]) -> None:
    """Put the secret's value and, if the stack has none for the partner, its grants."""
    clients.secretsmanager.put_secret_value(
        SecretId=outputs["SecretDefaultId"], SecretString=json.dumps(dict(credentials))
    )
    grants = _grants(clients)
    if outputs[PARTNER] not in grants:
        grants[outputs[PARTNER]] = GRANTS
        clients.ssm.put_parameter(Name=GRANTS_PARAMETER, Value=json.dumps(grants), Type="String", Overwrite=True)


def _grants(clients: Clients) -> dict[str, Any]:
    try:
        text = clients.ssm.get_parameter(Name=GRANTS_PARAMETER)["Parameter"]["Value"]
    except clients.ssm.exceptions.ParameterNotFound:
        return {}
    grants: dict[str, Any] = json.loads(text)
    return grants
