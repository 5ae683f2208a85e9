"""Checks that each outcome follows from MoEngage's log: who exists is found, and failed only if a call was struck."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from infra.local.simulator.process import WORKSPACE_ID, Arrival
from infra.local.simulator.users.population import Population
from lookup.fetch.neutral_calls import NEUTRAL_ID
from lookup.model import PART_LIMIT
from tests.chaos.entries import CUSTOMER, ERASED, INVALID, MOENGAGE, Entry
from tests.chaos.evidence import Record, entry_of
from tests.chaos.findings import WRONG, Findings
from tests.chaos.requested import CALL, LIST, QUEUE, Served
from tests.chaos.vendor_faults import ANSWERED, FIREWALL, SPOILT, UNACCOUNTED, kind_of

# Why an identifier may fail. Throttling is none; bulk work is tried five times before it fails.
REASONS: Mapping[str, frozenset[str]] = {
    QUEUE: frozenset({"no_answer", "unaccounted", "unreadable", "refused_by_vendor", "unanswerable"}),
    LIST: frozenset({"no_answer", "unaccounted", "unreadable", "refused_by_vendor", "unanswerable"}),
    CALL: frozenset({"vendor_trouble", "unaccounted", "unreadable", "refused_by_vendor", "unanswerable"}),
}
STRUCK_ALONE = 3  # calls for one alone that are struck before it is `unanswerable`


@dataclass
class VendorLog:
    """The simulator's own log, indexed: which calls held an entry, and which of them were struck."""

    arrivals: Iterable[Arrival]
    struck: dict[Entry, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    answered: dict[Entry, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    alone: dict[Entry, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    spoilt: dict[Entry, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[Entry, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    struck_alone: dict[Entry, list[str | None]] = field(default_factory=lambda: defaultdict(list))
    failed_marks: set[str | None] = field(default_factory=set)
    neutral: int = 0  # calls for nobody that were struck
    excused: set[str] = field(default_factory=set)

    def excuses(self, name: str) -> bool:
        """Return whether a call for nobody that was struck may be what an answer failed by: one answer for each."""
        self.excused.add(name)
        return len(self.excused) <= self.neutral

    def __post_init__(self) -> None:
        for call in self.arrivals:
            for entry in map(_named, call.identifiers or ()):
                self._learn(call, entry)

    def _learn(self, call: Arrival, entry: Entry) -> None:
        kind = kind_of(call.fault or "")
        is_first = _named((call.identifiers or ())[0]) == entry
        is_alone = len(call.identifiers or ()) == 1
        if kind == FIREWALL and is_alone:
            self.refused[entry].add(call.forwarded_for)
        if (kind in SPOILT and is_first) or (kind and kind != FIREWALL and call.status == HTTPStatus.OK and is_alone):
            self.spoilt[entry].add(call.forwarded_for)
        if kind == UNACCOUNTED and is_first:
            if is_alone:
                self.alone[entry].add(call.forwarded_for)
        elif call.status == HTTPStatus.OK and (
            kind in {"", UNACCOUNTED, *ANSWERED} or (kind in SPOILT and not is_first)
        ):
            self.answered[entry].add(call.forwarded_for)
        else:
            self.struck[entry].append(call)
            self.struck_alone[entry] += [call.forwarded_for] * is_alone
            self.failed_marks.add(call.forwarded_for)
            self.neutral += entry == (CUSTOMER, NEUTRAL_ID)


def _named(identifier: tuple[str, str]) -> Entry:
    kind, text = identifier
    return (CUSTOMER if kind == CUSTOMER else MOENGAGE), text


def check_outcomes(
    served: Sequence[Served], population: Population, log: VendorLog, struck_share: float, found: Findings
) -> None:
    """Check each outcome by itself, then that not too many of any way in failed.

    `struck_share` is the share of calls that are struck by plan: no larger share may fail, but for one part.
    """
    for one in served:
        for outcome in one.outcomes:
            _check_existence(one, outcome, population, found)
        for wrong in _without_reason(one, log):
            found.add(WRONG, f"{one.name}: {wrong}")
    for way in REASONS:
        _check_floor(way, [one for one in served if one.way == way], population, struck_share, found)


def _exists(entry: Entry, population: Population) -> bool:
    return entry[0] != INVALID and population.find(WORKSPACE_ID, *entry) is not None


def _check_existence(one: Served, outcome: Record, population: Population, found: Findings) -> None:
    """Compare with who exists, which no version of the users changes; by GET a missing user comes without a time."""
    entry, status = entry_of(outcome), outcome["outcome"]
    right = "found" if _exists(entry, population) else "not_found"
    if entry[0] != INVALID and status not in {right, "failed"}:
        found.add(WRONG, f"{one.name}: {status} of {entry}, which is to be {right}")


def _without_reason(one: Served, log: VendorLog) -> Iterator[str]:
    """Return for each failure that has no cause what is wrong with it."""
    requested_with: dict[object, list[Entry]] = defaultdict(list)
    for outcome in one.outcomes:
        requested_with[outcome.get("part")].append(entry_of(outcome))
    for outcome in one.outcomes:
        if outcome["outcome"] != "failed":
            continue
        entry, reason = entry_of(outcome), outcome["reason"]
        if entry == ERASED:
            continue
        if reason not in REASONS[one.way]:
            yield f"failed because of {reason}"
        elif one.way == CALL and one.marks and one.marks[-1] in log.answered[entry]:
            yield f"{entry} failed, and MoEngage answered"
        elif not _is_reason(reason, one, requested_with[outcome.get("part")], entry, log):
            yield f"{entry} failed because of {reason}, and no call was struck"


def _is_reason(reason: str, one: Served, together: Sequence[Entry], entry: Entry, log: VendorLog) -> bool:
    evidence = {"unaccounted": log.alone, "unreadable": log.spoilt, "refused_by_vendor": log.refused}
    if reason in evidence:
        marks = evidence[reason][entry]
        return bool(marks) if one.way != CALL else bool(marks & set(one.marks))
    if reason == "unanswerable":
        alone = log.struck_alone[entry]
        return len(alone if one.way != CALL else [mark for mark in alone if mark in one.marks]) >= STRUCK_ALONE
    if reason == "vendor_trouble":
        return bool(log.failed_marks & set(one.marks)) or log.excuses(one.name)
    return any(log.struck[each] for each in together)


def _check_floor(way: str, served: Sequence[Served], population: Population, share: float, found: Findings) -> None:
    """Of those who exist, a share that follows from the plan is found at least; a part or an answer fails as one."""
    existing = sum(_exists(entry, population) for one in served for entry in one.entries)
    got = sum(outcome["outcome"] == "found" for one in served for outcome in one.outcomes)
    as_one = max((min(PART_LIMIT, len(one.entries)) for one in served), default=0)
    floor = existing - int(share * existing) - as_one
    found.add(WRONG, f"{way}: {got} found of {existing} who exist, expected {floor} at least", got < floor)
