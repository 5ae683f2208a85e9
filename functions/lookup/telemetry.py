"""The one logger and the one set of metrics. Identifiers, attributes, secrets and bodies never appear."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from lookup.model import Counts

SERVICE = "moengage-lookup"
NAMESPACE = "MoEngageLookup"

logger = Logger(service=SERVICE)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


class Metric(StrEnum):
    """Every metric this service publishes."""

    DELIVERIES = "Deliveries"
    FIRINGS = "Firings"
    DEFECTS = "Defects"
    AWS_TROUBLE = "AwsTrouble"
    FIRINGS_REFUSED = "FiringsRefused"
    USERS_FOUND = "UsersFound"
    USERS_NOT_FOUND = "UsersNotFound"
    USERS_INVALID = "UsersInvalid"
    USERS_FAILED = "UsersFailed"
    USERS_UNMATCHED = "UsersUnmatched"
    PARTS_COMPLETED = "PartsCompleted"
    PARTS_HELD_BACK = "PartsHeldBack"
    MESSAGES_LAID_ASIDE = "MessagesLaidAside"
    ROSTERS_CONVERTED = "RostersConverted"
    ROSTERS_REFUSED = "RostersRefused"
    RESULTS_COLLECTED = "ResultsCollected"
    RESULTS_FAILED = "ResultsFailed"
    WEBHOOKS_DELIVERED = "WebhooksDelivered"
    WEBHOOKS_FAILED = "WebhooksFailed"
    ERASURES_COMPLETED = "ErasuresCompleted"
    USERS_GRANTED_ON_DEMAND = "UsersGrantedOnDemand"
    USERS_GRANTED_BULK = "UsersGrantedBulk"
    USERS_GRANTED_UNUSED = "UsersGrantedUnused"
    GATE_REQUESTS = "GateRequests"
    GATE_WAIT_ON_DEMAND = "GateWaitOnDemand"
    GATE_WAIT_BULK = "GateWaitBulk"
    GATE_REFUSALS_QUOTA = "GateRefusalsQuota"
    GATE_REFUSALS_CONTENTION = "GateRefusalsContention"
    GATE_REFUSALS_UNANSWERED = "GateRefusalsUnanswered"
    GATE_REFUSALS_LATE = "GateRefusalsLate"
    GATE_REFUSALS_CLOCK = "GateRefusalsClock"
    GATE_REFUSALS_CLOSED = "GateRefusalsClosed"
    GATE_CLOSED = "GateClosed"
    GATE_REPORTS_LOST = "GateReportsLost"
    VENDOR_CALLS = "VendorCalls"
    VENDOR_LATENCY = "VendorLatency"
    VENDOR_TROUBLE = "VendorTrouble"
    VENDOR_REFUSED = "VendorRefused"
    VENDOR_THROTTLED = "VendorThrottled"
    KEYS_REJECTED = "KeysRejected"
    REQUESTS_REJECTED = "RequestsRejected"
    REQUESTS_RESHAPED = "RequestsReshaped"
    SECRETS_UNREADABLE = "SecretsUnreadable"
    BACKLOG_USERS = "BacklogUsers"
    BACKLOG_MINUTES = "BacklogMinutes"
    LOOKUPS_IN_PROGRESS = "LookupsInProgress"
    GATE_IS_CLOSED = "GateIsClosed"
    SECRETS_MISSING = "SecretsMissing"


Handler = Callable[[dict[str, Any], Any], Any]


def publishes_metrics(handler: Handler) -> Handler:
    """Return a handler whose invocations write their metrics as one log line when they end, or none without any.

    Powertools' own decorator warns of an invocation without metrics, which costs more than one with.
    """

    @wraps(handler)
    def published(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401 - Lambda's own, and the handler's answer
        try:
            return handler(event, context)
        finally:
            if metrics.provider.metric_set:
                metrics.flush_metrics()

    return published


def count(metric: Metric, value: float = 1) -> None:
    """Add to a metric."""
    metrics.add_metric(name=metric.value, unit=MetricUnit.Count, value=value)


def record_gauge(metric: Metric, value: float) -> None:
    """Record the present value of a metric."""
    metrics.add_metric(name=metric.value, unit=MetricUnit.NoUnit, value=value)


def count_outcomes(counts: Counts) -> None:
    """Add the counts of a set of outcomes, those that there are."""
    for metric, value in (
        (Metric.USERS_FOUND, counts.found),
        (Metric.USERS_NOT_FOUND, counts.not_found),
        (Metric.USERS_INVALID, counts.invalid),
        (Metric.USERS_FAILED, counts.failed),
    ):
        if value:  # each metric of an invocation is logged, and paid, by its bytes
            count(metric, value)
