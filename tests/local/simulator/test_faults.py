"""Faults on demand, as a client sees them, and what they do to the count."""

from __future__ import annotations

import socket

import pytest
import simplejson
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.faults import FaultPlan
from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID, Fault, Simulator
from tests.local.simulator.calling import Asker
from tests.waiting import GIVE_UP, until


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504])
def test_any_status_on_demand(status: int, simulator: Simulator, ask: Asker) -> None:
    """A fault gives any HTTP code, for as many calls as it says, with words of its own."""
    simulator.set_faults(Fault(status=status, calls=2, error_type="Odd", error_attribute="a", error_message="why"))
    answers = [ask("C-1") for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    error = answers[0].error
    assert (error["type"], error["attribute"], error["message"]) == ("Odd", "a", "why")
    assert simulator.counters().refusals == {status: 2}


def test_bodies_on_demand(simulator: Simulator, ask: Asker) -> None:
    """A body is HTML, empty, half of the JSON, in the other error shape, or `status: fail` with HTTP 200."""
    simulator.set_faults(*(Fault(body=body, calls=1) for body in ("html", "empty", "truncated", "fail")))
    html, empty, truncated, fail, good = (ask("C-1") for _ in range(5))
    assert {answer.status for answer in (html, empty, truncated, fail, good)} == {200}
    assert (html.headers["content-type"], html.body[:6]) == ("text/html", b"<html>")
    assert empty.body == b""
    assert truncated.body == good.body[: len(good.body) // 2]
    assert fail.error["type"] == "InternalServerError"
    simulator.set_faults(Fault(status=503, body="problem"))
    assert set(ask("C-1").json) == {"title", "description"}


def test_a_body_cut_off(simulator: Simulator, ask: Asker) -> None:
    """A connection that ends before the promised length breaks the client's read; the next call is well."""
    simulator.set_faults(Fault(body="cut_off", calls=1))
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        ask("C-1")
    assert ask("C-1").status == 200


@pytest.mark.parametrize("counted", [True, False])
def test_dropped_before_and_after_it_was_counted(*, counted: bool, simulator: Simulator, ask: Asker) -> None:
    """A dropped connection gives no answer; whether the call used quota is the fault's choice."""
    simulator.set_quota(mode="sliding", limit=5)
    simulator.set_faults(Fault(drop=True, counted=counted, calls=1))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask("C-1", "C-2", "C-3")
    counters = simulator.counters()
    assert (counters.calls, counters.dropped, counters.users) == (1, 1, 3 if counted else 0)
    assert ask("C-1", "C-2", "C-3").status == (429 if counted else 200)


def test_quota_is_checked_before_a_counted_fault(simulator: Simulator, ask: Asker) -> None:
    """A fault behind the quota is not seen by a call that the quota refuses."""
    simulator.set_quota(mode="sliding", limit=1)
    simulator.set_faults(Fault(status=503))
    assert [ask("C-1").status for _ in range(2)] == [503, 429]
    simulator.set_faults(Fault(status=502, counted=False))
    assert ask("C-1").status == 502


def test_a_user_in_neither_list(simulator: Simulator, ask: Asker) -> None:
    """An unaccounted identifier is in neither list: the named ones, or else the first of the call."""
    simulator.configure(not_found_share=0.0)
    simulator.set_faults(Fault(distortions=("unaccounted",), identifiers=("C-2", "missing-1"), calls=1))
    assert ask("C-1").users[0]["customer_id"] == "C-1"
    answer = ask("C-1", "C-2", "missing-1", "missing-2")
    assert [user["customer_id"] for user in answer.users] == ["C-1"]
    assert answer.not_found == [("customer_id", "missing-2")]
    assert len(ask("C-1", "C-2").users) == 2
    simulator.set_faults(Fault(distortions=("unaccounted",)))
    assert [user["customer_id"] for user in ask("C-1", "C-2").users] == ["C-2"]


def test_a_user_in_both_lists(simulator: Simulator, ask: Asker) -> None:
    """The first found user of the call is said to be missing too."""
    simulator.configure(not_found_share=0.0)
    simulator.set_faults(Fault(distortions=("both_lists",)))
    answer = ask("C-1", "C-2")
    assert sorted(user["customer_id"] for user in answer.users) == ["C-1", "C-2"]
    assert answer.not_found == [("customer_id", "C-1")]


def test_an_unrequested_user(simulator: Simulator, ask: Asker) -> None:
    """One user more than requested is returned."""
    simulator.configure(not_found_share=0.0)
    simulator.set_faults(Fault(distortions=("unasked",)))
    assert sorted(user["customer_id"] for user in ask("C-1").users) == ["C-1", "unasked"]


@pytest.mark.parametrize("name", ["users", "users_not_found"])
def test_lists_absent_or_null(name: str, simulator: Simulator, ask: Asker) -> None:
    """Either list may be left out, or null."""
    absent, null = (
        Fault.from_json({"distortions": [f"{name}_absent"]}),
        Fault.from_json({"distortions": [f"{name}_null"]}),
    )
    simulator.set_faults(absent)
    assert name not in ask("C-1").json["data"]
    simulator.set_faults(null)
    assert ask("C-1").json["data"][name] is None


def test_only_one_workspace(simulator: Simulator, ask: Asker) -> None:
    """A fault may be of one workspace; others do not see it."""
    simulator.configure(workspaces={"OTHER": {"data_api_key": "k2"}})
    simulator.set_faults(Fault(status=500, workspace_id="OTHER", headers={"Retry-After": "7"}))
    broken = ask("C-1", user="OTHER", key="k2")
    assert (broken.status, broken.headers["retry-after"]) == (500, "7")
    assert ask("C-1").status == 200


def test_delay_is_added(simulator: Simulator, ask: Asker) -> None:
    """A client whose timeout is shorter than the delay gives up, but the call has arrived and is counted."""
    simulator.set_faults(Fault(delay=GIVE_UP))
    impatient = urllib3.PoolManager(retries=False, timeout=0.5)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        Asker(ask.endpoint_url, impatient)("C-1")
    impatient.clear()
    until(lambda: simulator.counters().users == 1)


@settings(deadline=None)
@given(seed=st.integers(0, 100), share=st.floats(0, 1))
def test_shares_are_repeatable(seed: int, share: float) -> None:
    """The same seed strikes the same calls of a sequence; a share of 0 strikes none and 1 all."""

    def strikes(share: float) -> list[bool]:
        plan = FaultPlan([Fault(share=share, seed=seed)])
        return [plan.strike("W", [("customer_id", "C-1")]) is not None for _ in range(50)]

    assert strikes(share) == strikes(share)
    assert not any(strikes(0.0))
    assert all(strikes(1.0))


def test_a_share_is_about_that_share(simulator: Simulator, ask: Asker) -> None:
    """A fifth of the calls fail when a fifth shall, the same ones after a reset."""
    runs = []
    for _ in range(2):
        simulator.reset()
        simulator.set_faults(Fault(status=503, share=0.2, seed=3))
        runs.append([ask("C-1", fields=["id"]).status for _ in range(100)])
    assert runs[0] == runs[1]
    assert 10 <= runs[0].count(503) <= 30


@settings(deadline=None)
@given(st.builds(Fault, status=st.integers(100, 599), calls=st.none() | st.integers(0, 9),
                 identifiers=st.none() | st.lists(st.text()).map(tuple), share=st.floats(0, 1)))  # fmt: skip
def test_a_fault_survives_its_json_form(fault: Fault) -> None:
    """The admin route takes every setting unchanged."""
    assert Fault.from_json(simplejson.loads(simplejson.dumps(fault.to_json()))) == fault


def test_spoilt_profiles(simulator: Simulator, ask: Asker) -> None:
    """The named user's profile holds no number, has no attributes or ends in the middle; the others are whole."""
    simulator.set_user("12345", {"name": "Anna"})
    simulator.set_user("C-1", {"name": "Bert"})
    for kind, text in {
        "not_a_number": b'"score":NaN',
        "absurd_number": b'"score":1e999999',
        "no_attributes": b'{"user_attributes":null}',
        "float_id": b'"customer_id":12345.0',
    }.items():
        simulator.set_faults(Fault(distortions=(kind,), identifiers=("12345",)))  # type: ignore[arg-type]  # a distortion
        body = ask("12345", "C-1").body
        assert text in body
        assert b'"name":"Bert"' in body
    simulator.set_faults(Fault(distortions=("cut_profile",), identifiers=("12345",)))
    with pytest.raises(ValueError, match=r"."):
        simplejson.loads(ask("12345", "C-1").body)
    assert ask("C-1").json["status"] == "success"


def test_an_answer_that_drips(simulator: Simulator, ask: Asker) -> None:
    """Headers and body, or the body alone, come a few bytes at a time, and come whole."""
    whole = ask("missing-1").body
    for drip in ("headers", "body"):
        simulator.set_faults(Fault(drip=drip, drip_bytes=64, drip_pause=0.001))
        assert ask("missing-1").body == whole


def test_an_answer_before_the_answer(simulator: Simulator) -> None:
    """Interim responses come as configured, each with its code, before the final one."""
    simulator.set_faults(Fault(interim=(100, 103)))
    body = b'{"data": {"identifiers": [{"identifier_type": "customer_id", "identifier": "C-1"}]}}'
    headers = urllib3.make_headers(basic_auth=f"{WORKSPACE_ID}:{DATA_API_KEY}") | {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    head = f"POST /v1/customers/export?app_id={WORKSPACE_ID} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", simulator.port)) as connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        answer = b""
        while b"status" not in answer:
            answer += connection.recv(65536)
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1")]
    assert lines == [b"HTTP/1.1 100 Continue", b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 200 OK"]
