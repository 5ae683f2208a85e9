"""A client that sends too many requests a second gets a 429, before anything is read for it."""

from __future__ import annotations

from infra.local.simulator.process import Simulator
from tests.handlers.calling import Call, kind_of
from tests.handlers.conftest import Grant, forget
from tests.lookup.stage import Stage


def test_a_flood_is_refused(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """Over its rate and burst a client gets 429 with the policy and when to retry; nothing is called for it."""
    grant(requests_per_second=1)
    forget()
    answers = [call("GET", "/v1/lookups") for _ in range(12)]
    refused = [answer for answer in answers if answer[0] == 429]
    assert len(refused) >= 8
    assert (answers[0][0], kind_of(refused[0])) == (200, (429, "too-many-requests"))
    assert refused[0][1]["violated-policies"] == ["requests"]
    headers = refused[0][2]
    assert (headers["RateLimit-Policy"], headers["RateLimit"]) == ('"requests";q=1;w=1', '"requests";r=0;t=1')
    assert headers["Retry-After"] == "1"
    assert kind_of(call("POST", "/v1/lookups", {"identifiers": ["C-1"]})) == (429, "too-many-requests")
    assert simulator.counters().calls == 0


def test_grants_without_a_rate(deployed: Stage, call: Call) -> None:
    """Grants that were written before there was a rate are not refused for lack of it."""
    assert {call("GET", "/v1/lookups")[0] for _ in range(60)} == {200}


def test_what_is_refused_counts(deployed: Stage, grant: Grant, call: Call) -> None:
    """Requests that no route would look at are no way round the rate."""
    grant(requests_per_second=1)
    forget()
    bodies = ("x" * 300_000, "{}", "{")
    answers = [call("POST", "/v1/lookups", raw=bodies[number % 3], scope="profiles/read") for number in range(12)]
    assert kind_of(answers[0]) == (403, "missing-scope")
    assert sum(answer[0] == 429 for answer in answers) >= 8
    assert kind_of(call("POST", "/v1/lookups", raw=bodies[0], client="nobody")) == (413, "body-too-large")
