"""The collaborators that more than one kind of handler needs, each made once per function instance, when first used."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from lookup.aws.lambda_lifecycle import Shutdown
from lookup.aws.session import AwsSession, ClientSession
from lookup.errors import RetryLater
from lookup.fetch.authorization import Authorization
from lookup.gate import metrics as gate_metrics
from lookup.gate.limiter import WorkspaceGates, gate_client
from lookup.ledger.collecting.hour_marks import HourMarks
from lookup.ledger.table import LedgerTable
from lookup.ledger.usage.daily_usage import DailyUsageCounter
from lookup.model import Clock, Sleep
from lookup.moengage.credential_store import CredentialStore
from lookup.partners import Partners
from lookup.settings import Settings
from lookup.telemetry import metrics
from lookup.wiring.clients import CONFIG, S3_CONFIG, lazy

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


class Services:
    """What every handler shares. A subclass adds what one handler needs, a test replaces members by its own.

    `sleep` is the uninterrupted one; who waits for quota or the vendor takes `shutdown.sleep`.
    """

    def __init__(self, settings: Settings, clock: Clock, sleep: Sleep) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self.shutdown = Shutdown(clock, sleep)
        self.dynamodb: DynamoDBClient = self._client("dynamodb")
        self.gate_dynamodb: DynamoDBClient = lazy(lambda: gate_client(self.session))
        self.s3: S3Client = self._client("s3", S3_CONFIG)
        self.sqs: SQSClient = self._client("sqs")
        self.eventbridge: EventBridgeClient = self._client("events")
        self.secretsmanager: SecretsManagerClient = self._client("secretsmanager")
        self.ssm: SSMClient = self._client("ssm")
        self.scheduler: EventBridgeSchedulerClient = self._client("scheduler")

    def _client(self, service: Any, config: Config = CONFIG) -> Any:  # noqa: ANN401 - each service has a type of its own
        return lazy(lambda: self.session.client(service, config=config))

    @classmethod
    def from_environment(cls) -> Self:
        """Return the services of this function instance. Raises `Misconfigured`.

        Metrics name the stage from then on, for two stages may share an account.
        """
        settings = Settings.from_environment()
        metrics.set_default_dimensions(stage=settings.stage)
        return cls(settings, time.time, time.sleep)

    @cached_property
    def session(self) -> ClientSession:
        return AwsSession()

    @cached_property
    def credentials(self) -> CredentialStore:
        return CredentialStore(self.secretsmanager, self.settings)

    @cached_property
    def gates(self) -> WorkspaceGates:
        return WorkspaceGates(
            self.gate_dynamodb,
            self.settings.ledger_table_name,
            self.settings.workspaces,
            self.clock,
            self.shutdown.sleep,
            observe=gate_metrics.publish,
        )

    def is_shut(self, workspace: str) -> bool:
        """Return whether feeding makes no sense now: a gate that does not answer admits nobody."""
        try:
            return self.gates.of(workspace).state().is_blocked(self.clock())
        except RetryLater:
            return True

    @cached_property
    def table(self) -> LedgerTable:
        return LedgerTable(self.dynamodb, self.settings.ledger_table_name, clock=self.clock, sleep=self.sleep)

    @cached_property
    def hour_marks(self) -> HourMarks:
        return HourMarks(self.table)

    @cached_property
    def partners(self) -> Partners:
        return Partners(self.ssm, self.settings.partners_parameter_name, self.clock)

    @cached_property
    def daily(self) -> DailyUsageCounter:
        return DailyUsageCounter(self.table, self.clock)

    @cached_property
    def authorization(self) -> Authorization:
        return Authorization(self.settings, self.daily, self.clock)
