"""What decides on the dead letters of each queue, for the command and for the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.erasures import ErasureLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.parts import PartLedger
from lookup.ledger.table import LedgerTable
from lookup.model import Clock
from lookup.redrive.answer_cases import AnswerCases
from lookup.redrive.cases import Case, ConversionCases, IntakeCases, PartCases
from lookup.redrive.erasure_cases import ErasureCases
from lookup.redrive.letters import Letter
from lookup.redrive.results_cases import ResultsCases

Decide = Callable[[Letter], Case]


def decisions(table: LedgerTable, ledger: LookupLedger, clock: Clock) -> Mapping[str, Callable[[], Decide]]:
    """Return by a queue's name what makes a decision: a fresh one for each run, as it remembers what it has seen."""
    parts, collections = PartLedger(table), CollectionLedger(table)
    return {
        "intake": lambda: IntakeCases().case,
        "parts": lambda: PartCases(ledger, parts, clock).case,
        "answers": lambda: AnswerCases().case,
        "conversions": lambda: ConversionCases(ledger).case,
        "results": lambda: ResultsCases(ledger, collections).case,
        "erasures": lambda: ErasureCases(ErasureLedger(table)).case,
    }
