"""How many workers spend the quotas of a stage."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lookup.model import PAYLOAD_LIMIT
from lookup.quota import Quota

VENDOR_SECONDS = 1.0  # a slow vendor call; the vendor promises no latency
FEWEST, MOST = 2, 1000  # AWS's bounds of MaximumConcurrency


def workers_for(quotas: Iterable[Quota]) -> int:
    """Compute how many workers spend these quotas in full when a vendor call takes `VENDOR_SECONDS`."""
    calls_per_second = sum(quota.limit / quota.window / PAYLOAD_LIMIT for quota in quotas)
    return min(max(FEWEST, math.ceil(calls_per_second * VENDOR_SECONDS)), MOST)
