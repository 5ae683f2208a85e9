"""What the attacker owns at the end, in the stage's ledger, against the limits that hold for it."""

from __future__ import annotations

import time

from infra.local.stage.stage import Stage
from lookup.ledger.collecting import export_ledger
from lookup.ledger.items import deserialize
from lookup.ledger.table import LedgerTable
from lookup.ledger.webhooks import TEST_SECONDS
from lookup.webhook_settings import EventType
from tests.attack.stage import ATTACKER_ERASES, ATTACKER_LIMIT


def beyond_limits(stage: Stage, seconds: float) -> dict[str, int]:
    """Return by how much each limit was passed in an attack that took so many seconds."""
    table = LedgerTable(stage.clients.dynamodb, stage.outputs["LedgerTableName"], clock=time.time, sleep=time.sleep)
    exports, erasures, tombstones, deliveries = (
        [deserialize(item) for item in table.query(partition)]
        for partition in ("exports#attacker", "erasures#attacker", "tombstones", "deliveries#attacker")
    )
    lookups = table.query("partner#attacker")
    days = [int(item["people"]) for item in erasures if item["sk"] != "open"]
    erased = max(sum(days), sum(len(item.get("hashes", ())) for item in tombstones))
    tests = sum(item["event"] == EventType.TEST for item in deliveries)
    return {
        "lookups": max(0, len(lookups) - ATTACKER_LIMIT * max(1, len(days))),
        "exports under way": max(0, sum(len(item.get("open", ())) for item in exports) - export_ledger.LIMIT),
        "people erased": max(0, erased - ATTACKER_ERASES * len(days)),
        "webhook tests": max(0, tests - 1 - int(seconds / TEST_SECONDS)),
    }
