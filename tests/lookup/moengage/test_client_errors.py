"""Errors of the MoEngage client: every status maps to an error type, and no error shows a secret."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest
import urllib3

from infra.local.ports import free_port
from infra.local.simulator.process import Fault, Simulator
from lookup.errors import (
    VendorAccessDenied,
    VendorBadRequest,
    VendorError,
    VendorPayloadTooLarge,
    VendorThrottled,
    VendorUnauthorized,
    VendorUnavailable,
)
from lookup.moengage.client import MoEngage
from lookup.moengage.matching import Matches
from lookup.moengage.responses import error_type
from tests.lookup.moengage.calling import CREDENTIALS, NOW, client_of, customer, error_of_call
from tests.waiting import GIVE_UP, until

STATUSES: list[tuple[int, type[VendorError]]] = [
    (status, error)
    for error, statuses in {
        VendorUnavailable: (
            201,
            204,
            408,
            500,
            501,
            502,
            503,
            504,
            520,
            599,
        ),
        VendorAccessDenied: (
            301,
            302,
            304,
            402,
            403,
            404,
            405,
            406,
            409,
            410,
            418,
            422,
            431,
            451,
            499,
        ),
        VendorBadRequest: (
            400,
            415,
        ),
        VendorUnauthorized: (401,),
        VendorPayloadTooLarge: (413,),
        VendorThrottled: (429,),
    }.items()
    for status in statuses
]
SHORT = urllib3.Timeout(connect=0.3, read=0.3)
Body = Literal["json", "problem", "html", "empty", "truncated", "cut_off", "fail"]


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


@pytest.fixture
def client(simulator: Simulator, pool: urllib3.PoolManager) -> MoEngage:
    return client_of(simulator, pool)


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_statuses(client: MoEngage, simulator: Simulator, status: int, kind: type[VendorError]) -> None:
    """The HTTP status alone decides what helps, listed by the vendor or not, and is kept for the log."""
    simulator.set_faults(Fault(status=status))
    error = error_of_call(client)
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize("body", ["json", "problem", "html", "empty", "truncated", "cut_off"])
@pytest.mark.parametrize("status", [403, 500])
def test_error_bodies(client: MoEngage, simulator: Simulator, status: int, body: Body) -> None:
    """The form of an error's body changes nothing, unless the connection breaks in it."""
    simulator.set_faults(Fault(status=status, body=body))
    kind = VendorUnavailable if body == "cut_off" else error_type(status)
    assert type(error_of_call(client)) is kind


@pytest.mark.parametrize(
    ("status", "body", "is_doubtful"),
    [
        *[(status, body, False) for status in (401, 403, 409, 400, 415) for body in ("json", "problem")],
        *[(status, body, True) for status in (401, 403, 409, 400, 415) for body in ("html", "empty", "truncated")],
        *[(status, body, True) for status in (302, 404, 406, 451) for body in ("json", "html")],
        *[(status, body, False) for status in (413, 429, 408, 500, 503) for body in ("json", "html")],
    ],
)
def test_what_may_be_of_the_content(
    client: MoEngage, simulator: Simulator, status: int, body: Body, *, is_doubtful: bool
) -> None:
    """A refusal that MoEngage does not document, or whose body is not MoEngage's, may be about the content alone."""
    client.export([customer("alice")], CREDENTIALS)  # from now on a 400 is not about the body's shape
    simulator.set_faults(Fault(status=status, body=body))
    assert error_of_call(client).may_be_content is is_doubtful


def test_request_id_is_kept(client: MoEngage, simulator: Simulator) -> None:
    """The vendor's request id is in the error: its support asks for it."""
    simulator.set_faults(Fault(status=503))
    error = error_of_call(client)
    assert error.request_id == f"request-{simulator.arrivals()[-1].number:08}"
    assert str(error) == f"vendor_trouble (HTTP 503, request {error.request_id})"


def test_failure_with_200(client: MoEngage, simulator: Simulator) -> None:
    """A 200 whose status is fail is a vendor error, its request id kept."""
    simulator.set_faults(Fault(body="fail"))
    error = error_of_call(client)
    assert (type(error), error.reason, error.status) == (VendorUnavailable, "not_a_success", 200)
    assert error.request_id == "request-00000000"


@pytest.mark.parametrize("body", ["html", "empty", "truncated"])
def test_broken_success(client: MoEngage, simulator: Simulator, body: Body) -> None:
    """A 200 that cannot be parsed is a vendor error."""
    simulator.set_faults(Fault(body=body))
    error = error_of_call(client)
    assert (type(error), error.reason) == (VendorUnavailable, "broken_body")


@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(body="cut_off")])
def test_broken_connections(client: MoEngage, simulator: Simulator, fault: Fault) -> None:
    """A connection that ends too early is a vendor error, and the next call opens a new one."""
    simulator.set_faults(replace(fault, calls=1))
    seen = error_of_call(client)
    assert (type(seen), seen.status) == (VendorUnavailable, None)
    assert seen.reason == "ProtocolError"
    assert isinstance(client.export([customer("alice")], CREDENTIALS), Matches)


def test_slow_answers(simulator: Simulator, pool: urllib3.PoolManager) -> None:
    """A response that does not come in time is a vendor error; the call was sent only once."""
    simulator.set_faults(Fault(delay=GIVE_UP, calls=1))
    error = error_of_call(client_of(simulator, pool, timeout=SHORT))
    assert (type(error), error.reason, error.status) == (VendorUnavailable, "ReadTimeoutError", None)
    until(lambda: simulator.counters().calls == 1)


