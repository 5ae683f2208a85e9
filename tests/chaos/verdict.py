"""A run's verdict: what was requested against what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.local.simulator.users.population import Population
from tests.chaos.checks import check_counts
from tests.chaos.collected_checks import check_collected, check_ready_events
from tests.chaos.entries import CUSTOMER
from tests.chaos.environment import canaries
from tests.chaos.erasing import check_erased
from tests.chaos.event_checks import check_dead_letters, check_events
from tests.chaos.evidence import Evidence
from tests.chaos.export_checks import check_exports
from tests.chaos.fault_evidence import faults, planned
from tests.chaos.findings import STUCK, Findings
from tests.chaos.hour_checks import check_hours
from tests.chaos.http_events import roster_key
from tests.chaos.key_checks import check_keys, usable
from tests.chaos.ledger_evidence import OUTCOMES
from tests.chaos.orders import Orders, canary_of_bodies
from tests.chaos.outcome_checks import VendorLog, check_outcomes
from tests.chaos.plan import SKEW, Plan
from tests.chaos.process import RAISED
from tests.chaos.report import Report, recovery
from tests.chaos.requested import Requested, served
from tests.chaos.traffic import TrafficLog
from tests.chaos.value_checks import Truth, check_leaks, check_quota, check_values, fullest, needles
from tests.chaos.week_later import Week, check_week

QUIET = {"erasing.log", "request-exports.log"}  # of processes whose requests write a line only when they fail
STALL = 2.0  # real seconds that a busy machine may let the vendor wait for its turn


@dataclass(frozen=True)
class RunRecord:
    """What a run recorded about itself. `noted` are faults by kind, `logs` names of files.

    `returns` and `rotations` are epoch seconds, `versions` service time.
    """

    plan: Plan
    orders: Orders
    traffic: TrafficLog
    population: Population
    versions: Sequence[tuple[float, float]]
    keys: Sequence[str]
    returns: Sequence[float]
    rotations: Sequence[float]
    noted: Mapping[str, int]
    logs: Sequence[str]
    seconds: float
    week: Week


def report_on(run: RunRecord, evidence: Evidence) -> Report:
    """Check everything that a run left behind."""
    size, requested = run.plan.size, requested_in(run, evidence)
    gaps = recovery(evidence.arrivals, run.returns)
    return Report(
        seed=run.plan.seed,
        identifiers=run.orders.identifiers,
        found=_found(run, requested, evidence),
        recovery_seconds=max((gap * size.factor for gap in gaps), default=0.0),
        faults=_faults(run, evidence),
        planned=planned(run.plan),
        seconds=run.seconds,
        outcomes=_outcomes(run, evidence),
        compared=_compared(run, requested, evidence),
        fullest=fullest(evidence.arrivals, size.window) / size.limit,
    )


def _found(run: RunRecord, requested: Requested, evidence: Evidence) -> Findings:
    found, size = Findings(), run.plan.size
    check_counts(requested, evidence, found)
    check_dead_letters(requested, evidence, found)
    check_keys(requested, evidence, found)
    check_collected(evidence, found)
    check_exports(run.traffic.exported, evidence, found)
    check_week(run.week, _parts_of_collected(evidence), found)
    check_hours(run.traffic.answered, evidence, found)
    if evidence.ready is not None:
        check_ready_events(evidence, found)
    check_events(evidence, _excuses(run), found)
    log = VendorLog(evidence.arrivals)
    check_outcomes(list(served(requested, evidence)), run.population, log, run.plan.struck_share, found)
    outcomes = (one for answer in run.traffic.answered for one in answer.outcomes)
    check_values(_truth(run), evidence, outcomes, found)
    check_erased(evidence.erased, run.orders.erased, found)
    check_quota(evidence.arrivals, size.limit, size.window, found)
    _check_leaks(run, evidence, found)
    nothing = [what for what, times in _compared(run, requested, evidence).items() if not times and size.is_long]
    found.add(STUCK, f"nothing to compare of {nothing}", len(nothing))
    return found


def _check_leaks(run: RunRecord, evidence: Evidence, found: Findings) -> None:
    values = [*canaries(run.orders), canary_of_bodies(run.orders.token)]
    searched = check_leaks(needles(values, run.keys, run.orders.token), evidence.texts(), found)
    silent = {"metric", "event", *run.logs} - QUIET - set(searched)  # a search of nothing proves nothing
    found.add(STUCK, f"nothing to search in {sorted(silent)}", len(silent))


def _outcomes(run: RunRecord, evidence: Evidence) -> dict[str, int]:
    counted = Counter(one["outcome"] for answer in run.traffic.answered for one in answer.outcomes)
    for lookup in evidence.lookups.values():
        counted += Counter({name: lookup.counts.get(name, 0) for name in OUTCOMES})
    return dict(counted)


def _compared(run: RunRecord, requested: Requested, evidence: Evidence) -> dict[str, int]:
    nobodys = sum(one["identifier"] is None for records in evidence.objects.values() for one in records)
    erasures = {"erasures": len(evidence.erased.states), "records of the erased": nobodys}
    return (erasures if run.orders.erased else {}) | {
        "ends published": len(evidence.ended),
        "parts deleted": len(run.week.before.keys() - run.week.after.keys()),
        "changes published": len(evidence.changed),
        "dead letters": len(evidence.dead_letters),
        "exports": len(evidence.exported),
        "keyed requests": len(requested.named),
        "tries for what was answered": len(requested.again),
    }


def _parts_of_collected(evidence: Evidence) -> set[str]:
    """Return the objects of the parts of lookups that are collected."""
    collected = (evidence.lookups[name] for name in evidence.collected)
    return {part.key for one in collected for part in one.parts.values() if part.key}


def _truth(run: RunRecord) -> Truth:
    size = run.plan.size
    fields = {name: message.fields for name, message in run.traffic.sent.items() if message.fields}
    return Truth(run.population, run.versions, 2 * SKEW + (size.margin + STALL) * size.factor, fields)


def _faults(run: RunRecord, evidence: Evidence) -> dict[str, int]:
    noted = {kind: times for kind, times in run.noted.items() if kind != RAISED}
    noted["firing_delivered_twice"] = sum(one.channel == "schedule" for one in run.orders.listed)
    return faults(run.plan, evidence.arrivals, noted, run.rotations, run.returns)


def _excuses(run: RunRecord) -> int:
    """Return how many faults may have made an event come twice."""
    deaths = sum(times for kind, times in run.noted.items() if kind.startswith("killed_"))
    return deaths + run.noted.get("eventbridge_reply_lost", 0) + run.noted.get(RAISED, 0)


def requested_in(run: RunRecord, evidence: Evidence) -> Requested:
    """Return what was requested."""
    accepted = dict(run.traffic.accepted)
    sent = {usable(one.entries): one.entries for one in run.orders.requests}
    inline = {
        roster: accepted.get(lookup.lookup_id) or sent.get(usable(evidence.inline[roster]), ())
        for lookup in evidence.lookups.values()
        if (roster := lookup.roster) in evidence.inline and roster is not None
    }
    return Requested(
        rosters={roster_key(one.name): one.entries for one in run.orders.listed if one.channel == "roster"},
        fired={one.name: one.entries for one in run.orders.listed if one.channel == "schedule"},
        accepted=run.traffic.accepted,
        messages=run.traffic.sent,
        answered=run.traffic.answered,
        inline=inline,
        requests=run.orders.requests,
        named=run.traffic.named,
        again=run.traffic.again,
        erased=frozenset((CUSTOMER, name) for name in run.orders.erased),
    )
