"""The one stack: what it is made of, and who may do what with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.access.partners import parameter_name, read_grants
from infra.constructs.access.secrets import Credentials, WebhookSecrets
from infra.constructs.answers_queue import AnswersQueue
from infra.constructs.athena import AthenaTable
from infra.constructs.event_bus import EventBus
from infra.constructs.functions.function import Release
from infra.constructs.functions.on_conversion import ConversionQueue, OnConversion
from infra.constructs.functions.on_erasure import ErasureQueue, OnErasure
from infra.constructs.functions.on_queue import OnQueue, Queues
from infra.constructs.functions.on_request import OnRequest
from infra.constructs.functions.on_results import OnResults, ResultsQueue
from infra.constructs.functions.on_schedule import OnSchedule
from infra.constructs.functions.on_webhook import OnWebhook, WebhookQueue
from infra.constructs.iam import CONSUME_MESSAGES, COUNT_MESSAGES, SEND_MESSAGES, Grant
from infra.constructs.network import FixedEgress
from infra.constructs.outputs import output
from infra.constructs.storage import Storage
from infra.monitoring.metrics import Watched
from infra.monitoring.monitoring import Monitoring
from infra.stage_settings.stage import SERVICE, Stage
from lookup.api.console.parameter import WatchedQueue
from lookup.settings import Settings

NOT_CODE = ["**/__pycache__", "**/*.pyc", "**/.*"]


class LookupStack(cdk.Stack):
    """One stage of the service; `code` is the functions' folder or the built zip.

    `results_code` is that of the one function that needs more libraries; without it that function has the same.
    """

    def __init__(self, scope: Construct, *, stage: Stage, code: Path, results_code: Path | None = None) -> None:
        super().__init__(
            scope,
            f"{SERVICE}-{stage.name}",
            description=f"Lookups of MoEngage user profiles, stage {stage.name}",
            termination_protection=stage.retain,
            tags={**stage.tags, "service": SERVICE, "stage": stage.name},
        )
        self._storage = Storage(self, "Storage", stage=stage)
        self._credentials = Credentials(self, "Credentials", stage=stage)
        self._webhook_secrets = WebhookSecrets(self, "WebhookSecrets", stage=stage)
        self._queues = Queues(self, "Queues")
        self._answers = AnswersQueue(self, "Answers")
        self._conversions = ConversionQueue(self, "Conversions")
        self._notices = EventBus(self, "Notices", stage=stage)
        self._results = ResultsQueue(self, "Results", notices=self._notices)
        self._webhooks = WebhookQueue(self, "Webhooks", stage=stage, notices=self._notices)
        self._erasures = ErasureQueue(self, "Erasures", stage=stage)
        self._egress = FixedEgress(self, "Egress", stage=stage) if stage.fixed_egress else None
        packed = lambda_.Code.from_asset(str(code), exclude=NOT_CODE)
        release = Release(stage=stage, code=packed, settings=self._settings(stage))
        self._on_queue = self._queue_function(release)
        self._on_conversion = self._conversion_function(release)
        self._on_results = self._results_function(release, results_code)
        self._on_webhook = self._webhook_function(release)
        self._on_erasure = self._erasure_function(release, results_code)
        self._schedules = self._schedule_function(release)
        self._on_request = self._request_function(release)
        AthenaTable(self, "Query", stage=stage, bucket=self._storage.bucket)
        Monitoring(self, "Monitoring", stage=stage, watched=self._watched())
        self._outputs()

    def _pipeline(self) -> list[Grant]:
        """Return the grants of every function that calls MoEngage."""
        return [*self._storage.pipeline_grants(), *self._credentials.grants()]

    def _feed(self) -> list[Grant]:
        """Return what every function that feeds and ends lookups does."""
        return [*self._storage.feed_grants(), *self._queues.feed_grants(), *self._notices.grants()]

    def _queue_function(self, release: Release) -> OnQueue:
        grants = [*self._pipeline(), *self._feed(), *self._storage.serve_grants(), *self._erasures.key_grants()]
        settings = self._answers.extend_settings(self._erasures.key_settings(release.settings))
        extended = replace(release, settings=settings)
        return OnQueue(
            self,
            "OnQueue",
            release=extended,
            queues=self._queues,
            answers=self._answers,
            grants=grants,
            egress=self._egress,
        )

    def _conversion_function(self, release: Release) -> OnConversion:
        grants = [*self._storage.convert_grants(), *self._notices.grants(), *read_grants(self, release.stage)]
        extended = replace(release, settings=self._conversions.extend_settings(release.settings))
        return OnConversion(self, "OnConversion", release=extended, queue=self._conversions, grants=grants)

    def _results_function(self, release: Release, code: Path | None) -> OnResults:
        grants = [*self._storage.collect_grants(), *self._notices.grants()]
        own = lambda_.Code.from_asset(str(code), exclude=NOT_CODE) if code else release.code
        extended = replace(release, code=own, settings=self._results.extend_settings(release.settings))
        return OnResults(self, "OnResults", release=extended, queue=self._results, grants=grants)

    def _webhook_function(self, release: Release) -> OnWebhook:
        secrets, partners = self._webhook_secrets.grants(), read_grants(self, release.stage)
        grants = [*self._storage.webhook_grants(), *secrets, *partners]
        extended = replace(release, settings=self._webhooks.extend_settings(release.settings))
        return OnWebhook(self, "OnWebhook", release=extended, queue=self._webhooks, grants=grants, egress=self._egress)

    def _erasure_function(self, release: Release, code: Path | None) -> OnErasure:
        own = lambda_.Code.from_asset(str(code), exclude=NOT_CODE) if code else release.code
        extended = replace(release, code=own, settings=self._erasures.serve_settings(release.settings))
        grants = self._storage.erase_grants()
        return OnErasure(self, "OnErasure", release=extended, queue=self._erasures, grants=grants)

    def _schedule_function(self, release: Release) -> OnSchedule:
        watch, ask = self._credentials.watch_grants(), self._conversions.ask_grants()
        expire = self._storage.expire_grants()
        grants = [*self._feed(), *ask, *self._results.ask_grants(), *watch, *expire, *read_grants(self, release.stage)]
        extended = replace(release, settings=self._results.extend_asking(release.settings))
        return OnSchedule(self, "OnSchedule", release=extended, grants=grants)

    def _request_function(self, release: Release) -> OnRequest:
        settings = self._erasures.ask_settings(self._schedules.extend_settings(release.settings))
        extended = replace(release, settings=self._answers.extend_settings(settings))
        ask = [*self._conversions.ask_grants(), *self._erasures.ask_grants(), *self._answers.send_grants()]
        submit = [*self._storage.partner_grants(), *ask]
        grants = [*self._pipeline(), *self._feed(), *submit, *self._schedules.keep_grants(), *self._operator_grants()]
        queues = {name: _watched(letters, self._redriven().get(name)) for name, letters in self._dead_letters().items()}
        made = OnRequest(
            self,
            "OnRequest",
            release=extended,
            grants=grants,
            queues=queues,
            webhook_secrets=self._webhook_secrets.arns,
            egress=self._egress,
        )
        self._storage.allow_uploads_from(made.origins)
        return made

    def _dead_letters(self) -> dict[str, sqs.IQueue]:
        return {
            "intake": self._queues.intake_dead_letters,
            "parts": self._queues.parts_dead_letters,
            "answers": self._answers.dead_letters,
            "conversions": self._conversions.dead_letters,
            "results": self._results.dead_letters,
            "webhooks": self._webhooks.dead_letters,
            "erasures": self._erasures.dead_letters,
            "failed-firings": self._schedules.dead_letters,
            "undelivered-events": self._notices.dead_letters,
        }

    def _redriven(self) -> dict[str, sqs.IQueue]:
        """Return the queues that dead letters are sent back to."""
        return {
            "intake": self._queues.intake,
            "parts": self._queues.parts,
            "answers": self._answers.queue,
            "conversions": self._conversions.queue,
            "results": self._results.queue,
            "erasures": self._erasures.queue,
        }

    def _operator_grants(self) -> list[Grant]:
        """Return what operators may do through the API: count dead letters, and send back those of some queues."""
        letters, queues = self._dead_letters(), self._redriven()
        counted = [queue.queue_arn for name, queue in letters.items() if name not in queues]
        return [
            Grant("DeadLetters", CONSUME_MESSAGES, [letters[name].queue_arn for name in queues]),
            Grant("CountDeadLetters", COUNT_MESSAGES, counted),
            Grant("Redrive", SEND_MESSAGES, [queues[name].queue_arn for name in ("intake", "results")]),
        ]

    def _watched(self) -> Watched:
        return Watched(
            functions={
                "on_request": self._on_request.function,
                "on_queue": self._on_queue.function,
                "on_schedule": self._schedules.function,
                "on_conversion": self._on_conversion.function,
                "on_results": self._on_results.function,
                "on_webhook": self._on_webhook.function,
                "on_erasure": self._on_erasure.function,
            },
            queues={
                "intake": self._queues.intake,
                "parts": self._queues.parts,
                "answers": self._answers.queue,
                "conversions": self._conversions.queue,
                "results": self._results.queue,
                "erasures": self._erasures.queue,
            },
            dead_letters=self._dead_letters(),
            tables={"profiles": self._storage.profiles, "ledger": self._storage.ledger},
        )

    def _outputs(self) -> None:
        output(self, "BucketName", self._storage.bucket.bucket_name)
        output(self, "AccessLogsBucketName", self._storage.access_logs.bucket_name)
        output(self, "ProfilesTableName", self._storage.profiles.table_name)
        output(self, "LedgerTableName", self._storage.ledger.table_name)

    def _settings(self, stage: Stage) -> Settings:
        return Settings(
            stage=stage.name,
            bucket_name=self._storage.bucket.bucket_name,
            profiles_table_name=self._storage.profiles.table_name,
            ledger_table_name=self._storage.ledger.table_name,
            intake_queue_url=self._queues.intake.queue_url,
            parts_queue_url=self._queues.parts.queue_url,
            intake_dead_letter_queue_url=self._queues.intake_dead_letters.queue_url,
            parts_dead_letter_queue_url=self._queues.parts_dead_letters.queue_url,
            conversion_queue_url=self._conversions.queue.queue_url,
            event_bus_name=self._notices.bus_name,
            partners_parameter_name=parameter_name(stage),
            workspaces={name: known.settings(self._credentials.arns[name]) for name, known in stage.workspaces.items()},
            moengage_endpoint_url=stage.moengage_endpoint_url,
            profile_retention_days=stage.profile_retention_days,
            waiting_requests=stage.waiting_requests,
            not_found_retention_days=stage.not_found_retention_days,
            roster_megabytes=stage.roster_megabytes,
            unpacked_roster_megabytes=stage.unpacked_roster_megabytes,
            lookups_per_partner=stage.lookups_per_partner,
            schedules_per_partner=stage.schedules_per_partner,
            uploads_per_partner=stage.uploads_per_partner,
        )


def _watched(dead_letters: sqs.IQueue, queue: sqs.IQueue | None) -> WatchedQueue:
    return WatchedQueue(dead_letters.queue_url, None if queue is None else queue.queue_url)
