"""The console's side of the API on a deployed stage: its files, and people who sign in to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from infra.local.stage.people import DEMO, OPERATOR, put_people
from lookup.api.console.pages import BUILT
from tests.local.enforced.conftest import Enforced
from tests.local.enforced.signing_in import HTTP, Visit, token_of

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@pytest.fixture(scope="module")
def people(enforced: Enforced) -> Enforced:
    """Create the people of the local stage."""
    enforced.put_secrets_and_grants()
    put_people(enforced.stage.clients, enforced.stage.outputs, enforced.stage.console_url)
    return enforced


def call(enforced: Enforced, token: str, method: str, path: str, body: object = None, **headers: str) -> Any:
    """Call the API with a token; return the response."""
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    text = None if body is None else json.dumps(body)
    return HTTP.request(method, enforced.stage.api_url + path, body=text, headers=sent)


def page(enforced: Enforced, path: str, method: str = "GET", **headers: str) -> urllib3.BaseHTTPResponse:
    """Ask for a page; nothing is unpacked."""
    return HTTP.request(method, enforced.stage.api_url + path, headers=headers, decode_content=False)


def test_the_page_knows_how_to_sign_in(people: Enforced) -> None:
    """The configuration names the public client and the issuer's pages, is asked for again, and answered 304."""
    answer = page(people, "/console/config.json")
    assert answer.json() == {
        "stage": "local",
        "sign_in": {
            "client_id": people.stage.outputs["ConsoleClientId"],
            "authorize_url": "/oauth2/authorize",
            "token_url": "/oauth2/token",
            "logout_url": "/logout",
            "scopes": ["profiles/read", "lookups/write", "schedules/write", "service/admin"],
        },
    }
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    again = page(people, "/console/config.json", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.data) == (304, b"")
    packed = page(people, "/console/config.json", **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == answer.data
    assert packed.headers["ETag"] != answer.headers["ETag"]
    head = page(people, "/console/config.json", "HEAD")
    assert (head.status, head.data, head.headers["ETag"]) == (200, b"", answer.headers["ETag"])


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fauth.py", "%2e%2e%2fpages.py", "..%5cpages.py", ".hidden.js", "a%2f..%2findex.html", "index.html"],
)
def test_nothing_but_the_consoles_files_is_served(people: Enforced, name: str) -> None:
    """No name leads out of the folder, and the page has one address only."""
    assert page(people, f"/console/{name}").status == 404


@pytest.mark.skipif(not (BUILT / "index.html").exists(), reason="`make console` has not built the console here")
def test_the_page_runs_its_own_files_only(people: Enforced) -> None:
    """Its policy allows scripts and styles of the origin, requests to it, the issuer and the bucket, and no frame."""
    policy = page(people, "/console").headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in policy
    origin = people.stage.endpoint_url
    assert rules["connect-src"].split() == ["'self'", origin]


def test_a_person_signs_in_and_acts_for_its_partner(people: Enforced) -> None:
    """By a code with PKCE a person gets a token of 15 minutes, which its group makes one of its partner; it renews."""
    visit = Visit.begin(people.stage)
    tokens = visit.exchange(visit.code_for(DEMO.name))
    assert (tokens["token_type"], tokens["expires_in"], "id_token" in tokens) == ("Bearer", 900, False)
    assert call(people, tokens["access_token"], "GET", "/v1/quota").status == 200
    submitted = call(people, tokens["access_token"], "POST", "/v1/lookups", {"identifiers": ["C-1"]}).json()
    assert submitted["counts"]["found"] == 1
    renewed = visit.tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert call(people, renewed["access_token"], "GET", "/v1/quota").status == 200


def test_a_code_is_good_for_its_verifier_once(people: Enforced) -> None:
    """Another verifier gets nothing for a code, and nobody gets anything a second time."""
    visit = Visit.begin(people.stage)
    code = visit.code_for(DEMO.name)
    assert visit.exchange(code, "another-verifier-of-43-characters-at-the-least")["error"] == "invalid_grant"
    assert "access_token" in visit.exchange(code)
    assert visit.exchange(code)["error"] == "invalid_grant"


def test_the_issuer_sends_codes_to_the_console_only(people: Enforced) -> None:
    """A redirect elsewhere and a scope that the client has not are refused; the client has no other flow."""
    visit = Visit.begin(people.stage)
    assert visit.authorize(redirect_uri="https://evil.example.com/console").status == 400
    assert "error=" in visit.authorize(scope="aws.cognito.signin.user.admin").headers["Location"]
    assert "access_token" not in visit.tokens(grant_type="client_credentials", scope="profiles/read")


@pytest.fixture
def stranger(people: Enforced) -> Iterator[str]:
    """Create a person of no group for a test; return its name."""
    pool, cognito = people.stage.outputs["UserPoolId"], people.stage.clients.cognito
    cognito.admin_create_user(
        UserPoolId=pool, Username="stranger", TemporaryPassword="Stranger-Password-1", MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(UserPoolId=pool, Username="stranger", Password="Demo-Password-12", Permanent=True)
    yield "stranger"
    cognito.admin_delete_user(UserPoolId=pool, Username="stranger")


def test_who_is_in_no_group_may_nothing(people: Enforced, stranger: str) -> None:
    """A person that signs in without a group of a partner is a client without grants, and told so."""
    answer = call(people, token_of(people.stage, stranger), "GET", "/v1/quota")
    assert (answer.status, answer.json()["type"]) == (403, "urn:moengage-lookup:problem:unknown-client")
    assert answer.json()["detail"] == "you are in no group that may use this service"


def test_the_operators_scope_needs_an_operators_group(people: Enforced) -> None:
    """Everybody's token has the scope; only people of an admin partner see the intake queue's day."""
    day = "/v1/lookups/intake-2026-11-29"
    demo, operator = (call(people, token_of(people.stage, one.name), "GET", day) for one in (DEMO, OPERATOR))
    assert demo.status == operator.status == 404  # nothing came that day; another's lookup is not there, either
