"""How long functions run: what they wait for, and what they compute with the processor that their memory buys."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lookup.wiring.clients import WRITERS
from tests.benchmarks.cost.workers import LATENCY

# Seconds of a request within a region: assumed, medians that AWS users report. Not measured here.
ROUND_TRIPS: Mapping[tuple[str, str], float] = {
    ("dynamodb", "GetItem"): 0.006,
    ("dynamodb", "PutItem"): 0.008 / WRITERS,  # profiles are written by so many at once
    ("dynamodb", "UpdateItem"): 0.008,
    ("dynamodb", "BatchGetItem"): 0.010,
    ("dynamodb", "Query"): 0.010,
    ("dynamodb", "TransactWriteItems"): 0.020,
    ("s3", "PutObject"): 0.040,
    ("s3", "GetObject"): 0.030,
    ("sqs", "SendMessage"): 0.012,
    ("sqs", "SendMessageBatch"): 0.015,
    ("events", "PutEvents"): 0.020,
    ("secretsmanager", "DescribeSecret"): 0.020,
    ("secretsmanager", "GetSecretValue"): 0.020,
    ("ssm", "GetParameter"): 0.020,
    ("sqs", "ReceiveMessage"): 0.0,  # by the event source, outside of the function
    ("sqs", "DeleteMessage"): 0.0,
}
FULL_PROCESSOR_MB = 1769  # memory that buys one processor (Lambda, "Configure function memory")
SLOWNESS = 2.0  # a Lambda processor is taken to need twice as long as the one that measured
MB_PER_GB = 1024
VENDOR_CALL = LATENCY


def waiting(requests: Mapping[tuple[str, str], float]) -> float:
    """Seconds for the answers of AWS."""
    return sum(ROUND_TRIPS[request] * number for request, number in requests.items())


def computing(cpu: float, memory_mb: int) -> float:
    """Seconds for so many seconds of processor, with the share of one that the memory buys."""
    return cpu * SLOWNESS * max(1.0, FULL_PROCESSOR_MB / memory_mb)


def billed(seconds: float, memory_mb: int) -> float:
    """GB-seconds, by the millisecond."""
    return math.ceil(seconds * 1000) / 1000 * memory_mb / MB_PER_GB
