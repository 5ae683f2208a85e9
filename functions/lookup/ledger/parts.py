"""Parts in the ledger: each counted once however often it is delivered, and its attempts at MoEngage.

An attempt is a call without a response; waiting for quota is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lookup.aws.dynamodb import ACTIONS_LIMIT, ConditionsFailed
from lookup.ledger.items import (
    COUNTED,
    deserialize,
    in_flight_key,
    lookup_key,
    queued_key,
    read_record,
    read_spec,
    record_item,
    serialize,
    share_key,
    usage_key,
)
from lookup.ledger.model import RETENTION_SECONDS, LookupState, RecordedPart
from lookup.ledger.shares import cost
from lookup.ledger.table import LedgerTable
from lookup.model import Counts, Outcome, Part, RosterRange, timestamp

ATTEMPT_LIMIT = 5
NO_ANSWER = "no_answer"  # reason of failed identifiers and the dead-lettered message after the last attempt
PARTS_PER_TRANSACTION = 48  # two actions for each, two for all, of a hundred
NO_ORIGIN = RosterRange(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """A completed part: its outcomes, none where there is nothing to record, and why it is dead-lettered."""

    part: Part
    outcomes: Sequence[Outcome] = ()
    reason: str | None = None

    @property
    def counts(self) -> Counts:
        """Its outcomes by status."""
        return Counts.of(self.outcomes)


@dataclass(frozen=True, slots=True)
class DeliveredPart:
    """A delivered part, and what the ledger has of it.

    With `is_counted` an earlier delivery completed it; `dead_letter_reason` is why its message belongs on the
    dead-letter queue, if it does. Of its identifiers, by place, earlier deliveries found `failed` ones, and why, and
    `doubted` ones: how many calls for each alone were unanswered.
    """

    part: Part
    redelivered: bool = False
    is_counted: bool = False
    is_cancelled: bool = False
    attempts: int = 0
    dead_letter_reason: str | None = None
    failed: Mapping[int, str] = field(default_factory=dict)
    doubted: Mapping[int, int] = field(default_factory=dict)


class PartLedger:
    """Parts of lookups."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def status_of(self, part: Part, *, redelivered: bool = False) -> DeliveredPart:
        """Read what the ledger has of a part before it is processed."""
        keys = ("state", f"part#{part.number}", _attempts(part))
        items = self._table.read([lookup_key(part.lookup_id, key) for key in keys])
        facts = {item["sk"]["S"]: deserialize(item) for item in items}
        record, attempts = facts.get(keys[1]), facts.get(keys[2], {})
        return DeliveredPart(
            part,
            redelivered,
            is_counted=record is not None and record["round"] >= (part.origin or NO_ORIGIN).retry_round,
            is_cancelled=facts.get("state", {}).get("is") == LookupState.CANCELLED,
            attempts=int(attempts.get("attempts", 0)),
            dead_letter_reason=None if record is None else record.get("laid_aside"),
            failed=dict(_read_places(attempts.get("failed", ""))),
            doubted={place: int(times) for place, times in _read_places(attempts.get("doubted", ""))},
        )

    def record_findings(self, part: Part, *, failed: Mapping[int, str], doubted: Mapping[int, int]) -> None:
        """Record for the next delivery what was found of a part's identifiers, by their places alone."""
        values = {"failed": _places(failed), "doubted": _places(doubted), "expires": self._expires()}
        expression = "SET #failed = :failed, #doubted = :doubted, #expires_at = :expires"
        self._table.write(self._table.update(lookup_key(part.lookup_id, _attempts(part)), expression, values))

    def charge_repeats(self, lookup_id: str, users: int) -> None:
        """Charge repeated calls to the share of a lookup's partner, and to its users of today where they are limited.

        The first calls of a lookup were charged before they were fed. Repeats are charged afterwards, and may pass the
        limit.
        """
        found = self._table.read([lookup_key(lookup_id, "spec")])
        if not found:
            return
        spec, now = read_spec(found[0]), self._table.clock()
        self._table.update_item(
            share_key(spec.workspace, spec.partner), "ADD #tag :cost", {"cost": cost(users, spec.weight)}
        )
        if spec.charged is not None:
            self._table.update_item(
                usage_key(spec.partner, timestamp(now)[:10]),
                "SET #expires_at = :expires ADD #users :users",
                {"users": users, "expires": int(now) + RETENTION_SECONDS},
            )

    def add_attempts(self, parts: Iterable[Part], number: int) -> None:
        """Count an attempt (1) of each part just before the vendor's call, or subtract it (-1) after the response.

        A hundred parts are one write: counting after a grant must not outlast it.
        """
        keys = list({part.name: lookup_key(part.lookup_id, _attempts(part)) for part in parts}.values())
        values = {"number": number, "expires": self._expires()}
        expression = "SET #expires_at = :expires ADD #attempts :number"
        for start in range(0, len(keys), ACTIONS_LIMIT):
            some = keys[start : start + ACTIONS_LIMIT]
            self._table.write(*(self._table.update(key, expression, values) for key in some))

    def count_completed(self, done: Sequence[Counted], key: str) -> list[Part]:
        """Count parts of one lookup whose outcomes are in the object of this key. Return those not counted before.

        One transaction holds the records, the lookup's counts and the feeder's count, so that none lags.
        """
        counted: list[Part] = []
        newest = sorted(done, key=lambda one: (one.part.origin or NO_ORIGIN).retry_round)
        once = list({one.part.number: one for one in newest}.values())  # a batch may hold two deliveries of one part
        for start in range(0, len(once), PARTS_PER_TRANSACTION):
            counted += self._count_in_one_transaction(once[start : start + PARTS_PER_TRANSACTION], key)
        return counted

    def _count_in_one_transaction(self, done: Sequence[Counted], key: str) -> list[Part]:
        while True:
            known = self._records([one.part for one in done])
            fresh = [one for one in done if one.part.number not in known or _is_newer(one, known)]
            if not fresh:
                return []
            try:
                self._table.write(*self._count_actions(fresh, key, known))
            except ConditionsFailed:  # another delivery of one of them came first
                continue
            return [one.part for one in fresh]

    def _records(self, parts: Sequence[Part]) -> dict[str, RecordedPart]:
        items = self._table.read([lookup_key(part.lookup_id, f"part#{part.number}") for part in parts])
        return {record.number: record for record in map(read_record, items)}

    def _count_actions(
        self, done: Sequence[Counted], key: str, known: Mapping[str, RecordedPart]
    ) -> list[dict[str, Any]]:
        first = done[0].part
        records = {one.part.number: _record(one, key) for one in done}
        fed = [one.part for one in done if one.part.origin is not None]
        actions = [self._record_action(first.lookup_id, one, known.get(number)) for number, one in records.items()]
        actions += [self._table.delete(in_flight_key(first.workspace, first.lookup_id, part.number)) for part in fed]
        before = [known[number].counts for number in records if number in known]
        values = {
            name: sum(getattr(record.counts, name) for record in records.values())
            - sum(getattr(counts, name) for counts in before)
            for name in COUNTED
        } | {"parts_done": len(done)}
        adding = "ADD " + ", ".join(f"#{name} :{name}" for name in values)
        counts_key = lookup_key(first.lookup_id, "counts")
        actions.append(
            self._table.update(counts_key, f"SET #expires_at = :expires {adding}", values | self._expiring())
        )
        return actions + self._in_flight_actions(first.workspace, fed)

    def _in_flight_actions(self, workspace: str, fed: Sequence[Part]) -> list[dict[str, Any]]:
        """Return the action that subtracts parts of rosters from those in flight."""
        if not fed:
            return []
        back = {
            "users": -sum(len(part.identifiers) for part in fed),
            "unusable": -sum(len(part.invalid) for part in fed),
        }
        return [self._table.update(queued_key(workspace), "ADD #users :users, #unusable :unusable", back)]

    def _record_action(self, lookup_id: str, record: RecordedPart, known: RecordedPart | None) -> dict[str, Any]:
        item = record_item(lookup_id, record) | serialize({"expires_at": self._expires()})
        action = self._table.put(item, absent=known is None)
        if known is not None:
            action["Put"] |= {
                "ConditionExpression": "#round = :round",
                "ExpressionAttributeNames": {"#round": "round"},
                "ExpressionAttributeValues": serialize({":round": known.origin.retry_round}),
            }
        return action

    def clear_in_flight(self, part: Part) -> None:
        """Delete a part from those in flight that was completed before this delivery; not one of a later round."""
        action = self._table.delete(in_flight_key(part.workspace, part.lookup_id, part.number))
        action["Delete"] |= {
            "ConditionExpression": "attribute_not_exists(#round) OR #round <= :round",
            "ExpressionAttributeNames": {"#round": "round"},
            "ExpressionAttributeValues": serialize({":round": (part.origin or NO_ORIGIN).retry_round}),
        }
        self._table.try_write(action)

    def _expires(self) -> int:
        return int(self._table.clock()) + RETENTION_SECONDS

    def _expiring(self) -> dict[str, object]:
        return {"expires": self._expires()}


def _attempts(part: Part) -> str:
    """Return the sort key of a part's attempts: every retry round begins with none."""
    retry_round = (part.origin or NO_ORIGIN).retry_round
    return f"attempts#{part.number}" + (f"#{retry_round}" if retry_round else "")


def _places(facts: Mapping[int, object]) -> str:
    return ",".join(f"{place}:{fact}" for place, fact in facts.items())


def _read_places(text: str) -> list[tuple[int, str]]:
    pairs = [pair.split(":") for pair in text.split(",") if pair]
    return [(int(place), fact) for place, fact in pairs]


def _record(done: Counted, key: str) -> RecordedPart:
    part = done.part
    return RecordedPart(part.number, done.counts, key, part.fed_at, part.origin or NO_ORIGIN, done.reason)


def _is_newer(done: Counted, known: Mapping[str, RecordedPart]) -> bool:
    return (done.part.origin or NO_ORIGIN).retry_round > known[done.part.number].origin.retry_round
