"""Receivers of webhooks and what was sent to them: items of the ledger, by partner.

webhook#<partner>     receiver          failures in a row, until when it is paused, whether disabled; calls under way
webhook#<partner>     test              when it was last tested
deliveries#<partner>  <time>#<id>       one webhook: its event, attempts, last answer, next attempt; for seven days
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lookup.errors import TooManyRequests
from lookup.ledger.items import Item, deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.model import DAY, timestamp

KEPT_SECONDS = 7 * DAY
CALLS_AT_ONCE = 2  # of one receiver
LEASE_SECONDS = 20.0  # of a slot; a call takes ten at most, so only a worker that died holds one longer
SLOW_SECONDS = 2.0  # a receiver whose last call took longer is called once at a time
TEST_SECONDS = 30.0  # between two tests
TESTS = "tests"  # the policy that more of them violate


class DeliveryState(StrEnum):
    """Where a webhook stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"  # the receiver had answered 410


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What was done about one webhook. `tries` are those since it was sent, or sent again after it had failed."""

    occurred_at: str
    webhook_id: str
    event: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    tries: int = 0
    last_status: int | None = None
    last_error: str | None = None
    attempted_at: float | None = None
    next_attempt_at: float | None = None

    @property
    def sort_key(self) -> str:
        """Its place among its partner's."""
        return f"{self.occurred_at}#{self.webhook_id}"


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiver of a partner's webhooks as last seen; another address is another receiver, which `is_new`."""

    address: str
    is_new: bool = False
    failures: int = 0
    paused_until: float = 0.0
    is_slow: bool = False
    disabled_at: float | None = None

    @property
    def calls_at_once(self) -> int:
        """How many calls may be under way: one of a receiver that is slow, or that failed last."""
        return 1 if self.failures or self.is_slow else CALLS_AT_ONCE


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to one call of a receiver, until then (epoch seconds)."""

    partner: str
    number: int
    until: float


class WebhookLedger:
    """Reads and writes these items."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def read(self, partner: str, url: str, fresh: DeliveryRecord) -> tuple[Receiver, DeliveryRecord]:
        """Read a receiver and a delivery; `fresh` is the delivery that nobody has begun."""
        keys = [_receiver_key(partner), _delivery_key(partner, fresh)]
        found = {item["pk"]["S"]: deserialize(item) for item in self._table.read(keys)}
        receiver = _receiver(found.get(f"webhook#{partner}", {}), fingerprint(url))
        facts = found.get(f"deliveries#{partner}")
        return receiver, fresh if facts is None else _delivery(facts)

    def receiver(self, partner: str, url: str) -> Receiver:
        """Read a receiver."""
        items = self._table.read([_receiver_key(partner)])
        return _receiver(deserialize(items[0]) if items else {}, fingerprint(url))

    def acquire_slot(self, partner: str, receiver: Receiver) -> Slot | None:
        """Acquire a slot for a call; None while all are taken. That of a worker that dies ends by itself."""
        now = self._table.clock()
        first = random.randrange(receiver.calls_at_once)  # noqa: S311 - two that come together try different ones
        for step in range(receiver.calls_at_once):
            number = (first + step) % receiver.calls_at_once
            until = now + LEASE_SECONDS
            free = f"attribute_not_exists(#slot{number}) OR #slot{number} < :now"
            change = f"SET #slot{number} = :until, #address = :address"
            if receiver.is_new:
                change += " REMOVE #failures, #paused_until, #slow, #disabled_at"
            values = {"until": until, "now": now, "address": receiver.address}
            if self._table.update_item(_receiver_key(partner), change, values, condition=free) is not None:
                return Slot(partner, number, until)
        return None

    def record_call(self, slot: Slot, receiver: Receiver, *, disabled: bool | None = None) -> None:
        """Write what a call showed of its receiver, and release the slot, unless that was lost to another meanwhile.

        `disabled` changes whether it is; None leaves that as others may have written it since. So does a pause that is
        over: a call beside this one may have been answered with `Retry-After`. A test that succeeds ends any.
        """
        change = f"SET #slot{slot.number} = :none, #failures = :failures, #slow = :slow"
        values: dict[str, object] = {
            "none": 0,
            "failures": receiver.failures,
            "slow": receiver.is_slow,
            "mine": slot.until,
        }
        if receiver.paused_until > self._table.clock() or disabled is False:
            change, values = f"{change}, #paused_until = :paused", values | {"paused": receiver.paused_until}
        if disabled:
            change, values = f"{change}, #disabled_at = :now", values | {"now": self._table.clock()}
        elif disabled is False:
            change += " REMOVE #disabled_at"
        held = f"#slot{slot.number} = :mine"
        self._table.update_item(_receiver_key(slot.partner), change, values, condition=held)

    def release_slot(self, slot: Slot) -> None:
        """Release a slot whose call was not made."""
        held = f"#slot{slot.number} = :mine"
        change = f"SET #slot{slot.number} = :none"
        values = {"none": 0, "mine": slot.until}
        self._table.update_item(_receiver_key(slot.partner), change, values, condition=held)

    def enable(self, partner: str) -> None:
        """Call a receiver again that was disabled, or is paused."""
        change = "SET #failures = :none, #paused_until = :none REMOVE #disabled_at"
        self._table.update_item(_receiver_key(partner), change, {"none": 0})

    def admit_test(self, partner: str) -> None:
        """Count a test. Raise `TooManyRequests` when the last one was a moment ago."""
        now = self._table.clock()
        since = "attribute_not_exists(#tested_at) OR #tested_at <= :before"
        values = {"now": now, "before": now - TEST_SECONDS}
        key = serialize({"pk": f"webhook#{partner}", "sk": "test"})
        if self._table.update_item(key, "SET #tested_at = :now", values, condition=since) is None:
            raise TooManyRequests(TESTS, 1, retry_at=now + TEST_SECONDS)

    def record(self, partner: str, one: DeliveryRecord) -> None:
        """Write what was done about a webhook."""
        facts: dict[str, object] = {
            "event": one.event,
            "is": one.state.value,
            "attempts": one.attempts,
            "tries": one.tries,
            "last_status": one.last_status,
            "last_error": one.last_error,
            "attempted_at": one.attempted_at,
            "next_attempt_at": one.next_attempt_at,
            "expires_at": int(self._table.clock()) + KEPT_SECONDS,
        }
        given = {name: value for name, value in facts.items() if value is not None}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in given)
        if len(given) < len(facts):
            change += " REMOVE " + ", ".join(f"#{name}" for name in facts if name not in given)
        self._table.update_item(_delivery_key(partner, one), change, given)

    def page(self, partner: str, *, after: str, limit: int) -> tuple[list[DeliveryRecord], str | None]:
        """Read a partner's deliveries of the last seven days, newest first, and the mark of the next page, if any."""
        oldest = timestamp(self._table.clock() - KEPT_SECONDS)
        pk = f"deliveries#{partner}"
        items = self._table.query(pk, newest_first=True, after=after, limit=limit + 1)
        found = [_delivery(deserialize(item)) for item in items]
        kept = [one for one in found if one.occurred_at >= oldest]  # DynamoDB deletes within days of the time
        is_more = len(kept) > limit
        return kept[:limit], kept[limit - 1].sort_key if is_more else None


