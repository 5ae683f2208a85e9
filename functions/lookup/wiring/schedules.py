"""The schedules' door put together: the only wiring that knows firings and the minute's tick."""

from __future__ import annotations

from functools import cache

from lookup.bulk.estimates import backlog_of
from lookup.fetch.authorization import Authorization
from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.partners import Partner, Partners
from lookup.schedules.firings import Schedules
from lookup.schedules.gauges import Gauges
from lookup.schedules.reopening import Reopening
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
def schedules() -> Schedules:
    """Serve the schedules' door."""
    return Schedules(
        ledger=wiring.ledger(),
        rosters=wiring.rosters(),
        feeder=wiring.feeder(),
        conversions=wiring.conversion_requests(),
        sweep=wiring.sweep(),
        reopening=Reopening(gates=wiring.gates(), credentials=wiring.credentials(), table=wiring.ledger_table()),
        partner_named=_partner_named,
        authorization=Authorization(settings(), DailyUsageCounter(wiring.ledger_table(), clock), clock),
        settings=settings(),
    )


def _partner_named(name: str) -> Partner:
    return _partners().by_name(name)


@cache
def _partners() -> Partners:
    """Read grants; made at a partner's first firing only, for the minute's tick must not pay for it."""
    return Partners(session().client("ssm", config=CONFIG), settings().partners_parameter_name, clock)
