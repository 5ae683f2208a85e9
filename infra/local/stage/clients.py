"""The clients of the embedded AWS: plain boto3, so that what they see is what anybody's tools would see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config

from infra.local.ministack.process import EmbeddedAws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

SENDERS = 4  # threads that send to SQS at once
CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=SENDERS * 2,
    proxies={},  # the server is on this machine
)


@dataclass(frozen=True, slots=True)
class Clients:
    """One client of each service, all of one server."""

    cloudformation: CloudFormationClient
    cognito: CognitoIdentityProviderClient
    dynamodb: DynamoDBClient
    s3: S3Client
    scheduler: EventBridgeSchedulerClient
    secretsmanager: SecretsManagerClient
    sqs: SQSClient
    ssm: SSMClient

    @classmethod
    def of(cls, server: EmbeddedAws) -> Clients:
        """Make the clients of this server alone, whatever the user's environment says."""
        session, url = server.session(), server.endpoint_url
        return cls(
            cloudformation=session.client("cloudformation", endpoint_url=url, config=CONFIG),
            cognito=session.client("cognito-idp", endpoint_url=url, config=CONFIG),
            dynamodb=session.client("dynamodb", endpoint_url=url, config=CONFIG),
            s3=session.client("s3", endpoint_url=url, config=CONFIG.merge(Config(s3={"addressing_style": "path"}))),
            scheduler=session.client("scheduler", endpoint_url=url, config=CONFIG),
            secretsmanager=session.client("secretsmanager", endpoint_url=url, config=CONFIG),
            sqs=session.client("sqs", endpoint_url=url, config=CONFIG),
            ssm=session.client("ssm", endpoint_url=url, config=CONFIG),
        )