def fingerprint(url: str) -> str:
    """Return what an address is recognised by in the ledger, which holds none."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def _receiver_key(partner: str) -> Item:
    return serialize({"pk": f"webhook#{partner}", "sk": "receiver"})


def _delivery_key(partner: str, one: DeliveryRecord) -> Item:
    return serialize({"pk": f"deliveries#{partner}", "sk": one.sort_key})


def _receiver(facts: Mapping[str, Any], address: str) -> Receiver:
    if facts.get("address", address) != address:
        return Receiver(address, is_new=True)
    disabled_at = facts.get("disabled_at")
    return Receiver(
        address,
        failures=int(facts.get("failures", 0)),
        paused_until=float(facts.get("paused_until", 0)),
        is_slow=bool(facts.get("slow", False)),
        disabled_at=None if disabled_at is None else float(disabled_at),
    )


def _delivery(facts: Mapping[str, Any]) -> DeliveryRecord:
    occurred_at, _, webhook_id = facts["sk"].rpartition("#")
    return DeliveryRecord(
        occurred_at,
        webhook_id,
        facts["event"],
        DeliveryState(facts["is"]),
        attempts=int(facts["attempts"]),
        tries=int(facts["tries"]),
        last_status=int(facts["last_status"]) if "last_status" in facts else None,
        last_error=facts.get("last_error"),
        attempted_at=_time(facts, "attempted_at"),
        next_attempt_at=_time(facts, "next_attempt_at"),
    )


def _time(facts: Mapping[str, Any], name: str) -> float | None:
    return float(facts[name]) if name in facts else None
