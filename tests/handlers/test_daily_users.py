"""A partner's users of the day: charged for calls of MoEngage, shown in the RateLimit fields, refused with a 429."""

from __future__ import annotations

import json
import re

import pytest

from infra.local.simulator.process import Fault, Simulator
from tests.handlers.calling import Call, kind_of, uploaded
from tests.handlers.conftest import CLIENT_ID
from tests.lookup.stage import Stage

PROFILE = "/v1/profiles/customer_id"


def grant(stage: Stage, users_per_day: int) -> None:
    """Grant acme so many users a day."""
    grants = {CLIENT_ID: {"name": "acme", "users_per_day": users_per_day}}
    stage.session.client("ssm").put_parameter(
        Name=stage.settings.partners_parameter_name, Value=json.dumps(grants), Type="String", Overwrite=True
    )


@pytest.fixture
def limited(deployed: Stage) -> Stage:
    """Grant acme five users a day."""
    grant(deployed, 5)
    return deployed


def used(call: Call) -> int:
    return int(call("GET", "/v1/quota")[1]["today"]["users"])


def test_requested_users_are_charged_and_reported(limited: Stage, simulator: Simulator, call: Call) -> None:
    """Each user requested from MoEngage counts once; the response shows what is left, a stored one only the policy."""
    headers = call("POST", "/v1/lookups", {"identifiers": ["C-1", "C-2", "null"]})[2]
    assert headers["RateLimit-Policy"] == '"daily";q=5;w=86400;qu="users"'
    left = re.fullmatch(r'"daily";r=3;t=(\d+)', headers["RateLimit"])
    assert left is not None
    assert 0 < int(left[1]) <= 86400
    stored = call("GET", f"{PROFILE}/C-1?max_age=60")[2]
    assert (stored["RateLimit-Policy"], "RateLimit" in stored) == ('"daily";q=5;w=86400;qu="users"', False)
    today = call("GET", "/v1/quota")[1]["today"]
    assert (today["users"], today["limit"], today["left"]) == (2, 5, 3)
    assert today["resets_at"].endswith("T00:00:00.000000Z")


def test_a_lookup_takes_a_user_whoever_it_asks_for(limited: Stage, call: Call) -> None:
    """Lookups with unusable identifiers only cost writes, objects and events, too: the day bounds them as any other."""
    nobody = {"identifiers": ["unknown", ""]}
    for number in range(1, 6):
        assert call("POST", "/v1/lookups", nobody, prefer="respond-async")[0] == 202
        assert used(call) == number
    assert kind_of(call("POST", "/v1/lookups", nobody, prefer="respond-async")) == (429, "daily-users")
    assert call("POST", "/v1/lookups", nobody)[0] == 200  # answered at once: nothing is written to the ledger


def test_over_the_limit_nothing_is_requested(limited: Stage, simulator: Simulator, call: Call) -> None:
    """More users than are left are a 429 with the seconds until midnight UTC; what is stored stays available."""
    call("POST", "/v1/lookups", {"identifiers": ["C-1", "C-2", "C-3"]})
    calls = simulator.counters().calls
    answer = call("POST", "/v1/lookups", {"identifiers": ["C-4", "C-5", "C-6"]})
    assert kind_of(answer) == (429, "daily-users")
    assert answer[1]["violated-policies"] == ["daily"]
    assert answer[1]["detail"] == "3 users are asked for and 2 of 5 are left until midnight UTC"
    assert answer[2]["RateLimit"].startswith('"daily";r=2;t=')
    assert 0 < int(answer[2]["Retry-After"]) <= 86400
    assert simulator.counters().calls == calls
    assert call("GET", f"{PROFILE}/C-3?max_age=60")[0] == 200
    assert call("GET", f"{PROFILE}/C-4")[0] == 200
    assert used(call) == 4


def test_rosters_are_charged_when_they_are_accepted(limited: Stage, simulator: Simulator, call: Call) -> None:
    """A lookup behind the answer is charged at once for all of its users, or refused whole."""
    small = uploaded(call, b"user-1\nuser-2\nuser-3\n")
    assert call("POST", "/v1/lookups", {"roster_id": small})[0] == 202
    assert kind_of(call("POST", "/v1/lookups", {"roster_id": small})) == (429, "daily-users")
    assert call("POST", "/v1/lookups?dry_run=true", {"roster_id": small})[0] == 200
    assert call("POST", "/v1/lookups", {"identifiers": ["C-1", "null"]}, prefer="respond-async")[0] == 202
    assert used(call) == 4
    assert len(call("GET", "/v1/lookups")[1]["lookups"]) == 2


