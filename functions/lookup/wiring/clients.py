"""What every collaborator of a function instance shares: its settings, its clock and its clients, each made once."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import boto3
import urllib3
from botocore.config import Config

from lookup.aws.signed_urls import seconds_left
from lookup.model import Clock
from lookup.settings import Settings
from lookup.telemetry import metrics

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

WRITERS = 8  # profiles written at once
CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=WRITERS + 2,
)
# Presigned URLs need both: without the second they name S3's global address, which redirects while a bucket is new, and
# for ever in regions opened since 2019; the signature holds for one address only.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
clock: Clock = time.time


@cache
def settings() -> Settings:
    """Read the settings once; metrics tell the stage from then on, for two stages may share an account."""
    read = Settings.from_environment()
    metrics.set_default_dimensions(stage=read.stage)
    return read


@cache
def session() -> boto3.Session:
    """Share one session."""
    return boto3.Session()


@cache
def dynamodb() -> DynamoDBClient:
    """Share one client of DynamoDB."""
    return session().client("dynamodb", config=CONFIG)


@cache
def s3() -> S3Client:
    """Share one client of S3."""
    return session().client("s3", config=S3_CONFIG)


def url_seconds() -> int:
    """Return for how many seconds a URL that is signed now may be promised."""
    return seconds_left(session().get_credentials())


@cache
def pool() -> urllib3.PoolManager:
    """Share connections to MoEngage; certificates are verified, which is urllib3's default."""
    return urllib3.PoolManager(maxsize=4)
