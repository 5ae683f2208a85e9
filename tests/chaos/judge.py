"""A run's end: what was asked for against what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.local.simulator.population import Population
from tests.chaos.checks import Asked, check_counts
from tests.chaos.entries import INVALID, Entry
from tests.chaos.evidence import Evidence
from tests.chaos.findings import STUCK, Findings
from tests.chaos.ledger_evidence import OUTCOMES
from tests.chaos.orders import Orders, canary_of_bodies
from tests.chaos.people import Diary, roster_key
from tests.chaos.plan import SKEW, Plan
from tests.chaos.report import Report, recovery
from tests.chaos.scene import canaries
from tests.chaos.value_checks import Truth, check_leaks, check_quota, check_values, fullest, needles

STALL = 2.0  # real seconds that a busy machine may let the vendor wait for its turn


@dataclass(frozen=True)
class Left:
    """What a run knows about itself. `noted` are faults by kind, `logs` names of files.

    `returns` are epoch seconds, `versions` service time.
    """

    plan: Plan
    orders: Orders
    diary: Diary
    people: Population
    versions: Sequence[tuple[float, float]]
    keys: Sequence[str]
    returns: Sequence[float]
    noted: Mapping[str, int]
    logs: Sequence[str]
    seconds: float


def judged(left: Left, evidence: Evidence) -> Report:
    """Check everything that a run left behind."""
    found, size = Findings(), left.plan.size
    check_counts(asked_in(left, evidence), evidence, found)
    outcomes = (one for _, outcomes in left.diary.answered for one in outcomes)
    check_values(_truth(left), evidence, outcomes, found)
    check_quota(evidence.arrivals, size.limit, size.window, found)
    values = [*canaries(left.orders), canary_of_bodies(left.orders.token)]
    searched = check_leaks(needles(values, left.keys, left.orders.token), evidence.texts(), found)
    silent = {"metric", "event", *left.logs} - set(searched)  # searching where there is nothing shows nothing
    found.add(STUCK, f"nothing to search in {sorted(silent)}", len(silent))
    gaps = recovery(evidence.arrivals, left.returns)
    return Report(
        seed=left.plan.seed,
        identifiers=left.orders.identifiers,
        found=found,
        recovery_seconds=max((gap * size.factor for gap in gaps), default=0.0),
        faults=_faults(left, evidence),
        seconds=left.seconds,
        outcomes=_outcomes(left, evidence),
        fullest=fullest(evidence.arrivals, size.window) / size.limit,
    )


def _outcomes(left: Left, evidence: Evidence) -> dict[str, int]:
    counted = Counter(one["outcome"] for _, outcomes in left.diary.answered for one in outcomes)
    for lookup in evidence.lookups.values():
        counted += Counter({name: lookup.counts.get(name, 0) for name in OUTCOMES})
    return dict(counted)


def _truth(left: Left) -> Truth:
    size = left.plan.size
    fields = {name: message.fields for name, message in left.diary.sent.items() if message.fields}
    return Truth(left.people, left.versions, 2 * SKEW + (size.margin + STALL) * size.factor, fields)


def _faults(left: Left, evidence: Evidence) -> dict[str, int]:
    struck = Counter(one.fault for one in evidence.arrivals if one.fault) + Counter(left.noted)
    struck["key_rotated"] = len(left.keys) - 1
    struck["vendor_outage"] = len(left.returns)
    struck["firing_delivered_twice"] = sum(one.door == "schedule" for one in left.orders.listed)
    return dict(sorted(struck.items()))


def asked_in(left: Left, evidence: Evidence) -> Asked:
    """Say what was asked for."""
    accepted = dict(left.diary.accepted)
    sent = {_usable(one.entries): one.entries for one in left.orders.requests}
    inline = {
        roster: accepted.get(lookup.lookup_id) or sent.get(_usable(evidence.inline[roster]), ())
        for lookup in evidence.lookups.values()
        if (roster := lookup.roster) in evidence.inline and roster is not None
    }
    return Asked(
        rosters={roster_key(one): one.entries for one in left.orders.listed if one.door == "roster"},
        fired={one.name: one.entries for one in left.orders.listed if one.door == "schedule"},
        accepted=left.diary.accepted,
        messages=left.diary.sent,
        answered=left.diary.answered,
        inline=inline,
    )


def _usable(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Know a request again by what of it can be looked up: an answer may be lost, and the lookup is there."""
    return tuple(sorted(one for one in entries if one[0] != INVALID))
