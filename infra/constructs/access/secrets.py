"""One secret per workspace, whose value an operator puts, and one per partner's webhook, whose first key AWS makes.

The template holds no value of either.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.iam import DESCRIBE_SECRETS, READ_SECRETS, Grant
from infra.constructs.outputs import output
from infra.constructs.removal import removal_policy
from infra.nag import acknowledge
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import pascal_case
from lookup.webhooks.signature import CURRENT

KEY_CHARACTERS = 44  # letters and digits: 262 bits, and 33 bytes as base64
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Credentials(Construct):
    """The secrets `{workspace_id, data_api_key, data_center}`; `arns` gives each workspace's."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.arns: Mapping[str, str] = {name: self._secret(name, stage) for name in stage.workspaces}

    def grants(self) -> list[Grant]:
        """Return the grants of a function that calls MoEngage."""
        return [Grant("Credentials", READ_SECRETS, list(self.arns.values()))]

    def watch_grants(self) -> list[Grant]:
        """Return what a function that sees secrets change does here."""
        return [Grant("SecretVersions", DESCRIBE_SECRETS, list(self.arns.values()))]

    def _secret(self, workspace: str, stage: Stage) -> str:
        name = pascal_case(workspace)
        secret = secretsmanager.CfnSecret(
            self,
            f"Secret{name}",
            description=f"MoEngage workspace {workspace!r}: JSON with workspace_id, data_api_key and data_center",
        )
        acknowledge(
            secret, "SMG4", "a data API key is made and revoked by a person in MoEngage; there is no call that does it"
        )
        secret.apply_removal_policy(removal_policy(stage))
        arn = secret.attr_id  # the ARN by name; not every implementation of CloudFormation gives it for `Ref`
        output(self, f"Secret{name}Id", arn)
        return arn


class WebhookSecrets(Construct):
    """The secrets `{current, previous}` of partners' webhooks; `arns` has each such partner's.

    Secrets Manager makes the first key: letters and digits, which are the base64 of random bytes as they stand.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        called = [name for name, partner in stage.partners.items() if partner.webhook is not None]
        self.arns: Mapping[str, str] = {name: self._secret(name, stage) for name in called}

    def grants(self) -> list[Grant]:
        """Return the grants of the function that signs webhooks."""
        return [Grant("SigningKeys", READ_SECRETS, list(self.arns.values()))] if self.arns else []

    def _secret(self, partner: str, stage: Stage) -> str:
        name = pascal_case(partner)
        secret = secretsmanager.CfnSecret(
            self,
            f"Secret{name}",
            description=f"Signing keys of the webhook of partner {partner!r}: JSON with current and previous",
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template="{}",  # noqa: S106 - an object without a key yet
                generate_string_key=CURRENT,
                password_length=KEY_CHARACTERS,
                exclude_punctuation=True,
                exclude_characters=PUNCTUATION,  # the same, for implementations of CloudFormation that know only this
            ),
        )
        why = "a partner must be handed its new key: `make webhook ACTION=rotate` makes one beside the present one"
        acknowledge(secret, "SMG4", why)
        secret.apply_removal_policy(removal_policy(stage))
        output(self, f"WebhookSecret{name}Id", secret.attr_id)
        return secret.attr_id