def test_a_long_roster_is_counted_to_its_end(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """A roster that begins with long lines and goes on with short ones is charged for all of them, or refused."""
    grant(deployed, 10_000)
    long, short = b"".join(b"%0100d\n" % number for number in range(700)), b"".join(b"u%d\n" % n for n in range(9_300))
    assert kind_of(call("POST", "/v1/lookups", {"roster_id": uploaded(call, long + short + b"one more\n")})) == (
        429,
        "daily-users",
    )
    assert used(call) == 0
    assert call("POST", "/v1/lookups", {"roster_id": uploaded(call, long + short)})[0] == 202
    assert used(call) == 10_000


def test_a_request_over_a_whole_day(limited: Stage, simulator: Simulator, call: Call) -> None:
    """What no day has room for is a 429 that says so."""
    answer = call("POST", "/v1/lookups", {"identifiers": [f"C-{number}" for number in range(6)]})
    assert kind_of(answer) == (429, "daily-users")
    assert answer[1]["detail"] == "6 users are asked for and 5 are granted a day: ask for fewer at a time"


def test_what_was_not_answered_is_given_back(limited: Stage, simulator: Simulator, call: Call) -> None:
    """A closed gate costs no users of the day, with an older profile or without."""
    call("GET", f"{PROFILE}/C-1")
    simulator.set_faults(Fault(status=403))
    assert kind_of(call("GET", f"{PROFILE}/C-2")) == (503, "closed")
    assert call("GET", f"{PROFILE}/C-1?stale_if_error=600")[0] == 200
    assert used(call) == 1


def test_what_met_vendor_errors_is_not_refunded(limited: Stage, simulator: Simulator, call: Call) -> None:
    """A request that MoEngage fails over has used quota: repeating it is no way past the limit."""
    simulator.set_faults(Fault(status=503, delay=0.3, identifiers=("odd",)))
    order = {"identifiers": ["odd", "C-2", "C-3"]}
    assert call("POST", "/v1/lookups", order, prefer="wait=1")[0] in {200, 202, 429}  # as far as it came in a second
    before = used(call)
    assert 3 <= before <= 5
    assert kind_of(call("POST", "/v1/lookups", order, prefer="wait=1")) == (429, "daily-users")
    assert used(call) == before


def test_a_spilled_request_is_charged_once(deployed: Stage, simulator: Simulator, scarce: int, call: Call) -> None:
    """A request that becomes a lookup because the quota is busy counts its users once."""
    grant(deployed, 5000)
    call("POST", "/v1/lookups", {"identifiers": [f"user-{n}" for n in range(scarce)]})
    before = used(call)
    late = [f"late-{number}" for number in range(60)]
    assert call("POST", "/v1/lookups", {"identifiers": late}, prefer="wait=0")[0] == 202
    assert used(call) == before + 60


def test_a_partner_without_a_limit_is_not_counted(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """Without a limit nothing is counted, and no RateLimit field is sent."""
    headers = call("GET", f"{PROFILE}/C-1")[2]
    assert not {"RateLimit", "RateLimit-Policy"} & set(headers)
    assert call("GET", "/v1/quota")[1]["today"] is None


def test_a_search_is_charged_call_by_call(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """A user that a search requests again counts again: an odd identifier among many ends with the users of the day."""
    grant(deployed, 30)
    simulator.configure(not_found_share=0.0)
    simulator.set_faults(Fault(status=403, body="html", identifiers=("odd-one",)))
    answer = call("POST", "/v1/lookups", {"identifiers": ["odd-one", *(f"C-{number}" for number in range(19))]})
    assert kind_of(answer) == (429, "daily-users")
    own = [
        one for arrival in simulator.arrivals() for _, one in arrival.identifiers or () if one.startswith(("C-", "odd"))
    ]
    assert 20 < len(own) <= 30
    assert used(call) <= 30
