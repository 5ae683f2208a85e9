"""Shared by the tests of closing and probing: callers of one gate, and the errors they get."""

from __future__ import annotations

from lookup.errors import GateClosed, VendorUnavailable
from lookup.gate.limiter import Grant
from lookup.quota import Quota
from tests.lookup.gate.callers import Callers, Step

QUOTA = Quota()
VENDOR_ERROR = VendorUnavailable("vendor_trouble", status=503)


def callers_of(number: int = 8) -> Callers:
    return Callers(QUOTA, [0.0] * number)


def granted(callers: Callers, caller: int = 0, users: int = 20) -> Grant:
    grant = callers.ask(Step(caller, users=users))
    assert grant is not None
    return grant


def refused(callers: Callers, caller: int = 0) -> GateClosed:
    assert callers.ask(Step(caller, users=1)) is None
    refusal = callers.refusals[-1]
    assert isinstance(refusal, GateClosed)
    return refusal
