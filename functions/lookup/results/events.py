"""Events for other systems, on EventBridge: counts and keys, never identifiers or attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lookup.errors import AwsUnavailable
from lookup.ledger.model import ChangedProfiles, LookupRecord
from lookup.model import timestamp

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from lookup.ledger.collecting.collected_hours import CollectedHour
    from lookup.ledger.collecting.collections import Collection
    from lookup.ledger.collecting.hour_marks import Hour

SOURCE = "moengage-lookup"
COMPLETED, READY = "Lookup Completed", "Results Ready"  # the kinds of events that come of a lookup's end
EXPORT_REQUESTED = "Export Requested"
HOUR_READY = "Hour Ready"
REFUSED, TEST = "Schedule Refused", "Webhook Test"


@dataclass(frozen=True, slots=True)
class RefusedFiring:
    """A firing whose partner's grants do not allow it: `lookup_id` is that of the lookup that there is not."""

    lookup_id: str
    schedule: str
    workspace: str
    partner: str
    due_at: float
    reason: str


class EventPublisher:
    """The stage's event bus."""

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client = client
        self._bus = bus_name

    def publish_completed(self, progress: LookupRecord) -> None:
        """Publish that a lookup has ended. Raises `AwsUnavailable` when EventBridge refused the event."""
        self._put(COMPLETED, completed_detail(progress))

    def publish_ready(self, progress: LookupRecord, collected: Collection) -> None:
        """Publish that a lookup's files can be read, and where its manifest is. Raises as above."""
        self._put(READY, ready_detail(progress, collected))

    def publish_export(self, progress: LookupRecord, written_as: str) -> None:
        """Publish that a format is to be made of a lookup's files. Raises as above."""
        spec = progress.spec
        owner = {"workspace": spec.workspace, "partner": spec.partner}
        self._put(EXPORT_REQUESTED, {"lookup_id": spec.lookup_id, **owner, "export": written_as})

    def publish_hour(self, hour: Hour, collected: CollectedHour) -> None:
        """Publish that an hour's files can be read, or hold more than before. Raises as above."""
        self._put(HOUR_READY, hour_detail(hour, collected))

    def publish_changed(self, changed: ChangedProfiles) -> None:
        """Publish which result object holds profiles that differ from the fetch before. Raises as above."""
        self._put("Profiles Changed", asdict(changed))

    def publish_refused(self, refused: RefusedFiring) -> None:
        """Publish that a firing submitted no lookup, and by which rule. Raises as above."""
        self._put(REFUSED, asdict(refused) | {"due_at": timestamp(refused.due_at)})

    def publish_test(self, partner: str, test_id: str, requested_at: float) -> None:
        """Publish that a partner tests its webhook. Raises as above."""
        detail = {"partner": partner, "test_id": test_id, "requested_at": timestamp(requested_at)}
        self._put(TEST, detail)

    def _put(self, detail_type: str, content: Mapping[str, object]) -> None:
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(content),
        }
        answer = self._client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise AwsUnavailable(f"EventBridge refused an event: {answer['Entries'][0].get('ErrorCode')}")


def completed_detail(progress: LookupRecord) -> dict[str, object]:
    """Return the detail of the event."""
    spec, counts = progress.spec, progress.tally.counts
    return {
        "lookup_id": spec.lookup_id,
        "workspace": spec.workspace,
        "partner": spec.partner,
        "state": progress.state.value,
        "counts": {
            "requested": progress.requested,
            "found": counts.found,
            "not_found": counts.not_found,
            "invalid": counts.invalid,
            "failed": counts.failed,
        },
        "parts": progress.tally.parts_done,
        "submitted_at": timestamp(spec.submitted_at),
        "finished_at": None if progress.finished_at is None else timestamp(progress.finished_at),
    }


def ready_detail(progress: LookupRecord, collected: Collection) -> dict[str, object]:
    """Return the detail of the event of files that can be read."""
    spec, counts = progress.spec, collected.counts
    return {
        "lookup_id": spec.lookup_id,
        "workspace": spec.workspace,
        "partner": spec.partner,
        "files": collected.files,
        "bytes": collected.bytes,
        "changed": collected.changed,
        "manifest": collected.manifest,
        "counts": counts.to_json(),
        "ready_at": None if collected.ready_at is None else timestamp(collected.ready_at),
    }


def hour_detail(hour: Hour, collected: CollectedHour) -> dict[str, object]:
    """Return the detail of the event of an hour whose files can be read."""
    return {
        "workspace": hour.workspace,
        "hour": hour.name,
        "files": len(collected.keys),
        "bytes": collected.bytes,
        "manifest": collected.manifest,
        "counts": collected.counts.to_json(),
        "ready_at": None if collected.ready_at is None else timestamp(collected.ready_at),
    }
