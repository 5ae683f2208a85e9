"""A Get User call that breaks a rule: HTTP code, error type and attribute, and nothing charged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import urllib3

from infra.local.simulator.process import WORKSPACE_ID, Simulator
from tests.local.simulator.calling import Answer, Asker, named

Call = Callable[[Asker], Answer]
ONE = {"data": {"identifiers": named(["C-1"])}}

RULES: dict[str, tuple[Call, int, str, str | None]] = {
    "wrong key": (lambda ask: ask("C-1", key="wrong"), 401, "Authentication required", None),
    "wrong workspace": (lambda ask: ask("C-1", user="NOBODY"), 401, "Authentication required", None),
    "no basic auth": (
        lambda ask: ask("C-1", headers={"authorization": "Bearer x"}), 401, "Authentication required", None,
    ),
    "auth that is no base64": (
        lambda ask: ask("C-1", headers={"authorization": "Basic %%"}), 401, "Authentication required", None,
    ),
    "other app_id": (lambda ask: ask("C-1", app_id="OTHER"), 409, "Authentication Mismatch", "app_id"),
    "empty app_id": (lambda ask: ask("C-1", app_id=""), 409, "Authentication Mismatch", "app_id"),
    "no JSON": (lambda ask: ask.post(b"{"), 400, "Malformed JSON", None),
    "no object": (lambda ask: ask.post([]), 400, "InvalidParams", None),
    "no data": (lambda ask: ask.post({}), 400, "MissingAttributeError", "data"),
    "no identifiers": (lambda ask: ask.post({"data": {}}), 400, "MissingAttributeError", "identifiers"),
    "empty identifiers": (lambda ask: ask(), 400, "InvalidParams", "identifiers"),
    "21 identifiers": (lambda ask: ask(*[f"C-{n}" for n in range(21)]), 400, "LimitBreached", "identifiers"),
    "other type": (lambda ask: ask("C-1", identifier_type="email"), 400, "InvalidParams", "identifier_type"),
    "identifier not a text": (
        lambda ask: ask.post({"data": {"identifiers": [{"identifier_type": "customer_id", "identifier": 7}]}}),
        400, "InvalidParams", "identifier",
    ),
    "fields not a list": (lambda ask: ask("C-1", fields="u_em"), 400, "InvalidParams", "user_fields_to_export"),
    "over 128 KB": (lambda ask: ask("x" * 128 * 1024), 413, "PayloadTooLarge", None),
    "content type": (lambda ask: ask("C-1", headers={"content-type": "text/plain"}), 415, "UnsupportedMediaType", None),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_refused_and_charges_nothing(rule: str, simulator: Simulator, ask: Asker) -> None:
    """Each broken rule has its HTTP code and names the attribute; the refusal is counted, but no users."""
    call, status, kind, attribute = RULES[rule]
    answer = call(ask)
    assert (answer.status, answer.error["type"], answer.error.get("attribute")) == (status, kind, attribute)
    assert answer.error["message"]
    assert answer.error["request_id"]
    counters = simulator.counters()
    assert (counters.calls, counters.users, counters.refusals) == (1, 0, {status: 1})


def test_the_limit_breach_is_worded_as_documented(ask: Asker) -> None:
    """Over 20 identifiers the vendor says what the limit is."""
    assert ask(*["C-1"] * 21).error["message"] == "max limit allowed is 20"


def test_exactly_128_kb_are_accepted(ask: Asker) -> None:
    """A body of 131,072 bytes is within the limit, one byte more is not."""
    frame = len(b'{"data": {"identifiers": [{"identifier_type": "customer_id", "identifier": ""}]}}')
    room = 128 * 1024 - frame
    assert [ask("x" * room).status, ask("x" * (room + 1)).status] == [200, 413]


def test_a_charset_in_the_content_type_is_accepted(ask: Asker) -> None:
    """`application/json; charset=utf-8` is JSON too."""
    assert ask("C-1", headers={"Content-Type": "application/json; charset=utf-8"}).status == 200


def test_only_post_on_the_one_path(simulator: Simulator, ask: Asker) -> None:
    """Another path is 404, another method 405, a missing app_id 400; only the last is a call."""
    url = f"{simulator.endpoint_url}/v1/customers"
    auth = {"Content-Type": "application/json", **urllib3.make_headers(basic_auth=f"{WORKSPACE_ID}:simulated-key")}
    assert ask.pool.request("POST", f"{url}/import", body=b"{}", headers=auth).status == 404
    assert ask.pool.request("GET", f"{url}/export", headers=auth).status == 405
    assert simulator.counters().calls == 0
    assert ask.pool.request("POST", f"{url}/export", body=b"{}", headers=auth).status == 400
    assert simulator.counters().refusals == {400: 1}


def test_workspaces_are_apart(simulator: Simulator, ask: Asker) -> None:
    """Each workspace has its own key, quota and count."""
    simulator.configure(workspaces={"OTHER": {"data_api_key": "k2", "quota": {"limit": 1}}})
    assert [ask("C-1", user="OTHER", key="k2").status for _ in range(2)] == [200, 429]
    assert ask("C-1", user="OTHER").status == 401
    assert ask("C-1").status == 200
    assert (simulator.counters("OTHER").users, simulator.counters(WORKSPACE_ID).users) == (1, 1)
