"""The items of the ledger's table: keys `pk` and `sk`, one item per fact that changes alone.

lookup#<id>     spec                the request; written once
lookup#<id>     state               active, paused, …; changed by conditions on itself
lookup#<id>     cursor              how far it is fed, and the feeder's claim
lookup#<id>     counts              the counts of its completed parts
lookup#<id>     part#<number>       one completed part
lookup#<id>     attempts#<number>   calls for one part without a response; `#<round>` more in a round of retries;
                                    `failed` and `doubted` of its identifiers, by their places in it
unfinished#<ws> <id>                a lookup that has not ended
share#<ws>      <partner>           a partner's tag, and what it has to feed; `#intake` is the intake queue
ready#<ws>#<p>  <turn>#<id>         a lookup with entries to feed; deleted when it has none
out#<ws>        <id>#<number>       one part in flight; deleted when it is completed
look#<ws>       <id>                a lookup that the minute's sweep checks
feeder#<ws>     sent                users and invalid entries on the parts queue
feeder#<ws>     swept               the position of the sweep
gate#<ws>       history             what its gate granted, minute by minute
partner#<name>  <time>#<id>         a partner's lookups, newest last
usage#<name>    <date>              users that a partner with a limit requested that day
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lookup.aws.attribute_values import from_typed, to_typed
from lookup.ledger.model import Claim, CompletedParts, Cursor, DailyCharge, LookupSpec, RecordedPart, Roster
from lookup.model import Counts, RosterRange, timestamp

Item = dict[str, Any]  # in DynamoDB's typed JSON
COUNTED = ("requested", "found", "not_found", "invalid", "failed")


def serialize(facts: Mapping[str, object]) -> Item:
    """Write facts as attributes; None is absent, floats keep every digit."""
    exact = {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in facts.items()}
    return {name: to_typed(value) for name, value in exact.items() if value is not None}


def deserialize(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as facts."""
    return {name: from_typed(value) for name, value in item.items()}


def lookup_key(lookup_id: str, sort_key: str) -> Item:
    """Return the key of an item of a lookup."""
    return serialize({"pk": f"lookup#{lookup_id}", "sk": sort_key})


def unfinished_key(workspace: str, lookup_id: str) -> Item:
    """Return the key of a lookup among those that have not ended."""
    return serialize({"pk": f"unfinished#{workspace}", "sk": lookup_id})


def unfinished_item(spec: LookupSpec) -> Item:
    """Return the item of a lookup that has not ended. It never expires: the sweep ends old lookups."""
    facts = {"partner": spec.partner, "submitted_at": spec.submitted_at}
    return unfinished_key(spec.workspace, spec.lookup_id) | serialize(facts)


def share_key(workspace: str, partner: str) -> Item:
    """Return the key of a partner's share of a workspace."""
    return serialize({"pk": f"share#{workspace}", "sk": partner})


def ready_pk(workspace: str, partner: str) -> str:
    """Return the partition of a partner's lookups with entries to feed."""
    return f"ready#{workspace}#{partner}"


def ready_sk(turn: float, lookup_id: str = "") -> str:
    """Return a lookup's sort key there, or without its id the sort key before all of that turn."""
    return f"{timestamp(turn)}#{lookup_id}"


def in_flight_key(workspace: str, lookup_id: str, number: str) -> Item:
    """Return the key of a part that is on the queue or being processed."""
    return serialize({"pk": f"out#{workspace}", "sk": f"{lookup_id}#{number}"})


def sweep_key(workspace: str, lookup_id: str) -> Item:
    """Return the key of a lookup among those that the sweep checks."""
    return serialize({"pk": f"look#{workspace}", "sk": lookup_id})


def queued_key(workspace: str) -> Item:
    """Return the key of the count of users on the parts queue."""
    return serialize({"pk": f"feeder#{workspace}", "sk": "sent"})


def partner_key(spec: LookupSpec) -> Item:
    """Return the key of a lookup in its partner's list."""
    return serialize({"pk": f"partner#{spec.partner}", "sk": f"{timestamp(spec.submitted_at)}#{spec.lookup_id}"})


def usage_key(partner: str, day: str) -> Item:
    """Return the key of a partner's count of users of a day."""
    return serialize({"pk": f"usage#{partner}", "sk": day})


def spec_item(spec: LookupSpec) -> Item:
    """Return the item of a request."""
    facts = {
        "workspace": spec.workspace,
        "partner": spec.partner,
        "submitted_at": spec.submitted_at,
        "max_age": spec.max_age,
        "fields": None if spec.fields is None else list(spec.fields),
        "weight": spec.weight,
        "due_at": spec.turn,
        "formats": list(spec.formats) or None,
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
        "roster_gzipped": roster.needs_rewriting,
        "roster_counted": roster.counted,
    }


def read_spec(item: Mapping[str, Any]) -> LookupSpec:
    """Parse a request."""
    facts = deserialize(item)
    roster = Roster(
        key=facts["roster_key"],
        version_id=facts["roster_version"] or None,
        size=int(facts["roster_size"]),
        entries=int(facts["roster_entries"]),
        needs_rewriting=facts["roster_gzipped"],
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
        formats=tuple(facts.get("formats", ())),
    )


def _charge(facts: Mapping[str, Any]) -> DailyCharge | None:
    if "charged_on" not in facts:
        return None
    users = facts.get("charged_users")
    return DailyCharge(None if users is None else int(users), facts["charged_on"])


def cursor_facts(cursor: Cursor) -> dict[str, object]:
    """Return the facts of a cursor, without its claim."""
    return {
        "at": cursor.position,
        "line": cursor.line,
        "parts_fed": cursor.parts_fed,
        "entries_fed": cursor.entries_fed,
        "round": cursor.retry_round,
        "retried_after": cursor.retried_after,
        "exhausted": cursor.exhausted,
    }


def read_cursor(item: Mapping[str, Any]) -> Cursor:
    """Parse a cursor and its claim."""
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
        retry_round=int(facts["round"]),
        retried_after=facts["retried_after"],
        exhausted=facts["exhausted"],
        claim=claim,
    )


def read_tally(item: Mapping[str, Any]) -> CompletedParts:
    """Parse the counts of completed parts."""
    facts = deserialize(item)
    return CompletedParts(int(facts.get("parts_done", 0)), read_counts(facts))


def record_item(lookup_id: str, record: RecordedPart) -> Item:
    """Return the item of a completed part."""
    origin = record.origin
    facts = record.counts.to_json() | {
        "key": record.key,
        "fed_at": record.fed_at,
        "start": origin.start,
        "end": origin.end,
        "line": origin.line,
        "round": origin.retry_round,
        "laid_aside": record.dead_letter_reason,
    }
    return lookup_key(lookup_id, f"part#{record.number}") | serialize(facts)


def read_record(item: Mapping[str, Any]) -> RecordedPart:
    """Parse the record of a completed part."""
    facts = deserialize(item)
    return RecordedPart(
        number=facts["sk"].removeprefix("part#"),
        counts=read_counts(facts),
        key=facts["key"],
        fed_at=float(facts["fed_at"]),
        origin=RosterRange(int(facts["start"]), int(facts["end"]), int(facts["line"]), int(facts["round"])),
        dead_letter_reason=facts.get("laid_aside"),
    )


def read_counts(facts: Mapping[str, Any]) -> Counts:
    """Read the counts of an item, 0 where it has none."""
    return Counts(**{name: int(facts.get(name, 0)) for name in COUNTED})
