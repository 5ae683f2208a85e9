"""The gate's one DynamoDB item: its short names, how it is read, and the conditional updates that change it.

    pk, sk  gate#<workspace>, gate       g  granted, only grows          o  of these on demand
    e       epoch                        u  closed until (ms), 0: open   w  reason
    k       closings in a row            l  lowered limit                t  lowered at (ms)
    p       1 while a probe is in flight s  closed or opened at (s)
    five or seven characters             a slot's baseline: `g` before its first grant
    a full stop and five or seven        ten slots' baseline of `o`

Slot numbers are absolute, so an old baseline is never taken for a current one, and written in base 85, so that the item
with a full ring stays under 1 KB, one write unit. The alphabet of base 85 has no full stop.
"""

from __future__ import annotations

from base64 import b85decode, b85encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from typing import Any

from lookup.gate.window import LANE_BASELINE_SLOTS, MAX_AHEAD, Capacity, Snapshot, needed_span, slot_of
from lookup.model import Lane
from lookup.quota import Quota

Item = Mapping[str, Mapping[str, Any]]
Request = dict[str, Any]

LANE_BASELINE = "."
NAME_LENGTHS = (5, 7)  # base 85 of four and of five bytes
FOUR_BYTES = 2**32
MILLISECONDS = 1000
MAX_DROPPED = 100  # baselines with one request: DynamoDB takes expressions of 4 KB
# Seconds. The request may be in flight for a second more, and by then others' grants take effect up to half of
# `MAX_AHEAD` later, by clocks that differ by a second: no effective time falls into what is dropped.
FRESH_SECONDS = MAX_AHEAD / 6


def key(workspace: str) -> dict[str, dict[str, str]]:
    """Return the item's key in the ledger's table."""
    return {"pk": {"S": f"gate#{workspace}"}, "sk": {"S": "gate"}}


@lru_cache(maxsize=1024)
def baseline_name(slot: int) -> str:
    """Write a slot's absolute number in base 85."""
    return b85encode(slot.to_bytes(4 if slot < FOUR_BYTES else 5, "big")).decode()


@lru_cache(maxsize=1024)
def _slot_number(name: str) -> int:
    return int.from_bytes(b85decode(name), "big")


def read_snapshot(item: Item, quota: Quota, server_time: float) -> Snapshot:
    """Parse the item that DynamoDB returned at `server_time`, its own clock, which alone decides what has expired."""
    numbers = {name: int(value["N"]) for name, value in item.items() if "N" in value}
    baselines = {_slot_number(name): b for name, b in numbers.items() if len(name) in NAME_LENGTHS}
    groups = {_slot_number(n[1:]): b for n, b in numbers.items() if n.startswith(LANE_BASELINE)}
    slot, group = quota.slot, LANE_BASELINE_SLOTS * quota.slot
    since, until = needed_span(quota, server_time)
    old = {n for n in baselines if n * slot + slot <= since or n * slot > until}
    old_groups = {n for n in groups if n * group + group <= since or n * group > until}
    names = {baseline_name(n): n * slot for n in old} | {
        LANE_BASELINE + baseline_name(n): n * group for n in old_groups
    }
    return Snapshot(
        granted=numbers["g"],
        baselines={n: b for n, b in baselines.items() if n not in old},
        on_demand=numbers.get("o", 0),
        on_demand_baselines={n: b for n, b in groups.items() if n not in old_groups},
        epoch=numbers["e"],
        closed_until=numbers["u"] / MILLISECONDS,
        closed_reason=item["w"]["S"] if "w" in item else None,
        probing="p" in numbers,
        closings=numbers.get("k", 0),
        lowered_to=numbers.get("l"),
        lowered_at=numbers.get("t", 0) / MILLISECONDS,
        changed_at=float(numbers.get("s", 0)),
        removable=tuple(name for name, start in names.items() if start <= server_time),
        ahead=tuple(name for name, start in names.items() if start > server_time),
        server_time=server_time,
    )


def create_request(workspace: str, now: float) -> Request:
    """Return the request that creates the item. Its epoch starts at the time: no copy of a deleted item fits it."""
    numbers = {"g": 0, "o": 0, "e": floor(now), "u": 0}
    item = key(workspace) | {name: _number(value) for name, value in numbers.items()}
    return {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}


@dataclass(frozen=True, slots=True)
class PendingGrant:
    """A grant to be written, effective at a time (epoch seconds) and recorded at one; with `lease_until` the probe."""

    room: Capacity
    lane: Lane
    effective_at: float
    recorded_at: float
    lease_until: float | None = None


