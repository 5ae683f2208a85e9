"""Which faults struck, from the logs of the processes and of the vendor; and which of the planned ones did not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import pairwise

from infra.local.simulator.process import Arrival
from tests.chaos import aws_faults, poller
from tests.chaos.plan import Plan
from tests.chaos.vendor_faults import FAILS_ON_ONE, FIREWALL, OUTAGE, kind_of

KEY_ROTATED, OUTAGE_OVER = "key_rotated", "vendor_outage"
AT_ANY_MOMENT, FAR_OFF = "killed_at_any_moment", "clock_far_off"


def planned(plan: Plan) -> frozenset[str]:
    """Return every kind of fault that a run is to meet."""
    pulses = tuple(one for _, one in plan.pulses)
    of_vendor = {kind_of(one.name) for one in (*plan.vendor, *pulses, *OUTAGE) if one.name}
    of_world = {KEY_ROTATED, OUTAGE_OVER, AT_ANY_MOMENT, FAR_OFF, FIREWALL, FAILS_ON_ONE}
    return frozenset(of_vendor | of_world | aws_faults.KINDS | poller.KINDS)


def faults(
    plan: Plan,
    arrivals: Sequence[Arrival],
    noted: Mapping[str, int],
    rotations: Sequence[float],
    returns: Sequence[float],
) -> dict[str, int]:
    """Count each kind by what it struck; a planned one that struck nothing has 0."""
    struck = Counter(noted)
    struck.update(kind_of(one.fault) for one in arrivals if one.fault)
    met = {KEY_ROTATED: rotations_met(arrivals, rotations), OUTAGE_OVER: len(returns)}
    return dict(sorted((dict.fromkeys(planned(plan), 0) | struck | met).items()))


def rotations_met(arrivals: Sequence[Arrival], rotations: Sequence[float]) -> int:
    """Count the rotations, by their epoch seconds, at which the old key was refused and the new one worked later."""
    return sum(_is_met(arrivals, *span) for span in pairwise([*rotations, math.inf]))


def _is_met(arrivals: Sequence[Arrival], start: float, end: float) -> bool:
    calls: Iterator[Arrival] = (call for call in arrivals if start <= call.epoch < end)
    was_refused = any(call.status == HTTPStatus.UNAUTHORIZED for call in calls)
    return was_refused and any(call.users for call in calls)  # of those after it: only the new key gets so far
