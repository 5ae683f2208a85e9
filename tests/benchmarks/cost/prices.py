"""The price table: public list prices of us-east-1 in dollars, as known on `AS_OF`. No free tier is taken off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

AS_OF = "2026-11"
REGION = "us-east-1"
MILLION = 1_000_000


class Item(StrEnum):
    """What AWS charges for."""

    DYNAMODB_WRITE = "DynamoDB write request units"
    DYNAMODB_READ = "DynamoDB read request units"
    RECOVERY_GB = "DynamoDB point-in-time recovery, GB and month"
    S3_PUT = "S3 PUT, COPY, POST, LIST requests"
    S3_GET = "S3 GET and other requests"
    SQS_REQUEST = "SQS requests, of 64 KB each"
    EVENT = "EventBridge custom events, of 64 KB each"
    SCHEDULE = "EventBridge Scheduler invocations"
    INVOCATION = "Lambda requests"
    GB_SECOND = "Lambda GB-seconds, arm64"
    LOG_GB = "CloudWatch Logs, GB ingested"
    HTTP_REQUEST = "API Gateway HTTP API requests, of 512 KB each"
    SECRET_READ = "Secrets Manager API calls"  # a name of the bill, not a secret
    TOKEN = "Cognito client-credentials tokens"  # the same
    APP_CLIENT = "Cognito app clients with client credentials"
    SECRET = "Secrets Manager secrets"  # the same
    METRIC = "CloudWatch custom metrics"
    ALARM = "CloudWatch alarms, per metric looked at"
    COMPOSITE_ALARM = "CloudWatch composite alarms"
    DASHBOARD = "CloudWatch dashboards"
    KEY = "KMS customer managed keys"
    NAT_HOUR = "NAT gateway hours"
    ADDRESS_HOUR = "public IPv4 address hours"
    SNAPSHOT_GB_SECOND = "Lambda SnapStart, GB-seconds cached"


@dataclass(frozen=True, slots=True)
class Price:
    """So many dollars for so many; `page` is the page of aws.amazon.com that says so."""

    dollars: float
    per: float
    page: str

    def of(self, number: float) -> float:
        """Return the dollars for a number."""
        return number * self.dollars / self.per


PRICES: Mapping[Item, Price] = {
    Item.DYNAMODB_WRITE: Price(0.625, MILLION, "dynamodb/pricing/on-demand"),
    Item.DYNAMODB_READ: Price(0.125, MILLION, "dynamodb/pricing/on-demand"),
    Item.RECOVERY_GB: Price(0.20, 1, "dynamodb/pricing/on-demand"),
    Item.S3_PUT: Price(0.005, 1000, "s3/pricing"),
    Item.S3_GET: Price(0.0004, 1000, "s3/pricing"),
    Item.SQS_REQUEST: Price(0.40, MILLION, "sqs/pricing"),
    Item.EVENT: Price(1.00, MILLION, "eventbridge/pricing"),
    Item.SCHEDULE: Price(1.00, MILLION, "eventbridge/pricing"),
    Item.INVOCATION: Price(0.20, MILLION, "lambda/pricing"),
    Item.GB_SECOND: Price(0.0000133334, 1, "lambda/pricing"),
    Item.LOG_GB: Price(0.50, 1, "cloudwatch/pricing"),
    Item.HTTP_REQUEST: Price(1.00, MILLION, "api-gateway/pricing"),
    Item.SECRET_READ: Price(0.05, 10_000, "secrets-manager/pricing"),
    Item.TOKEN: Price(2.25, 1000, "cognito/pricing"),
    Item.APP_CLIENT: Price(6.00, 1, "cognito/pricing"),
    Item.SECRET: Price(0.40, 1, "secrets-manager/pricing"),
    Item.METRIC: Price(0.30, 1, "cloudwatch/pricing"),
    Item.ALARM: Price(0.10, 1, "cloudwatch/pricing"),
    Item.COMPOSITE_ALARM: Price(0.50, 1, "cloudwatch/pricing"),
    Item.DASHBOARD: Price(3.00, 1, "cloudwatch/pricing"),
    Item.KEY: Price(1.00, 1, "kms/pricing"),
    Item.NAT_HOUR: Price(0.045, 1, "vpc/pricing"),
    Item.ADDRESS_HOUR: Price(0.005, 1, "vpc/pricing"),
    Item.SNAPSHOT_GB_SECOND: Price(0.0000015046, 1, "lambda/pricing"),
}


def total(usage: Mapping[Item, float]) -> float:
    """Return the dollars of a usage."""
    return sum(PRICES[item].of(number) for item, number in usage.items())
