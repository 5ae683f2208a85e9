"""The conversion queue's function put together: the only wiring that knows how rosters are converted."""

from __future__ import annotations

from functools import cache

from lookup import wiring
from lookup.clients import CONFIG, clock, s3, session, settings
from lookup.conversion_work import ConversionWork
from lookup.conversions import Conversions
from lookup.daily_use import DailyUse
from lookup.partners import Partner, Partners
from lookup.roster_copies import RosterCopies


@cache
def conversion_work() -> ConversionWork:
    """Serve the conversion queue."""
    return ConversionWork(conversions(), wiring.conversion_queue())


def conversions() -> Conversions:
    """Make what converts rosters."""
    return Conversions(
        ledger=wiring.ledger(),
        pending=wiring.pending_conversions(),
        copies=RosterCopies(s3(), settings().bucket_name, wiring.unpacking_bounds()),
        ending=wiring.ending(),
        daily=DailyUse(wiring.ledger_table(), clock),
        partner_named=_partner_named,
        clock=clock,
    )


def _partner_named(name: str) -> Partner:
    return _partners().named(name)


@cache
def _partners() -> Partners:
    """Read grants; made when the users of a partner are counted, for most conversions do not ask."""
    return Partners(session().client("ssm", config=CONFIG), settings().partners_parameter_name, clock)
