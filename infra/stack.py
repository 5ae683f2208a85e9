"""The one stack: what it is made of, and who may do what with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.credentials import Credentials
from infra.egress import Egress
from infra.lookup_function import Release
from infra.measures import Watched
from infra.monitoring import Monitoring
from infra.names import output
from infra.notices import Notices
from infra.on_queue import OnQueue, Queues
from infra.on_request import OnRequest
from infra.on_schedule import OnSchedule
from infra.partners import parameter_name, read_grants
from infra.query import Query
from infra.stages import SERVICE, Stage
from infra.storage import Storage
from lookup.settings import Settings

NOT_CODE = ["**/__pycache__", "**/*.pyc", "**/.*"]


class LookupStack(cdk.Stack):
    """One stage of the service; `code` is the functions' folder or the built zip."""

    def __init__(self, scope: Construct, *, stage: Stage, code: Path) -> None:
        super().__init__(
            scope,
            f"{SERVICE}-{stage.name}",
            description=f"Lookups of MoEngage user profiles, stage {stage.name}",
            termination_protection=stage.retain,
            tags={**stage.tags, "service": SERVICE, "stage": stage.name},
        )
        storage = Storage(self, "Storage", stage=stage)
        credentials = Credentials(self, "Credentials", stage=stage)
        queues = Queues(self, "Queues")
        notices = Notices(self, "Notices", stage=stage)
        release = Release(
            stage=stage,
            code=lambda_.Code.from_asset(str(code), exclude=NOT_CODE),
            settings=_settings(stage, storage, credentials, queues, notices),
        )
        road = [*storage.road_grants(), *credentials.grants()]
        feed = [*storage.feed_grants(), *queues.feed_grants(), *notices.grants()]
        egress = Egress(self, "Egress", stage=stage) if stage.fixed_egress else None
        on_queue = OnQueue(self, "OnQueue", release=release, queues=queues, grants=[*road, *feed], egress=egress)
        schedules = OnSchedule(
            self,
            "OnSchedule",
            release=release,
            grants=[*feed, *storage.unpack_grants(), *credentials.watch_grants(), *read_grants(self, stage)],
        )
        on_request = OnRequest(
            self,
            "OnRequest",
            release=replace(release, settings=schedules.told(release.settings)),
            grants=[*road, *feed, *storage.partner_grants(), *schedules.keep_grants()],
            egress=egress,
        )
        Query(self, "Query", stage=stage, bucket=storage.bucket)
        watched = Watched(
            functions={
                "on_request": on_request.function,
                "on_queue": on_queue.function,
                "on_schedule": schedules.function,
            },
            queues={"intake": queues.intake, "parts": queues.parts},
            dead_letters={
                "intake": queues.intake_dead_letters,
                "parts": queues.parts_dead_letters,
                "failed-firings": schedules.dead_letters,
                "undelivered-events": notices.dead_letters,
            },
            tables={"profiles": storage.profiles, "ledger": storage.ledger},
        )
        Monitoring(self, "Monitoring", stage=stage, watched=watched)
        output(self, "BucketName", storage.bucket.bucket_name)
        output(self, "AccessLogsBucketName", storage.access_logs.bucket_name)
        output(self, "ProfilesTableName", storage.profiles.table_name)
        output(self, "LedgerTableName", storage.ledger.table_name)


def _settings(stage: Stage, storage: Storage, credentials: Credentials, queues: Queues, notices: Notices) -> Settings:
    return Settings(
        stage=stage.name,
        bucket_name=storage.bucket.bucket_name,
        profiles_table_name=storage.profiles.table_name,
        ledger_table_name=storage.ledger.table_name,
        intake_queue_url=queues.intake.queue_url,
        parts_queue_url=queues.parts.queue_url,
        intake_dead_letter_queue_url=queues.intake_dead_letters.queue_url,
        parts_dead_letter_queue_url=queues.parts_dead_letters.queue_url,
        event_bus_name=notices.bus_name,
        partners_parameter_name=parameter_name(stage),
        workspaces={name: known.settings(credentials.arns[name]) for name, known in stage.workspaces.items()},
        moengage_endpoint_url=stage.moengage_endpoint_url,
        profile_retention_days=stage.profile_retention_days,
        not_found_retention_days=stage.not_found_retention_days,
    )
