"""How lookups, parts and counts lie in the ledger's table: keys `pk` and `sk`, one item per fact that changes alone.

lookup#<id>     spec                what was asked; written once
lookup#<id>     state               active, paused, …; changed by conditions on itself
lookup#<id>     cursor              how far it is fed, and who is feeding
lookup#<id>     counts              what became of the parts that are in
lookup#<id>     part#<number>       one part that is in
lookup#<id>     attempts#<number>   calls for one part that brought no answer; `#<round>` more in a round of retries;
                                    `failed` and `doubted` of its identifiers, by their places in it
unfinished#<ws> <id>                a lookup that has not ended
share#<ws>      <partner>           a partner's tag, and how much it has to feed; `#intake` is the intake queue
ready#<ws>#<p>  <turn>#<id>         a lookup that has something to feed; gone when it has not
out#<ws>        <id>#<number>       one part that is out; gone when it is in
look#<ws>       <id>                a lookup that the minute's sweep looks at
feeder#<ws>     sent                users and unusable entries on the parts queue
feeder#<ws>     swept               how far the sweep has come
partner#<name>  <time>#<id>         a partner's lookups, newest last
usage#<name>    <date>              users that a partner with a limit asked for that day
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from lookup.ledger.model import Claim, CompletedParts, Cursor, DailyCharge, LookupSpec, RecordedPart, Roster
from lookup.model import Counts, RosterRange, timestamp

Item = dict[str, Any]  # in DynamoDB's typed JSON
COUNTED = ("requested", "found", "not_found", "invalid", "failed")
_write = TypeSerializer().serialize
_read = TypeDeserializer().deserialize


def serialize(facts: Mapping[str, object]) -> Item:
    """Write facts as attributes; None is absent, floats keep every digit."""
    exact = {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in facts.items()}
    return {name: _write(value) for name, value in exact.items() if value is not None}


def deserialize(item: Mapping[str, Any]) -> dict[str, Any]:
    """Read attributes as facts."""
    return {name: _read(value) for name, value in item.items()}


def lookup_key(lookup_id: str, sort_key: str) -> Item:
    """Name an item of a lookup."""
    return serialize({"pk": f"lookup#{lookup_id}", "sk": sort_key})


def unfinished_key(workspace: str, lookup_id: str) -> Item:
    """Name a lookup's place among those that have not ended."""
    return serialize({"pk": f"unfinished#{workspace}", "sk": lookup_id})


def unfinished_item(spec: LookupSpec) -> Item:
    """Write that a lookup has not ended. It does not expire: the sweep ends what is too old."""
    facts = {"partner": spec.partner, "submitted_at": spec.submitted_at}
    return unfinished_key(spec.workspace, spec.lookup_id) | serialize(facts)


def share_key(workspace: str, partner: str) -> Item:
    """Name a partner's share of a workspace."""
    return serialize({"pk": f"share#{workspace}", "sk": partner})


def ready_pk(workspace: str, partner: str) -> str:
    """Name the partition of a partner's lookups that have something to feed."""
    return f"ready#{workspace}#{partner}"


def ready_sk(turn: float, lookup_id: str = "") -> str:
    """Name a lookup's place there, or without its id the place before all of that turn."""
    return f"{timestamp(turn)}#{lookup_id}"


def out_key(workspace: str, lookup_id: str, number: str) -> Item:
    """Name a part that is on the queue or with a worker."""
    return serialize({"pk": f"out#{workspace}", "sk": f"{lookup_id}#{number}"})


def look_key(workspace: str, lookup_id: str) -> Item:
    """Name a lookup's place among those that the sweep looks at."""
    return serialize({"pk": f"look#{workspace}", "sk": lookup_id})


def sent_key(workspace: str) -> Item:
    """Name the count of users on the parts queue."""
    return serialize({"pk": f"feeder#{workspace}", "sk": "sent"})


def partner_key(spec: LookupSpec) -> Item:
    """Name a lookup's place in its partner's list."""
    return serialize({"pk": f"partner#{spec.partner}", "sk": f"{timestamp(spec.submitted_at)}#{spec.lookup_id}"})


def usage_key(partner: str, day: str) -> Item:
    """Name the count of a partner's users of a day."""
    return serialize({"pk": f"usage#{partner}", "sk": day})