def grant_request(copy: Snapshot, quota: Quota, pending: PendingGrant) -> Request:
    """Return the request that writes a grant if counter, epoch and closing allow it, and drops expired baselines."""
    names = {"#b": baseline_name(slot_of(quota, pending.recorded_at))}
    numbers = {
        ":n": pending.room.users,
        ":threshold": pending.room.threshold,
        ":epoch": copy.epoch,
        ":now": floor(pending.effective_at * MILLISECONDS),
    }
    sets = ["#b = if_not_exists(#b, g)", "g = g + :n"]
    if pending.lane is Lane.ON_DEMAND:
        names["#d"] = _on_demand_name(quota, pending.recorded_at)
        sets += ["#d = if_not_exists(#d, o)", "o = o + :n"]
    if pending.lease_until is not None:
        numbers |= {":one": 1, ":lease": ceil(pending.lease_until * MILLISECONDS)}
        sets += ["e = e + :one", "u = :lease", "p = :one"]
    expired = {
        f"#r{i}": name for i, name in enumerate(_removable(copy, pending.effective_at)) if name not in names.values()
    }
    return {
        "UpdateExpression": "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(expired) if expired else ""),
        "ConditionExpression": "g <= :threshold AND e = :epoch AND u <= :now",
        "ExpressionAttributeNames": names | expired,
        "ExpressionAttributeValues": {name: _number(value) for name, value in numbers.items()},
    }


def announce_request(copy: Snapshot, quota: Quota, at: float) -> Request:
    """Return the request that counts one on-demand user who waits, so that bulk leaves headroom from now on.

    The epoch grows, so that no bulk worker is granted anything by a copy from before.
    """
    return {
        "UpdateExpression": "SET #d = if_not_exists(#d, o), o = o + :one, e = e + :one",
        "ConditionExpression": "e = :epoch",
        "ExpressionAttributeNames": {"#d": _on_demand_name(quota, at)},
        "ExpressionAttributeValues": {":one": _number(1), ":epoch": _number(copy.epoch)},
    }


def _on_demand_name(quota: Quota, at: float) -> str:
    return LANE_BASELINE + baseline_name(slot_of(quota, at) // LANE_BASELINE_SLOTS)


def _removable(copy: Snapshot, effective_at: float) -> tuple[str, ...]:
    """Return the baselines to drop: those far ahead by fresh copies alone, for ahead of a stale copy may be now."""
    return (copy.removable + (copy.ahead if abs(effective_at - copy.server_time) <= FRESH_SECONDS else ()))[
        :MAX_DROPPED
    ]


@dataclass(frozen=True, slots=True)
class GateClosing:
    """A closing: until when (epoch seconds), why, its number in a row, and the limit that it lowers to."""

    until: float
    reason: str
    closings: int
    lowered_to: int | None = None


def close_request(epoch: int, change: GateClosing, since: float | None = None) -> Request:
    """Return the request that closes the gate if it is unchanged since `epoch`; `since` is when, if it was open."""
    numbers = {":epoch": epoch, ":one": 1, ":until": ceil(change.until * MILLISECONDS), ":closings": change.closings}
    sets = ["e = e + :one", "u = :until", "w = :reason", "k = :closings"]
    if since is not None:
        numbers[":since"] = floor(since)
        sets += ["s = :since"]
    if change.lowered_to is not None:
        numbers[":lowered"] = change.lowered_to
        sets += ["l = :lowered", "t = :until"]
    return {
        "UpdateExpression": "SET " + ", ".join(sets) + " REMOVE p",
        "ConditionExpression": "e = :epoch",
        "ExpressionAttributeValues": {name: _number(value) for name, value in numbers.items()}
        | {":reason": {"S": change.reason}},
    }


def probe_request(epoch: int, at: float) -> Request:
    """Return the request that makes the next call from `at` on the probe, if the gate is unchanged since `epoch`."""
    numbers = {":epoch": epoch, ":one": 1, ":due": floor(at * MILLISECONDS)}
    return {
        "UpdateExpression": "SET e = e + :one, u = :due REMOVE p",
        "ConditionExpression": "e = :epoch",
        "ExpressionAttributeValues": {name: _number(value) for name, value in numbers.items()},
    }


def open_request(epoch: int, at: float) -> Request:
    """Return the request that opens the gate at a time (epoch seconds) if it is unchanged since `epoch`."""
    numbers = {":epoch": epoch, ":one": 1, ":open": 0, ":since": floor(at)}
    return {
        "UpdateExpression": "SET e = e + :one, u = :open, s = :since REMOVE w, k, p",
        "ConditionExpression": "e = :epoch",
        "ExpressionAttributeValues": {name: _number(value) for name, value in numbers.items()},
    }


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
