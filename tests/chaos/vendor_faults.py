"""MoEngage's faults in a run: some that any call may meet, and pulses of rarer ones."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from infra.local.simulator.faults import Fault

AWAY = "vendor_away"  # an outage
UNACCOUNTED = "vendor_unaccounted"  # the first identifier of the call is in neither list
# Kinds after which every identifier has an answer; and those that spoil the profile of the call's first alone.
ANSWERED = frozenset({"vendor_both_lists", "vendor_unasked", "vendor_early_hints"})
SPOILT = frozenset({"vendor_not_a_number", "vendor_absurd_number", "vendor_no_attributes"})
FIREWALL = "vendor_firewall"  # some identifiers are always refused by a firewall before MoEngage
FAILS_ON_ONE = "vendor_fails_on_one"  # MoEngage always answers 5xx to calls with some identifiers
SLOW = 10.5  # real seconds, more than the client waits
# What any call may meet; how many calls meet one at all stays the same, however many kinds there are.
KINDS = (
    Fault(name="vendor_500", status=500),
    Fault(name="vendor_502", status=502, body="html"),
    Fault(name="vendor_503", status=503, body="problem", counted=False),
    Fault(name="vendor_504", status=504, body="empty"),
    Fault(name="vendor_dropped", drop=True),
    Fault(name="vendor_dropped_early", drop=True, counted=False),
    Fault(name="vendor_not_json", body="html"),
    Fault(name="vendor_empty", body="empty"),
    Fault(name="vendor_truncated", body="truncated"),
    Fault(name="vendor_cut_off", body="cut_off"),
    Fault(name="vendor_not_a_success", body="fail"),
    Fault(name=UNACCOUNTED, distortions=("unaccounted",)),
    Fault(name="vendor_both_lists", distortions=("both_lists",)),
    Fault(name="vendor_unasked", distortions=("unasked",)),
    Fault(name="vendor_early_hints", interim=(103,)),
    Fault(name="vendor_not_a_number", distortions=("not_a_number",)),
    Fault(name="vendor_absurd_number", distortions=("absurd_number",)),
    Fault(name="vendor_no_attributes", distortions=("no_attributes",)),
    Fault(name="vendor_cut_profile", distortions=("cut_profile",)),
)
SHARE = 0.14 / len(KINDS)  # of the calls that meet a kind, in the mean
# Rarer ones: a 429 lowers the quota for ten windows, a timeout holds a caller for longer than its queue's visibility.
REFUSALS = (
    Fault(name="vendor_429", status=429, calls=1, counted=False),
    Fault(name="vendor_429", status=429, calls=2, counted=False, headers={"Retry-After": "5"}),
    Fault(name="vendor_429_until", status=429, calls=1, counted=False, headers={"Retry-After": "%a, %d %b %Y %X GMT"}),
    Fault(name="vendor_429_reset", status=429, calls=1, counted=False, headers={"x-ratelimit-reset": "%FT%TZ"}),
    Fault(name="vendor_503_until", status=503, calls=1, counted=False, headers={"Retry-After": "%A, %d-%b-%y %X GMT"}),
)
UNTIL = 5.0  # service seconds: what a date in these is ahead
DRIPS = (
    Fault(name="vendor_drips", drip="headers", drip_pause=0.3, calls=1),
    Fault(name="vendor_drips", drip="body", drip_bytes=1, drip_pause=0.3, calls=1),
)
TIMEOUT = Fault(name="vendor_timeout", delay=SLOW, calls=1)
OUTAGE = (
    Fault(name=AWAY, status=503, share=0.7, body="html", counted=False),
    Fault(name=AWAY, drop=True, counted=False),
)


def drawn_faults(
    chance: random.Random, severity: float, *, timeouts: int, every_kind: bool
) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Draw the shares of what any call may meet, `severity` times; return it with the pulses, each with its own name.

    With `every_kind` each of them is a pulse too, so that none depends on luck.
    """
    order = chance.sample(KINDS, len(KINDS))
    usual = tuple(
        changed(one, share=severity * SHARE * chance.uniform(0.5, 1.5), seed=chance.randrange(10**6)) for one in order
    )
    once = [changed(one, calls=1) for one in KINDS] if every_kind else []
    pulses = (*REFUSALS, *[TIMEOUT] * timeouts, *DRIPS, *once)
    return usual, tuple(changed(one, name=f"{one.name}#{number}") for number, one in enumerate(pulses))


def changed(fault: Fault, **facts: float | str) -> Fault:
    """Return a fault with some of its fields changed."""
    return Fault.from_json(fault.to_json() | facts)


def firewall(refused: tuple[str, ...]) -> Fault:
    """Return a fault that refuses calls with one of these, in words that are not MoEngage's."""
    return Fault(name=FIREWALL, status=403, body="html", counted=False, identifiers=refused)


def failing(identifiers: tuple[str, ...]) -> Fault:
    """Return a fault for calls with one of these, with a Retry-After."""
    headers = {"Retry-After": "120"}
    return Fault(name=FAILS_ON_ONE, status=503, body="problem", headers=headers, identifiers=identifiers)


def dated(fault: Fault, now: float) -> Fault:
    """Write dates a little ahead of the service's time into a fault's headers."""
    ahead = datetime.fromtimestamp(now + UNTIL, UTC)
    return Fault.from_json(fault.to_json() | {"headers": {k: ahead.strftime(v) for k, v in fault.headers.items()}})


def kind_of(name: str) -> str:
    """Return the kind of a fault, also of a pulse's."""
    return name.partition("#")[0]
