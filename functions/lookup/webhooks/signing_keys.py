"""The signing keys of partners' webhooks, from Secrets Manager, believed for a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookup.aws.secrets import read_secret
from lookup.model import Clock
from lookup.webhooks.signature import parse_keys

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHED_SECONDS = 60.0


class SigningKeys:
    """Reads and caches the secrets `{"current", "previous"}`, one per partner with a webhook."""

    def __init__(self, client: SecretsManagerClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._cached: dict[str, tuple[float, tuple[bytes, ...]]] = {}

    def of(self, partner: str, secret_id: str) -> tuple[bytes, ...]:
        """Return the keys to sign with.

        Raise `Misconfigured` when the secret is missing or malformed, `AwsUnavailable` when it cannot be read now.
        """
        read_at, keys = self._cached.get(secret_id, (float("-inf"), ()))
        if self._clock() - read_at >= CACHED_SECONDS:
            setting = f"webhook secret of partner {partner}"
            keys = parse_keys(read_secret(self._client, secret_id, setting=setting), setting=setting)
            self._cached[secret_id] = (self._clock(), keys)
        return keys
