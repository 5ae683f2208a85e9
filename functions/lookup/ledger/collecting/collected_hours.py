"""What is collected of an hour of a workspace: an item for each hour in which something happened.

hours#<day>     <HH>#<workspace>   the files, their counts, and who is at it; changed by whoever holds the claim
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lookup.ledger.collecting.hour_marks import Hour
from lookup.ledger.items import Item, deserialize, lookup_key, read_counts, read_record, serialize
from lookup.ledger.model import RETENTION_SECONDS, RecordedPart
from lookup.ledger.table import LedgerTable
from lookup.model import Counts


@dataclass(frozen=True, slots=True)
class CollectedHour:
    """The files of an hour, none before `ready_at`; `content` is their fingerprint, and `told` is of the event of it.

    Of the records that `counts` counts, `intake` are the intake queue's.

    `token` names who wrote it last, and until `held_until` is at it; `reason` is why the last try published nothing.
    """

    token: str = ""
    held_until: float = 0.0
    ready_at: float | None = None
    manifest: str | None = None
    keys: tuple[str, ...] = ()
    bytes: int = 0
    content: str = ""
    counts: Counts = field(default_factory=Counts)
    intake: int = 0
    told: bool = True
    reason: str | None = None


class HourLedger:
    """The items of hours, and the intake queue's parts as collecting reads them."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def read(self, hour: Hour) -> CollectedHour | None:
        """Read what is collected of an hour; None when nobody has begun."""
        items = self._table.read([_key(hour)])
        return _hour(items[0]) if items else None

    def of_day(self, day: str) -> list[CollectedHour]:
        """Read all hours of a day, of all workspaces."""
        return [_hour(item) for item in self._table.query(f"hours#{day}")]

    def write(self, hour: Hour, now: CollectedHour, *, seen: CollectedHour | None) -> bool:
        """Write what is collected; False when somebody else wrote since `seen` was read or written."""
        action = self._table.put(_item(hour, now, self._expires()), absent=seen is None)
        if seen is not None:
            action["Put"] |= {
                "ConditionExpression": "#token = :token",
                "ExpressionAttributeNames": {"#token": "token"},
                "ExpressionAttributeValues": serialize({":token": seen.token}),
            }
        return self._table.try_write(action)

    def beat(self, hour: Hour, token: str, until: float) -> None:
        """Keep a claim until then (epoch seconds), if nobody has written since."""
        values = {"until": until, "token": token}
        self._table.update_item(_key(hour), "SET #held_until = :until", values, condition="#token = :token")

    def parts(self, lookup_id: str, numbers: Sequence[str]) -> dict[str, RecordedPart]:
        """Read which of these parts are counted, and in which object their outcomes are, by number."""
        items = self._table.read([lookup_key(lookup_id, f"part#{number}") for number in numbers])
        return {record.number: record for record in map(read_record, items)}

    def _expires(self) -> int:
        return int(self._table.clock()) + RETENTION_SECONDS


def _key(hour: Hour) -> Item:
    return serialize({"pk": f"hours#{hour.day}", "sk": f"{hour.of_day}#{hour.workspace}"})


def _item(hour: Hour, one: CollectedHour, expires_at: int) -> Item:
    facts = {
        "token": one.token,
        "held_until": one.held_until,
        "ready_at": one.ready_at,
        "manifest": one.manifest,
        "keys": list(one.keys),
        "bytes": one.bytes,
        "content": one.content,
        "intake": one.intake,
        "told": one.told,
        "reason": one.reason,
        "expires_at": expires_at,
    } | one.counts.to_json()
    return _key(hour) | serialize(facts)


def _hour(item: Mapping[str, Any]) -> CollectedHour:
    facts = deserialize(item)
    return CollectedHour(
        token=facts["token"],
        held_until=float(facts["held_until"]),
        ready_at=float(facts["ready_at"]) if "ready_at" in facts else None,
        manifest=facts.get("manifest"),
        keys=tuple(facts["keys"]),
        bytes=int(facts["bytes"]),
        content=facts["content"],
        counts=read_counts(facts),
        intake=int(facts["intake"]),
        told=facts["told"],
        reason=facts.get("reason"),
    )
