"""Responses of the HTTP API when nothing failed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from lookup import exact_json
from lookup.aws.signed_urls import expires_at
from lookup.ledger.model import CompletedParts, LookupRecord, LookupState, RecordedPart
from lookup.model import timestamp

if TYPE_CHECKING:
    from lookup.bulk.estimates import Estimate
    from lookup.collection.published import PublishedFile
    from lookup.ledger.collecting.collected_hours import CollectedHour
    from lookup.ledger.collecting.collections import Collection
    from lookup.ledger.collecting.exports import Export

ANSWER_LIMIT = 5 * 1024 * 1024  # bytes of a body
# Lambda gives back 6 MB (6,291,556 bytes) at most, and the body inside as a JSON string: quotes and backslashes grow.
LAMBDA_LIMIT = 6_000_000

MAX_RETRY_AFTER = 60  # seconds; an estimate may turn out too long


def json_response(
    body: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Answer with JSON whose numbers keep every digit."""
    return raw_json_response(exact_json.dumps_well_formed(body), status, headers)


def raw_json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Answer with JSON that is written already."""
    return Response(status.value, "application/json", body.decode(), dict(headers or {}))


def is_too_large(body: bytes) -> bool:
    """Return whether a link must replace the body."""
    return len(body) > ANSWER_LIMIT or len(body) + body.count(b'"') + body.count(b"\\") > LAMBDA_LIMIT


def without_attributes(outcomes: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Keep of outcomes all but what makes them large."""
    return [{name: value for name, value in one.items() if name != "user_attributes"} for one in outcomes]


def retry_after(estimate: Estimate | None, now: float) -> dict[str, str]:
    """Write when to look at a lookup again, a minute from now at most; nothing of one that does not run."""
    return {"Retry-After": str(min(MAX_RETRY_AFTER, max(1, math.ceil(estimate.done_at - now))))} if estimate else {}


def link_next(path: str, mark: str | None, limit: int, **more: str) -> dict[str, str]:
    """Write the `Link` (RFC 8288) to the next page, if there is one."""
    query = urlencode({"limit": limit, "after": mark or "", **more})
    return {"Link": f'<{path}?{query}>; rel="next"'} if mark else {}


Sign = Callable[[str], str]  # makes a URL of a result object's key
DIGITS = 4  # of shares and progress


def lookup_json(
    progress: LookupRecord, estimate: Estimate | None, results: Collection | None = None
) -> dict[str, object]:
    """Write a lookup as it stands, and once it has ended its `results`."""
    spec, tally = progress.spec, progress.tally
    path = f"/v1/lookups/{spec.lookup_id}"
    return {
        "lookup_id": spec.lookup_id,
        "state": progress.state.value,
        "workspace": spec.workspace,
        "submitted_at": timestamp(spec.submitted_at),
        "finished_at": None if progress.finished_at is None else timestamp(progress.finished_at),
        "ended_because": progress.ended_because,
        "counts": tally.counts.to_json() | {"requested": progress.requested},
        "requested_is_estimated": progress.is_estimated,
        "progress": _share(tally.counts.requested, progress.requested),
        "parts": tally.parts_done,
        "estimate": None if estimate is None else estimate_json(estimate),
        "results": None if results is None else results_json(results),
        "links": {"self": path, "results": f"{path}/results"},
    }


def intake_day_json(lookup_id: str, tally: CompletedParts, hours: Sequence[CollectedHour]) -> dict[str, object]:
    """Write a day of the intake queue: it never ends, has no roster and no estimate."""
    return {
        "lookup_id": lookup_id,
        "state": LookupState.INTAKE_DAY.value,
        "counts": tally.counts.to_json(),
        "parts": tally.parts_done,
        "results": _hours_json(tally, hours),
        "links": {"self": f"/v1/lookups/{lookup_id}"},
    }


def estimate_json(estimate: Estimate) -> dict[str, object]:
    """Write when a lookup will be done and what it takes of a day's quota."""
    return {
        "done_at": timestamp(estimate.done_at),
        "users": estimate.users,
        "users_ahead": estimate.users_ahead,
        "share_of_daily_quota": _share(estimate.share_of_day, 1),
    }


def results_json(results: Collection) -> dict[str, object]:
    """Write where the files of a lookup that has ended stand, and its exports if there are any."""
    exports = [_export_json(written_as, export) for written_as, export in results.exports.items()]
    return {
        "state": results.state.value,
        "files": results.files,
        "bytes": results.bytes,
        "ready_at": None if results.ready_at is None else timestamp(results.ready_at),
        "failed_because": results.reason,
        **({"exports": exports} if exports else {}),
    }


def _hours_json(tally: CompletedParts, hours: Sequence[CollectedHour]) -> dict[str, object]:
    """Write where the files of a day's hours stand: ready when they hold everything that is counted."""
    failed = [hour.reason for hour in hours if hour.reason]
    is_whole = sum(hour.intake for hour in hours) == tally.counts.requested
    ready_at = max((hour.ready_at for hour in hours if hour.ready_at is not None), default=None)
    return {
        "state": "failed" if failed else "ready" if is_whole else "collecting",
        "files": sum(len(hour.keys) for hour in hours),
        "bytes": sum(hour.bytes for hour in hours),
        "ready_at": None if ready_at is None else timestamp(ready_at),
        "failed_because": failed[0] if failed else None,
    }


def _export_json(written_as: str, export: Export) -> dict[str, object]:
    return {
        "format": written_as,
        "state": export.state.value,
        "files": export.files,
        "bytes": export.bytes,
        "requested_at": timestamp(export.requested_at),
        "ready_at": None if export.ready_at is None else timestamp(export.ready_at),
        "failed_because": export.reason,
    }


def published_json(file: PublishedFile, path: str, url: str) -> dict[str, object]:
    """Write one file, its address here, which stays, and the signed one, which does not."""
    return {
        "name": file.name,
        "format": file.format.value,
        "only": file.only,
        "records": file.records,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "url": url,
        "expires_at": timestamp(expires_at(url)),
        "links": {"self": path},
    }


def record_json(record: RecordedPart, url: str) -> dict[str, object]:
    """Write one result file and until when its URL is good."""
    return {
        "part": record.number,
        "key": record.key,
        "url": url,
        "expires_at": timestamp(expires_at(url)),
        "counts": record.counts.to_json(),
    }


def results_link(url: str) -> dict[str, object]:
    """Write the link to an archived answer, and until when it is good."""
    return {"results": url, "expires_at": timestamp(expires_at(url))}


def _share(part: float, whole: float) -> float:
    return round(part / whole, DIGITS) if whole else 0.0