def spec_item(spec: LookupSpec) -> Item:
    """Write what was asked."""
    facts = {
        "workspace": spec.workspace,
        "partner": spec.partner,
        "submitted_at": spec.submitted_at,
        "max_age": spec.max_age,
        "fields": None if spec.fields is None else list(spec.fields),
        "weight": spec.weight,
        "due_at": spec.turn,
    }
    if spec.charged is not None:
        facts |= charge_facts(spec.charged)
    return lookup_key(spec.lookup_id, "spec") | serialize(facts | roster_facts(spec.roster))


def charge_facts(charge: DailyCharge) -> dict[str, object]:
    """Write how many users a lookup was charged, and to which day."""
    return {"charged_users": charge.users, "charged_on": charge.day}


def roster_facts(roster: Roster) -> dict[str, object]:
    """Write which roster, pinned."""
    return {
        "roster_key": roster.key,
        "roster_version": roster.version_id or "",
        "roster_size": roster.size,
        "roster_entries": roster.entries,
        "roster_gzipped": roster.gzipped,
        "roster_counted": roster.counted,
    }


def read_spec(item: Mapping[str, Any]) -> LookupSpec:
    """Read what was asked."""
    facts = deserialize(item)
    roster = Roster(
        key=facts["roster_key"],
        version_id=facts["roster_version"] or None,
        size=int(facts["roster_size"]),
        entries=int(facts["roster_entries"]),
        gzipped=facts["roster_gzipped"],
        counted=int(facts["roster_counted"]) if "roster_counted" in facts else None,
    )
    fields = facts.get("fields")
    return LookupSpec(
        lookup_id=facts["pk"].removeprefix("lookup#"),
        workspace=facts["workspace"],
        partner=facts["partner"],
        submitted_at=float(facts["submitted_at"]),
        roster=roster,
        max_age=float(facts["max_age"]),
        fields=None if fields is None else tuple(fields),
        weight=int(facts["weight"]),
        charged=_charge(facts),
        due_at=float(facts["due_at"]) if "due_at" in facts else None,
    )


def _charge(facts: Mapping[str, Any]) -> DailyCharge | None:
    if "charged_on" not in facts:
        return None
    users = facts.get("charged_users")
    return DailyCharge(None if users is None else int(users), facts["charged_on"])


def cursor_facts(cursor: Cursor) -> dict[str, object]:
    """Write how far a lookup is fed, without its claim."""
    return {
        "at": cursor.position,
        "line": cursor.line,
        "parts_fed": cursor.parts_fed,
        "entries_fed": cursor.entries_fed,
        "round": cursor.round,
        "retried_after": cursor.retried_after,
        "exhausted": cursor.exhausted,
    }


def read_cursor(item: Mapping[str, Any]) -> Cursor:
    """Read how far a lookup is fed, and who is feeding."""
    facts = deserialize(item)
    claim = None
    if "claim_token" in facts:
        charged = int(facts.get("claim_charged", 0))
        claim = Claim(facts["claim_token"], float(facts["claim_until"]), float(facts["claim_fed_at"]), charged)
    return Cursor(
        position=int(facts["at"]),
        line=int(facts["line"]),
        parts_fed=int(facts["parts_fed"]),
        entries_fed=int(facts["entries_fed"]),
        round=int(facts["round"]),
        retried_after=facts["retried_after"],
        exhausted=facts["exhausted"],
        claim=claim,
    )


def read_tally(item: Mapping[str, Any]) -> CompletedParts:
    """Read what became of the parts that are in."""
    facts = deserialize(item)
    return CompletedParts(int(facts.get("parts_done", 0)), _counts(facts))


def record_item(lookup_id: str, record: RecordedPart) -> Item:
    """Write a part that is in."""
    origin = record.origin
    facts = {name: getattr(record.counts, name) for name in COUNTED} | {
        "key": record.key,
        "fed_at": record.fed_at,
        "start": origin.start,
        "end": origin.end,
        "line": origin.line,
        "round": origin.retry_round,
        "laid_aside": record.laid_aside,
    }
    return lookup_key(lookup_id, f"part#{record.number}") | serialize(facts)


def read_record(item: Mapping[str, Any]) -> RecordedPart:
    """Read a part that is in."""
    facts = deserialize(item)
    return RecordedPart(
        number=facts["sk"].removeprefix("part#"),
        counts=_counts(facts),
        key=facts["key"],
        fed_at=float(facts["fed_at"]),
        origin=RosterRange(int(facts["start"]), int(facts["end"]), int(facts["line"]), int(facts["round"])),
        laid_aside=facts.get("laid_aside"),
    )


def _counts(facts: Mapping[str, Any]) -> Counts:
    return Counts(**{name: int(facts.get(name, 0)) for name in COUNTED})
