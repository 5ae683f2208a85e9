"""A run's end: what was asked for against what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.local.simulator.population import Population
from tests.chaos.asked import Asked, served
from tests.chaos.checks import check_counts
from tests.chaos.environment import canaries
from tests.chaos.event_checks import check_events, check_letters
from tests.chaos.evidence import Evidence
from tests.chaos.fault_evidence import faults, planned
from tests.chaos.findings import STUCK, Findings
from tests.chaos.http_events import roster_key
from tests.chaos.key_checks import check_keys, usable
from tests.chaos.ledger_evidence import OUTCOMES
from tests.chaos.orders import Orders, canary_of_bodies
from tests.chaos.outcome_checks import VendorLog, check_outcomes
from tests.chaos.plan import SKEW, Plan
from tests.chaos.process import RAISED
from tests.chaos.report import Report, recovery
from tests.chaos.traffic import Diary
from tests.chaos.value_checks import Truth, check_leaks, check_quota, check_values, fullest, needles

STALL = 2.0  # real seconds that a busy machine may let the vendor wait for its turn


@dataclass(frozen=True)
class Left:
    """What a run knows about itself. `noted` are faults by kind, `logs` names of files.

    `returns` and `rotations` are epoch seconds, `versions` service time.
    """

    plan: Plan
    orders: Orders
    diary: Diary
    people: Population
    versions: Sequence[tuple[float, float]]
    keys: Sequence[str]
    returns: Sequence[float]
    rotations: Sequence[float]
    noted: Mapping[str, int]
    logs: Sequence[str]
    seconds: float


def judged(left: Left, evidence: Evidence) -> Report:
    """Check everything that a run left behind."""
    size, asked = left.plan.size, asked_in(left, evidence)
    gaps = recovery(evidence.arrivals, left.returns)
    return Report(
        seed=left.plan.seed,
        identifiers=left.orders.identifiers,
        found=_found(left, asked, evidence),
        recovery_seconds=max((gap * size.factor for gap in gaps), default=0.0),
        faults=_faults(left, evidence),
        planned=planned(left.plan),
        seconds=left.seconds,
        outcomes=_outcomes(left, evidence),
        compared=_compared(asked, evidence),
        fullest=fullest(evidence.arrivals, size.window) / size.limit,
    )


def _found(left: Left, asked: Asked, evidence: Evidence) -> Findings:
    found, size = Findings(), left.plan.size
    check_counts(asked, evidence, found)
    check_letters(asked, evidence, found)
    check_keys(asked, evidence, found)
    check_events(evidence, _excuses(left), found)
    log = VendorLog(evidence.arrivals)
    check_outcomes(list(served(asked, evidence)), left.people, log, left.plan.struck_share, found)
    outcomes = (one for answer in left.diary.answered for one in answer.outcomes)
    check_values(_truth(left), evidence, outcomes, found)
    check_quota(evidence.arrivals, size.limit, size.window, found)
    _check_leaks(left, evidence, found)
    nothing = [what for what, times in _compared(asked, evidence).items() if not times and size.is_long]
    found.add(STUCK, f"nothing to compare of {nothing}", len(nothing))
    return found


def _check_leaks(left: Left, evidence: Evidence, found: Findings) -> None:
    values = [*canaries(left.orders), canary_of_bodies(left.orders.token)]
    searched = check_leaks(needles(values, left.keys, left.orders.token), evidence.texts(), found)
    silent = {"metric", "event", *left.logs} - set(searched)  # searching where there is nothing shows nothing
    found.add(STUCK, f"nothing to search in {sorted(silent)}", len(silent))


def _outcomes(left: Left, evidence: Evidence) -> dict[str, int]:
    counted = Counter(one["outcome"] for answer in left.diary.answered for one in answer.outcomes)
    for lookup in evidence.lookups.values():
        counted += Counter({name: lookup.counts.get(name, 0) for name in OUTCOMES})
    return dict(counted)


def _compared(asked: Asked, evidence: Evidence) -> dict[str, int]:
    return {
        "ends told": len(evidence.ended),
        "changes told": len(evidence.changed),
        "dead letters": len(evidence.laid_aside),
        "keyed requests": len(asked.named),
        "tries for what was answered": len(asked.again),
    }


def _truth(left: Left) -> Truth:
    size = left.plan.size
    fields = {name: message.fields for name, message in left.diary.sent.items() if message.fields}
    return Truth(left.people, left.versions, 2 * SKEW + (size.margin + STALL) * size.factor, fields)


def _faults(left: Left, evidence: Evidence) -> dict[str, int]:
    noted = {kind: times for kind, times in left.noted.items() if kind != RAISED}
    noted["firing_delivered_twice"] = sum(one.door == "schedule" for one in left.orders.listed)
    return faults(left.plan, evidence.arrivals, noted, left.rotations, left.returns)


def _excuses(left: Left) -> int:
    """Count what may have made somebody tell twice."""
    deaths = sum(times for kind, times in left.noted.items() if kind.startswith("killed_"))
    return deaths + left.noted.get("eventbridge_reply_lost", 0) + left.noted.get(RAISED, 0)


def asked_in(left: Left, evidence: Evidence) -> Asked:
    """Say what was asked for."""
    accepted = dict(left.diary.accepted)
    sent = {usable(one.entries): one.entries for one in left.orders.requests}
    inline = {
        roster: accepted.get(lookup.lookup_id) or sent.get(usable(evidence.inline[roster]), ())
        for lookup in evidence.lookups.values()
        if (roster := lookup.roster) in evidence.inline and roster is not None
    }
    return Asked(
        rosters={roster_key(one.name): one.entries for one in left.orders.listed if one.door == "roster"},
        fired={one.name: one.entries for one in left.orders.listed if one.door == "schedule"},
        accepted=left.diary.accepted,
        messages=left.diary.sent,
        answered=left.diary.answered,
        inline=inline,
        requests=left.orders.requests,
        named=left.diary.named,
        again=left.diary.again,
    )
