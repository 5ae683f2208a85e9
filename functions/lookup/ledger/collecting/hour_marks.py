"""Which hours of a workspace hold objects that are still to be collected: noted before an object is written.

hours   <due>#<workspace>#<hour>   objects of this hour were written, or counted, since it was collected last

An hour is due ten minutes after its end, since answers at once reach S3 some minutes late; what is written later makes
it due again, once for all of the following hour. So an instance notes an hour once for each time that it is due, and
nothing looks for hours in which nothing happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from lookup.ledger.items import Item, serialize
from lookup.ledger.model import RETENTION_SECONDS
from lookup.ledger.table import LedgerTable
from lookup.model import epoch, timestamp

HOUR = 3600
LATENESS = 600  # seconds after an hour that its objects are waited for
# What was noted just before an hour was due is in S3 and counted by now: longer than any function that writes runs.
SETTLING = 180
PAGE = 100  # hours that one tick asks for
PARTITION = "hours"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of one workspace; it begins at `start` (epoch seconds)."""

    workspace: str
    start: int

    @classmethod
    def of(cls, workspace: str, at: float) -> Hour:
        """Return the hour of a time."""
        return cls(workspace, int(at) // HOUR * HOUR)

    @classmethod
    def named(cls, workspace: str, name: str) -> Hour:
        """Return the hour of a name. Raises `ValueError`."""
        hour = cls.of(workspace, epoch(f"{name}:00:00.000000Z"))
        if hour.name != name:
            raise ValueError("is not an hour")
        return hour

    @property
    def name(self) -> str:
        """What it is called: `2026-11-29T03`."""
        return timestamp(self.start)[:13]

    @property
    def day(self) -> str:
        """The day that it belongs to."""
        return self.name[:10]

    @property
    def of_day(self) -> str:
        """Its two digits."""
        return self.name[11:]


@dataclass(frozen=True, slots=True)
class Mark:
    """One note; `due` in epoch seconds."""

    due: int
    hour: Hour

    @property
    def key(self) -> Item:
        """Return the item's key. A workspace's name holds no `#`."""
        return serialize({"pk": PARTITION, "sk": f"{self.due:011}#{self.hour.workspace}#{self.hour.name}"})

    @classmethod
    def of(cls, item: Item) -> Mark:
        """Read a note."""
        due, workspace, name = item["sk"]["S"].split("#")
        return cls(int(due), Hour.named(workspace, name))


def due(hour: Hour, now: float) -> int:
    """Return when an hour is to be collected in which something is written now: always later than now."""
    after = max(int(now), hour.start + HOUR)
    return ((after - LATENESS) // HOUR + 1) * HOUR + LATENESS


class HourMarks:
    """The notes."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table
        self._noted: set[Mark] = set()

    def note(self, workspace: str, at: float) -> None:
        """Note that an object of the hour of `at` is about to be written, and counted within this invocation."""
        now, hour = self._table.clock(), Hour.of(workspace, at)
        mark = Mark(due(hour, now), hour)
        if mark not in self._noted:
            self._table.write(self._table.put(mark.key | serialize({"expires_at": int(now) + RETENTION_SECONDS})))
            self._noted = {one for one in self._noted if one.due > now} | {mark}

    def settled(self) -> list[Mark]:
        """Return the notes of hours that are due, with everything that was noted before: the oldest first."""
        before = f"{int(self._table.clock()) - SETTLING:011}"
        return [Mark.of(item) for item in self._table.query(PARTITION, before=before, limit=PAGE)]

    def clear(self, mark: Mark) -> None:
        """Delete a note."""
        self._table.write(self._table.delete(mark.key))