@pytest.mark.parametrize(
    "timeout", [urllib3.Timeout(connect=2.0, read=GIVE_UP), urllib3.Timeout(GIVE_UP)], ids=["two", "one"]
)
def test_a_call_takes_no_longer_than_its_caller_has(
    simulator: Simulator, pool: urllib3.PoolManager, timeout: urllib3.Timeout
) -> None:
    """With little time left a call is given up early; the client's own bounds stay as they were."""
    simulator.set_faults(Fault(delay=GIVE_UP / 2, calls=1))  # an answer that the client's own bounds wait for
    client = client_of(simulator, pool, timeout=timeout)
    with pytest.raises(VendorUnavailable, match="ReadTimeoutError"):
        client.export([customer("alice")], CREDENTIALS, max_seconds=0.2)
    simulator.set_faults(Fault(delay=0.3, calls=1))
    assert isinstance(client.export([customer("alice")], CREDENTIALS), Matches)


def test_nobody_there(pool: urllib3.PoolManager) -> None:
    """A vendor that cannot be reached is unavailable."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    client = MoEngage(pool, endpoint_url=nowhere, moengage_id_name="id", clock=lambda: NOW, timeout=SHORT)
    error = error_of_call(client)
    assert (type(error), error.reason) == (VendorUnavailable, "NewConnectionError")


@pytest.mark.parametrize(
    ("headers", "retry_at"),
    [
        ({"x-ratelimit-reset": "30"}, NOW + 30),
        ({"x-ratelimit-reset": "0"}, NOW),
        ({"X-RateLimit-Reset": str(int(NOW) + 42)}, NOW + 42),
        ({"x-ratelimit-reset": str(int(NOW) - 5)}, NOW),
        ({"Retry-After": "12.5"}, NOW + 12.5),
        ({"Retry-After": "7", "x-ratelimit-reset": "30"}, NOW + 7),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "x-ratelimit-reset": "30"}, NOW + 30),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": "-5"}, None),
        ({"x-ratelimit-reset": "nan"}, None),
        ({"x-ratelimit-reset": "inf"}, None),
        ({"x-ratelimit-reset": str((int(NOW) + 30) * 1000)}, NOW + 30),
        ({"x-ratelimit-reset": "2027-01-15T08:00:30Z"}, NOW + 30),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}, NOW + 30),
        ({"Retry-After": "Friday, 15-Jan-27 08:00:30 GMT"}, NOW + 30),
        ({"Retry-After": "Fri Jan 15 08:00:30 2027"}, NOW + 30),
        ({"x-ratelimit-reset": "90000"}, None),
        ({}, None),
    ],
)
def test_until_when_to_wait(
    client: MoEngage, simulator: Simulator, headers: dict[str, str], retry_at: float | None
) -> None:
    """A 429 and a 503 carry `Retry-After`; nonsense and over a day are ignored."""
    for status, kind in ((429, VendorThrottled), (503, VendorUnavailable)):
        simulator.set_faults(Fault(status=status, headers=headers))
        error = error_of_call(client)
        assert (type(error), error.retry_at) == (kind, retry_at)


@pytest.mark.parametrize("reset", ["seconds_left", "epoch"])
def test_the_vendors_own_429(simulator: Simulator, pool: urllib3.PoolManager, reset: str) -> None:
    """An exhausted quota yields the same time in either format."""
    simulator.set_quota(mode="sliding", limit=20, reset=reset)
    full = [customer(f"C-{number}") for number in range(20)]
    client_of(simulator, pool).export(full, CREDENTIALS)
    real = simulator.arrivals()[0].epoch
    client = MoEngage(pool, endpoint_url=simulator.endpoint_url, moengage_id_name="id", clock=lambda: real)
    error = error_of_call(client)
    assert isinstance(error, VendorThrottled)
    assert error.retry_at == pytest.approx(real + 60, abs=30)


CANARY = "canary7f3a"
CANARIES: dict[str, Fault] = {
    "echo": Fault(status=400, error_message=f"bad {CANARY}", error_type=CANARY, error_attribute=CANARY),
    "problem": Fault(status=403, body="problem", error_message=CANARY, error_type=CANARY),
    "headers": Fault(status=429, headers={"x-ratelimit-reset": CANARY, "X-Debug": CANARY}),
    "unauthorized": Fault(status=401, error_message=CANARY),
    "trouble": Fault(status=500, body="truncated"),
    "broken": Fault(body="truncated"),
    "cut_off": Fault(body="cut_off"),
    "dropped": Fault(drop=True),
    "slow": Fault(delay=GIVE_UP),
    "failed": Fault(body="fail", error_message=CANARY, error_type=CANARY),
}


@pytest.mark.parametrize("name", CANARIES)
def test_errors_show_no_secret(simulator: Simulator, pool: urllib3.PoolManager, name: str) -> None:
    """No error's text, representation or traceback holds the key, the workspace id, an identifier or an attribute."""
    who = customer(f"{CANARY}-customer")
    secret = replace(CREDENTIALS, workspace_id=f"{CANARY}-workspace", data_api_key=f"{CANARY}-key")
    workspace = {"data_api_key": secret.data_api_key, "quota": {"mode": "off"}}
    simulator.configure(workspaces={secret.workspace_id: workspace})
    simulator.set_user(who.identifier, {"email": f"{CANARY}@mail.example"}, workspace_id=secret.workspace_id)
    simulator.set_faults(CANARIES[name])
    timeout = urllib3.Timeout(connect=0.3, read=0.3) if name == "slow" else urllib3.Timeout(GIVE_UP)
    error = error_of_call(client_of(simulator, pool, timeout=timeout), who, credentials=secret)
    assert CANARY not in f"{error} {error!r} {vars(error)}"
    assert CANARY not in "".join(traceback.format_exception(error))
