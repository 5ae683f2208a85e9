"""Calls to MoEngage as metrics and logs: each kind of error has its metric and its entry in `docs/runbook.md`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.metrics import MetricUnit

from lookup.errors import (
    VendorAccessDenied,
    VendorBadRequest,
    VendorError,
    VendorPayloadTooLarge,
    VendorThrottled,
    VendorUnauthorized,
    VendorUnavailable,
    VendorWrongShape,
)
from lookup.fetch.vendor_access import CallRecord
from lookup.telemetry import Metric, count, logger, metrics

METRICS: Mapping[type[VendorError], Metric] = {
    VendorUnauthorized: Metric.KEYS_REJECTED,
    VendorAccessDenied: Metric.VENDOR_REFUSED,
    VendorBadRequest: Metric.REQUESTS_REJECTED,
    VendorThrottled: Metric.VENDOR_THROTTLED,
    VendorPayloadTooLarge: Metric.REQUESTS_REJECTED,  # of one identifier; more than one are sent again in halves
    VendorUnavailable: Metric.VENDOR_TROUBLE,
    VendorWrongShape: Metric.REQUESTS_RESHAPED,
}
# The runbook's headings, by status or else by kind. Other kinds need no action.
HEADINGS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Key rotated",
    HTTPStatus.FORBIDDEN: "Account suspended",
    HTTPStatus.CONFLICT: "Key rotated",
}
HEADINGS_OF_KINDS: Mapping[type[VendorError], str] = {
    VendorAccessDenied: "Endpoint not enabled",
    VendorBadRequest: "Errors",
    VendorThrottled: "Quota shared with somebody else",
    VendorUnavailable: "Vendor down",
}


def publish(record: CallRecord) -> None:
    """Add one call to the invocation's metrics; an error that may need an operator is logged too."""
    metrics.add_metric(Metric.VENDOR_LATENCY.value, MetricUnit.Milliseconds, record.seconds * 1000)
    if record.error is None:
        count(Metric.VENDOR_CALLS)
        return
    if record.error.may_be_content and not record.is_neutral:  # nothing is known of the account
        count(Metric.REQUESTS_RESHAPED if record.users > 1 else Metric.REQUESTS_REJECTED)
        logger.info(
            "content doubted", workspace=record.workspace, reason=record.error.reason, status=record.error.status
        )
        return
    count(metric_of(record.error, record.users))
    heading = heading_of(record.error)
    if heading is not None:
        logger.warning(
            "call failed",
            workspace=record.workspace,
            reason=record.error.reason,
            status=record.error.status,
            vendor_request_id=record.error.request_id,
            runbook=heading,
        )


def metric_of(error: VendorError, users: int) -> Metric:
    """Return the metric of an error of a call for so many users."""
    if isinstance(error, VendorPayloadTooLarge) and users > 1:
        return Metric.REQUESTS_RESHAPED
    return METRICS[type(error)]


def heading_of(error: VendorError) -> str | None:
    """Return the runbook's heading for an error; None when no action is needed."""
    return HEADINGS.get(error.status or 0) or HEADINGS_OF_KINDS.get(type(error))
