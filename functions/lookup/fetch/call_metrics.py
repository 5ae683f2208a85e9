"""What MoEngage answers, as metrics and logs: each kind of fault has its metric and its entry in `docs/runbook.md`."""

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
    VendorPayloadTooLarge: Metric.REQUESTS_REJECTED,  # of one identifier; more than one are asked again in halves
    VendorUnavailable: Metric.VENDOR_TROUBLE,
    VendorWrongShape: Metric.REQUESTS_RESHAPED,
}
# The runbook's headings, by status or else by kind. Of the kinds that are not here nobody has to be told.
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


def publish(heard: CallRecord) -> None:
    """Add one call to the invocation's metrics; a fault that a person may have to act on is logged too."""
    metrics.add_metric(Metric.VENDOR_LATENCY.value, MetricUnit.Milliseconds, heard.seconds * 1000)
    if heard.fault is None:
        count(Metric.VENDOR_CALLS)
        return
    if heard.fault.may_be_content and not heard.is_neutral:  # nothing is known of the account, and nobody has to act
        count(Metric.REQUESTS_RESHAPED if heard.users > 1 else Metric.REQUESTS_REJECTED)
        logger.info("content doubted", workspace=heard.workspace, reason=heard.fault.reason, status=heard.fault.status)
        return
    count(metric_of(heard.fault, heard.users))
    heading = heading_of(heard.fault)
    if heading is not None:
        logger.warning(
            "call failed",
            workspace=heard.workspace,
            reason=heard.fault.reason,
            status=heard.fault.status,
            vendor_request_id=heard.fault.request_id,
            runbook=heading,
        )


def metric_of(fault: VendorError, users: int) -> Metric:
    """Name the metric of a fault that a call of so many users met."""
    if isinstance(fault, VendorPayloadTooLarge) and users > 1:
        return Metric.REQUESTS_RESHAPED
    return METRICS[type(fault)]


def heading_of(fault: VendorError) -> str | None:
    """Name the runbook's entry about a fault; None when nobody has to act."""
    return HEADINGS.get(fault.status or 0) or HEADINGS_OF_KINDS.get(type(fault))
