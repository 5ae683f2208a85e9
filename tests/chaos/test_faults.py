"""Faults are counted where they struck, and a planned one that did not is reported."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import urllib3

from infra.local.simulator.process import WORKSPACE_ID, Arrival, Fault, Simulator
from lookup.retry_after import retry_at
from tests.chaos.clock import FastClock
from tests.chaos.conftest import FETCHED_AT, call
from tests.chaos.fault_evidence import KEY_ROTATED, faults, planned, rotations_met
from tests.chaos.faults import FaultInjector
from tests.chaos.findings import Findings
from tests.chaos.plan import Plan, Size
from tests.chaos.processes import Processes
from tests.chaos.report import Report
from tests.chaos.vendor_faults import REFUSALS, dated
from tests.lookup.conftest import stage
from tests.lookup.stage import Stage

__all__ = ["stage"]
LONG, SMALL = Plan(1, Size.of(20_000)), Plan(1, Size.of(400))


def refused(at: float) -> Arrival:
    return call(0, at, 0, status=401)


@pytest.mark.parametrize(
    ("calls", "met"),
    [
        ([refused(1), call(0, 2, 20), refused(11), call(0, 12, 20)], 2),
        ([refused(1), call(0, 2, 20), refused(11)], 1),  # no call succeeded with the second key
        ([call(0, 0.5, 20), refused(1)], 0),
        ([refused(1), refused(11), call(0, 12, 20)], 1),
        ([refused(1), call(0, 12, 20)], 0),
        ([call(0, 2, 20), call(0, 12, 20)], 0),  # no call used the old key
    ],
)
def test_rotations(calls: list[Arrival], met: int) -> None:
    """A rotation counts when MoEngage refused the old key and took the new one, before the next one."""
    assert rotations_met(calls, [FETCHED_AT, FETCHED_AT + 10]) == met


def everything(plan: Plan) -> Counter[str]:
    return Counter(dict.fromkeys(planned(plan), 1))


def report(plan: Plan, struck: Mapping[str, int]) -> Report:
    return Report(1, 400, Findings(), 0.0, struck, planned(plan), 1.0, {}, {}, 1.0)


def test_what_was_planned_and_did_not_strike_is_reported() -> None:
    """A kind that struck no call is counted as 0, by its name, and reported as missed."""
    noted = everything(LONG)
    del noted["vendor_429"], noted["sqs_reordered"]
    rotations = [refused(1), call(0, 2, 20)]
    counted = faults(LONG, rotations, noted, [FETCHED_AT], [FETCHED_AT])
    assert report(LONG, counted).missed == ["sqs_reordered", "vendor_429"]
    pulse = call(0, 3, 20, fault="vendor_429#1")
    assert faults(LONG, [*rotations, pulse], noted, [FETCHED_AT], [FETCHED_AT])["vendor_429"] == 1
    assert KEY_ROTATED in report(LONG, faults(LONG, (), noted, [FETCHED_AT], [FETCHED_AT])).missed


def test_a_long_run_plans_every_kind_of_the_vendors_faults_apart_from_luck() -> None:
    """Each kind that any call may meet is a pulse too, so that a fault that is drawn seldom strikes all the same."""
    assert {one.name for one in LONG.vendor} <= {(one.name or "").partition("#")[0] for _, one in LONG.pulses}
    assert len({one.name for _, one in LONG.pulses}) == len(LONG.pulses)
    assert planned(LONG) == planned(SMALL)


def test_a_pulse_outlasts_an_outage(stage: Stage, simulator: Simulator, tmp_path: Path) -> None:
    """A pulse that is due during an outage strikes after it, as often as planned."""
    clock = FastClock(time.time(), 20.0)
    injector = FaultInjector(SMALL, clock, stage, simulator, Processes({}, {}, tmp_path), send_one_more=lambda: None)
    injector.start_outage()
    injector.pulse(Fault(name="vendor_429#9", status=429, calls=2, counted=False))
    ask(simulator, injector.keys[-1])
    injector.end_outage()
    for _ in range(40):
        ask(simulator, injector.keys[-1])
    assert Counter(one.fault for one in simulator.arrivals())["vendor_429#9"] == 0  # first it answers a call
    injector.pulse(Fault(name="vendor_504#10", status=504, calls=1))
    for _ in range(40):
        ask(simulator, injector.keys[-1])
    struck = Counter(one.fault for one in simulator.arrivals())
    assert (struck["vendor_away"], struck["vendor_429#9"], struck["vendor_504#10"]) == (1, 2, 1)


def test_dates_in_headers_are_a_little_ahead_of_the_services_time() -> None:
    """Each of the forms that a date has in a header names the moment five seconds from now."""
    pulses = [dated(one, FETCHED_AT) for one in REFUSALS]
    moments = [retry_at({k.lower(): v for k, v in one.headers.items()}, FETCHED_AT) for one in pulses if one.headers]
    assert moments == [FETCHED_AT + 5] * 4


def ask(simulator: Simulator, key: str) -> None:
    headers = urllib3.make_headers(basic_auth=f"{WORKSPACE_ID}:{key}") | {"Content-Type": "application/json"}
    body = b'{"data": {"identifiers": [{"identifier_type": "customer_id", "identifier": "anna"}]}}'
    url = f"{simulator.endpoint_url}/v1/customers/export?app_id={WORKSPACE_ID}"
    try:
        urllib3.PoolManager(retries=False).request("POST", url, body=body, headers=headers)
    except urllib3.exceptions.HTTPError:
        return  # a dropped connection is one of the faults
