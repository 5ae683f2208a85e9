"""Erasures and their tombstones in the ledger; nothing of it holds an identifier, only keyed hashes.

tombstones      head                how often the tombstones have changed: who caches them reads this alone
tombstones      <erasure id>        the hashes of one erasure's people, the key's version, and until when they count
erasure#<id>    state               one erasure: whose, how far it is, what it found
erasure#<id>    found#<pass>#<key>  records found in one object, written before the object is
erasures#<p>    <date>              identifiers that a partner asked to be erased that day
erasures#<p>    open                how many erasures of a partner have not ended
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lookup.errors import LimitExceeded
from lookup.ledger.items import Item, deserialize, serialize
from lookup.ledger.model import Reservation
from lookup.ledger.table import LedgerTable
from lookup.model import DAY, timestamp

TOMBSTONES, HEAD = "tombstones", "head"
OPEN_MOST = 10  # erasures of a partner that have not ended: each searches everything
UNLIMITED = 10**9


class ErasureState(StrEnum):
    """How far an erasure is: searched once, waiting for the second search, or verified."""

    RUNNING = "running"
    VERIFYING = "verifying"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `step` grows with every message that goes on with it; `token` and `held_until` say who is at it.

    `mark` is where the present pass goes on; `began` is when that pass began; `clean_since` is when the last pass that
    found something ended. `found` are records by store, of the passes that have ended: who asks reads this item alone,
    however many places there were. `rosters` are the keys of rosters that name somebody and are still needed.
    """

    erasure_id: str
    partner: str
    workspace: str
    people: int
    requested_at: float
    tombstone_until: float
    state: ErasureState = ErasureState.RUNNING
    step: int = 0
    passes: int = 0
    began: float = 0.0
    mark: str = ""
    due_at: float = 0.0
    clean_since: float = 0.0
    token: str = ""
    held_until: float = 0.0
    searched: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)
    rosters: tuple[str, ...] = ()
    finished_at: float | None = None
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass found in one place: `records` that name somebody, and what was done about it."""

    number: int
    place: str
    store: str
    records: int
    done: str


@dataclass(frozen=True, slots=True)
class TombstoneSet:
    """The hashes of one erasure, made with the key of `key_version`."""

    erasure_id: str
    workspace: str
    key_version: str
    hashes: frozenset[bytes]
    until: float


class ErasureLedger:
    """Reads and conditional writes of erasures."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def read(self, erasure_id: str) -> Erasure | None:
        """Read an erasure; None when there is none."""
        items = self._table.read([_key(erasure_id)])
        return _erasure(items[0]) if items else None

    def begin(self, erasure: Erasure, tombstones: TombstoneSet, *, seen: Erasure | None, per_day: int | None) -> bool:
        """Write an erasure with its tombstones, or nothing; False when somebody else wrote it since `seen` was read.

        Raises `LimitExceeded` when the partner's identifiers of the day are used up; None is no limit.
        """
        put = self._table.put(_item(erasure), absent=seen is None)
        if seen is not None:
            put["Put"] |= _unless_moved(seen)
        stones = {
            "workspace": tombstones.workspace,
            "key": tombstones.key_version,
            "hashes": {one.hex() for one in tombstones.hashes},
            "expires_at": int(tombstones.until),
        }
        key = serialize({"pk": TOMBSTONES, "sk": erasure.erasure_id})
        actions = [put, self._table.put(key | serialize(stones)), self._changed()]
        return self._table.try_write_with(actions, self._charge(erasure, per_day))

    def check_room(self, partner: str, people: int, per_day: int) -> None:
        """Raise `LimitExceeded` when `begin` would."""
        day = _day_key(partner, self._table.clock())
        found = {item["sk"]["S"]: deserialize(item) for item in self._table.read([_open_key(partner), day])}
        if int(found.get("open", {}).get("open", 0)) >= OPEN_MOST:
            raise LimitExceeded("erasures", OPEN_MOST)
        if int(found.get(day["sk"]["S"], {}).get("people", 0)) + people > per_day:
            raise LimitExceeded("erasures", per_day)

    def _charge(self, erasure: Erasure, per_day: int | None) -> list[Reservation]:
        opened = self._table.update(
            _open_key(erasure.partner),
            "ADD #open :one",
            {"one": 1, "most": UNLIMITED if per_day is None else OPEN_MOST},
            condition="attribute_not_exists(#open) OR #open < :most",
        )
        place = Reservation(opened, lambda: LimitExceeded("erasures", OPEN_MOST))
        if per_day is None:
            return [place]
        now = self._table.clock()
        values = {"people": erasure.people, "room": per_day - erasure.people, "expires": int(now) + 2 * DAY}
        action = self._table.update(
            _day_key(erasure.partner, now),
            "SET #expires_at = :expires ADD #people :people",
            values,
            condition="attribute_not_exists(#people) OR #people <= :room",
        )
        if per_day < erasure.people:
            raise LimitExceeded("erasures", per_day)
        return [place, Reservation(action, lambda: LimitExceeded("erasures", per_day))]

    def write(self, now: Erasure, *, seen: Erasure) -> bool:
        """Write how far an erasure is; False when somebody else wrote since `seen` was read."""
        put = self._table.put(_item(now))
        put["Put"] |= _unless_moved(seen)
        if now.state is ErasureState.COMPLETED and seen.state is not ErasureState.COMPLETED:
            return self._table.try_write(put, self._table.update(_open_key(now.partner), "ADD #open :one", {"one": -1}))
        return self._table.try_write(put)

    def note(self, erasure_id: str, found: Found) -> None:
        """Note what a pass found in one place, before anything is done about it; a repetition notes the same."""
        facts = {"store": found.store, "records": found.records, "done": found.done}
        until = {"expires_at": int(self._table.clock()) + 90 * DAY}
        key = serialize({"pk": f"erasure#{erasure_id}", "sk": f"found#{found.number:04}#{found.place}"})
        self._table.write(self._table.put(key | serialize(facts | until)))

    def found(self, erasure_id: str) -> Iterator[Found]:
        """Read what was found, pass by pass."""
        for item in self._table.pages(f"erasure#{erasure_id}", prefix="found#"):
            facts = deserialize(item)
            _, number, place = facts["sk"].split("#", 2)
            yield Found(int(number), place, facts["store"], int(facts["records"]), facts["done"])

    def forget_found(self, erasure_id: str) -> None:
        """Forget what an earlier run of the same erasure found: its receipt holds it."""
        for one in self.found(erasure_id):
            key = {"pk": f"erasure#{erasure_id}", "sk": f"found#{one.number:04}#{one.place}"}
            self._table.write(self._table.delete(serialize(key)))

    def version(self) -> int:
        """Read how often the tombstones have changed."""
        items = self._table.read([serialize({"pk": TOMBSTONES, "sk": HEAD})])
        return int(deserialize(items[0])["version"]) if items else 0

    def tombstones(self) -> list[TombstoneSet]:
        """Read all tombstones that have not expired."""
        now = self._table.clock()
        sets = [_stones(item) for item in self._table.query(TOMBSTONES) if item["sk"]["S"] != HEAD]
        return [one for one in sets if one.until > now]

    def lift(self, wanted: Sequence[TombstoneSet], hashes: frozenset[bytes]) -> None:
        """Remove hashes from the tombstones that hold them."""
        for one in wanted:
            key = serialize({"pk": TOMBSTONES, "sk": one.erasure_id})
            lifted = {held.hex() for held in hashes & one.hashes}
            update = self._table.update(key, "DELETE #hashes :hashes", {"hashes": lifted})
            action = self._table.delete(key) if len(lifted) == len(one.hashes) else update
            self._table.write(action, self._changed())

    def _changed(self) -> dict[str, Any]:
        return self._table.update(serialize({"pk": TOMBSTONES, "sk": HEAD}), "ADD #version :one", {"one": 1})


