"""The conversion queue's function put together: the only wiring that knows how rosters are converted."""

from __future__ import annotations

from functools import cache

from lookup.bulk.conversion.conversions import Conversions
from lookup.bulk.conversion.worker import ConversionWorker
from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.partners import Partner, Partners
from lookup.rosters.copies import RosterCopies
from lookup.wiring import services as wiring
from lookup.wiring.clients import CONFIG, clock, s3, session, settings


@cache
def conversion_work() -> ConversionWorker:
    """Serve the conversion queue."""
    return ConversionWorker(conversions(), wiring.conversion_queue())


def conversions() -> Conversions:
    """Make what converts rosters."""
    return Conversions(
        ledger=wiring.ledger(),
        pending=wiring.pending_conversions(),
        copies=RosterCopies(s3(), settings().bucket_name, wiring.unpacking_bounds()),
        ending=wiring.ending(),
        daily=DailyUsageCounter(wiring.ledger_table(), clock),
        partner_named=_partner_named,
        clock=clock,
    )


def _partner_named(name: str) -> Partner:
    return _partners().by_name(name)


@cache
def _partners() -> Partners:
    """Read grants; made when the users of a partner are counted, for most conversions do not ask."""
    return Partners(session().client("ssm", config=CONFIG), settings().partners_parameter_name, clock)
