"""The MoEngage credentials of a workspace, from Secrets Manager: cached, and read again after a 401."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lookup import exact_json
from lookup.aws.errors import error_name, is_transient
from lookup.aws.secrets import read_secret
from lookup.errors import Misconfigured
from lookup.moengage.credentials import Credentials, DataCenter
from lookup.settings import Settings
from lookup.telemetry import Metric, count, logger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_FIELDS = ("workspace_id", "data_api_key", "data_center")


class CredentialStore:
    """Reads and caches secrets `{"workspace_id", "data_api_key", "data_center"}`, one per workspace."""

    def __init__(self, client: SecretsManagerClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._cached: dict[str, Credentials] = {}

    def of(self, workspace: str) -> Credentials:
        """Return the workspace's credentials.

        Raises `Misconfigured` when the secret is missing or malformed, `AwsUnavailable` when it cannot be read now.
        """
        if workspace not in self._cached:
            self._cached[workspace] = self._read(workspace)
        return self._cached[workspace]

    def refresh(self, workspace: str, rejected: Credentials) -> bool:
        """Read the secret again, unless it was since. Return whether it differs from the rejected credentials."""
        if self._cached.get(workspace) == rejected:
            self._cached[workspace] = self._read(workspace)
        return self._cached.get(workspace) != rejected

    def current_version(self, workspace: str) -> str | None:
        """Return the id of the secret's current version, without reading its value; None when there is none."""
        secret_id = self._settings.workspace(workspace).secret_id
        stages = self._client.describe_secret(SecretId=secret_id).get("VersionIdsToStages", {})
        return next((version for version, labels in stages.items() if "AWSCURRENT" in labels), None)

    def has_value(self, workspace: str) -> bool:
        """Return whether the secret exists and has a value; True when Secrets Manager is unavailable."""
        try:
            return self.current_version(workspace) is not None
        except (BotoCoreError, ClientError) as error:
            logger.warning("secret not found", workspace=workspace, error=error_name(error))
            return is_transient(error)  # unavailability says nothing of the secret

    def _read(self, workspace: str) -> Credentials:
        setting = f"secret of workspace {workspace}"
        secret_id = self._settings.workspace(workspace).secret_id
        try:
            return parse_secret(read_secret(self._client, secret_id, setting=setting), setting=setting)
        except Misconfigured as error:
            count(Metric.SECRETS_UNREADABLE)
            logger.error("secret unreadable", workspace=workspace, reason=str(error), runbook="Key rotated")
            raise


def parse_secret(text: str, *, setting: str) -> Credentials:
    """Parse a secret's JSON. Raises `Misconfigured` naming the field, without a value."""
    try:
        secret = exact_json.loads(text)
    except ValueError:
        raise Misconfigured(setting, "is not JSON") from None
    if not isinstance(secret, dict):
        raise Misconfigured(setting, "is not a JSON object")
    values = {key: secret.get(key) for key in SECRET_FIELDS}
    for key, value in values.items():
        if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
            raise Misconfigured(setting, f"{key} must be a text of printable ASCII characters, with no line break")
    if values["data_center"] not in set(DataCenter):
        raise Misconfigured(setting, f"data_center must be one of {', '.join(DataCenter)}")
    return Credentials(
        workspace_id=str(values["workspace_id"]),
        data_api_key=str(values["data_api_key"]),
        data_center=DataCenter(str(values["data_center"])),
    )