def _key(erasure_id: str) -> Item:
    return serialize({"pk": f"erasure#{erasure_id}", "sk": "state"})


def _open_key(partner: str) -> Item:
    return serialize({"pk": f"erasures#{partner}", "sk": "open"})


def _day_key(partner: str, now: float) -> Item:
    return serialize({"pk": f"erasures#{partner}", "sk": timestamp(now)[:10]})


def _unless_moved(seen: Erasure) -> dict[str, Any]:
    return {
        "ConditionExpression": "#token = :token AND #step = :step AND #held_until = :held",
        "ExpressionAttributeNames": {"#token": "token", "#step": "step", "#held_until": "held_until"},
        "ExpressionAttributeValues": serialize({":token": seen.token, ":step": seen.step, ":held": seen.held_until}),
    }


_TEXTS = ("partner", "workspace", "mark", "token")
_NUMBERS = ("requested_at", "tombstone_until", "began", "due_at", "clean_since", "held_until")
_COUNTS = ("people", "step", "passes")


def _item(one: Erasure) -> Item:
    facts = {name: getattr(one, name) for name in (*_TEXTS, *_NUMBERS, *_COUNTS, "finished_at", "receipt")}
    facts |= {
        "is": one.state.value,
        "searched": json.dumps(dict(one.searched)),
        "found": json.dumps(dict(one.found)),
        "rosters": list(one.rosters),
        "expires_at": int(one.tombstone_until),
    }
    return _key(one.erasure_id) | serialize(facts)


def _erasure(item: Mapping[str, Any]) -> Erasure:
    facts = deserialize(item)
    finished_at = facts.get("finished_at")
    values: dict[str, Any] = {name: facts[name] for name in _TEXTS}
    values |= {name: float(facts[name]) for name in _NUMBERS} | {name: int(facts[name]) for name in _COUNTS}
    return Erasure(
        erasure_id=facts["pk"].removeprefix("erasure#"),
        state=ErasureState(facts["is"]),
        searched=json.loads(facts["searched"]),
        found=json.loads(facts["found"]),
        rosters=tuple(facts["rosters"]),
        finished_at=None if finished_at is None else float(finished_at),
        receipt=facts.get("receipt"),
        **values,
    )


def _stones(item: Mapping[str, Any]) -> TombstoneSet:
    facts = deserialize(item)
    hashes = frozenset(map(bytes.fromhex, facts.get("hashes", ())))
    return TombstoneSet(facts["sk"], facts["workspace"], facts["key"], hashes, float(facts["expires_at"]))


def begun_again(seen: Erasure, fresh: Erasure) -> Erasure:
    """Return an erasure that is asked for again after its end; messages of the former run are behind its `step`."""
    return replace(fresh, step=seen.step + 2)
