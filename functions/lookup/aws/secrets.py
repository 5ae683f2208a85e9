"""Read a secret's text from Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name, is_transient
from lookup.errors import AwsUnavailable, Misconfigured
from lookup.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def read_secret(client: SecretsManagerClient, secret_id: str, *, setting: str) -> str:
    """Return a secret's present value.

    Raise `Misconfigured` naming the setting when it has none, `AwsUnavailable` when it cannot be read now.
    """
    try:
        return client.get_secret_value(SecretId=secret_id)["SecretString"]
    except KeyError:
        raise Misconfigured(setting, "cannot be read (NoSecretString)") from None
    except (BotoCoreError, ClientError) as error:
        if is_transient(error):
            logger.warning("aws unavailable", error=error_name(error), setting=setting, runbook="Errors")
            raise AwsUnavailable(f"{setting}: cannot be read now ({error_name(error)})") from None
        raise Misconfigured(setting, f"cannot be read ({error_name(error)})") from None
