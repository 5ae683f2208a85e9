"""The schedules' door put together: the only wiring that knows firings and the minute's tick."""

from __future__ import annotations

from functools import cache

from lookup.bulk.estimates import Estimates, backlog_of
from lookup.bulk.submission import Submission
from lookup.fetch.authorization import Authorization
from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.partners import Partner, Partners
from lookup.schedules.firings import Firings
from lookup.schedules.gauges import Gauges
from lookup.schedules.maintenance import Maintenance, Reopening
from lookup.telemetry import record_gauge
from lookup.wiring import services as wiring
from lookup.wiring.clients import CONFIG, clock, session, settings


@cache
def gauges() -> Gauges:
    """Tell once a minute how much waits."""
    return Gauges(
        workspaces=settings().workspaces,
        backlog_of=lambda workspace: backlog_of(wiring.ledger(), workspace),
        is_shut=lambda workspace: wiring.gates().of(workspace).state().is_blocked(clock()),
        has_secret=wiring.credentials().has_value,
        tell=record_gauge,
    )


@cache
def firings() -> Firings:
    """Serve firings."""
    return Firings(
        ledger=wiring.ledger(), submission=_submission(), feeder=wiring.feeder(), partner_named=_partner_named
    )


def _submission() -> Submission:
    return Submission(
        ledger=wiring.ledger(),
        conversions=wiring.conversion_requests(),
        feeder=wiring.feeder(),
        rosters=wiring.rosters(),
        estimates=Estimates(wiring.ledger(), settings(), opens_at=lambda _: 0.0, clock=clock),
        authorization=Authorization(settings(), DailyUsageCounter(wiring.ledger_table(), clock), clock),
        clock=clock,
        most=settings().lookups_per_partner,
    )


@cache
def maintenance() -> Maintenance:
    """Maintain workspaces once a minute."""
    return Maintenance(
        settings=settings(),
        reopening=Reopening(gates=wiring.gates(), credentials=wiring.credentials(), table=wiring.ledger_table()),
        sweep=wiring.sweep(),
        feeder=wiring.feeder(),
        conversions=wiring.conversion_requests(),
    )


def _partner_named(name: str) -> Partner:
    return _partners().by_name(name)


@cache
def _partners() -> Partners:
    """Read grants; made at a partner's first firing only, for the minute's tick must not pay for it."""
    return Partners(session().client("ssm", config=CONFIG), settings().partners_parameter_name, clock)
