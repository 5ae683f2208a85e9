"""One secret per workspace. The template holds no value: an operator puts it, as the stack's outputs ask."""

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
