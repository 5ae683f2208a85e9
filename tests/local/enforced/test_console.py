"""The console's side of the API on a deployed stage: its files, and people who sign in to it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from infra.local.simulator.process import Fault
from infra.local.stage.people import DEMO, OPERATOR, put_people
from lookup.api.console.pages import BUILT
from lookup.api.openapi.models.operators import (
    OperatorLookup,
    OperatorLookupPage,
    PartnerPage,
    Redriven,
    SteeredGate,
)
from lookup.api.openapi.models.quota import Quota
from tests.local.enforced.conftest import Enforced
from tests.local.enforced.signing_in import HTTP, Visit, token_of
from tests.waiting import until

QUEUES = {
    "intake", "parts", "answers", "conversions", "results", "webhooks", "erasures", "failed-firings",
    "undelivered-events",
}  # fmt: skip
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


def subject_of(token: str) -> str:
    """Return whom a token is about."""
    payload = token.split(".")[1]
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["sub"]


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
            "scopes": ["profiles/read", "lookups/write", "schedules/write", "profiles/erase", "service/admin"],
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


def test_the_issuer_sends_people_to_the_console_only(people: Enforced) -> None:
    """A redirect elsewhere, signing out too, and a scope that the client has not are refused; it has no other flow."""
    visit = Visit.begin(people.stage)
    assert visit.authorize(redirect_uri="https://evil.example.com/console").status == 400
    assert "error=" in visit.authorize(scope="aws.cognito.signin.user.admin").headers["Location"]
    assert "access_token" not in visit.tokens(grant_type="client_credentials", scope="profiles/read")
    assert visit.sign_out(people.stage.console_url).headers["Location"] == people.stage.console_url
    assert visit.sign_out("https://evil.example.com/console").status == 400


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


@pytest.fixture(scope="module")
def demo(people: Enforced) -> str:
    """Return the token of a partner's person: it has the operators' scope, as anybody may request it."""
    return token_of(people.stage, DEMO.name)


@pytest.fixture(scope="module")
def operator(people: Enforced) -> str:
    """Return the token of an operator."""
    return token_of(people.stage, OPERATOR.name)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/operator/partners", None),
        ("GET", "/v1/operator/lookups", None),
        ("GET", "/v1/operator/lookups/lookup-1", None),
        ("GET", "/v1/operator/dead-letters", None),
        ("POST", "/v1/operator/gate", {"action": "open"}),
        ("POST", "/v1/operator/redrive", {"queue": "intake"}),
    ],
)
def test_partners_operate_nothing(
    people: Enforced, demo: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    """A person of a partner that is not admin is refused, whatever scope its token has; a partner's client, too."""
    answer = call(people, demo, method, path, body)
    assert (answer.status, answer.json()["type"]) == (403, "urn:moengage-lookup:problem:forbidden")
    assert people.call(method, path, body) == 403


def test_who_is_not_granted_erasures_erases_nobody(people: Enforced, demo: str, operator: str) -> None:
    """A person's token has the scope of erasures, and of operators: what counts is what its partner is granted."""
    order = {"identifiers": ["nobody-of-interest"]}
    for method, path, body in (("POST", "/v1/erasures", order), ("GET", "/v1/erasures/erasure-1", None)):
        answer = call(people, demo, method, path, body)
        assert (answer.status, answer.json()["detail"]) == (403, "your partner may not erase people")
    assert "profiles/erase" not in call(people, demo, "GET", "/v1/grants").json()["scopes"]
    assert "profiles/erase" in call(people, operator, "GET", "/v1/grants").json()["scopes"]
    begun = call(people, operator, "POST", "/v1/erasures", order)
    assert (begun.status, begun.json()["identifiers"]) == (202, 1)
    assert call(people, operator, "GET", begun.json()["links"]["self"]).status == 200
    until(lambda: people.logged("OnRequest", '"erasure requested"'))
    assert people.logged("OnRequest", subject_of(operator))
    assert not people.logged("OnRequest", "nobody-of-interest")


def test_an_operator_sees_all_partners(people: Enforced, demo: str, operator: str) -> None:
    """Lookups and use of every partner, and the dead letters of every queue; partners see their own alone."""
    order = {"identifiers": [f"C-{number}" for number in range(150)]}
    lookup = call(people, demo, "POST", "/v1/lookups", order).json()["lookup_id"]
    page = call(people, operator, "GET", "/v1/operator/lookups?partner=demo&limit=100")
    OperatorLookupPage.model_validate(page.json())
    assert {one["partner"] for one in page.json()["lookups"] if one["lookup_id"] == lookup} == {"demo"}
    OperatorLookupPage.model_validate(call(people, operator, "GET", "/v1/operator/lookups").json())
    assert call(people, operator, "GET", f"/v1/lookups/{lookup}").status == 404
    opened = call(people, operator, "GET", f"/v1/operator/lookups/{lookup}").json()
    OperatorLookup.model_validate(opened)
    assert (opened["lookup_id"], opened["partner"], opened["counts"]["requested"]) == (lookup, "demo", 150)
    assert call(people, operator, "GET", "/v1/operator/lookups/lookup-of-nobody").status == 404
    partners = call(people, operator, "GET", "/v1/operator/partners").json()
    PartnerPage.model_validate(partners)
    assert [one["name"] for one in partners["partners"]] == ["demo", "ops"]
    quota = call(people, operator, "GET", "/v1/quota?minutes=60").json()
    Quota.model_validate(quota)
    assert set(quota["dead_letters"]) == QUEUES
    assert "dead_letters" not in call(people, demo, "GET", "/v1/quota").json()
    grants = [call(people, token, "GET", "/v1/grants").json() for token in (demo, operator)]
    assert [one["is_operator"] for one in grants] == [False, True]


def test_an_operator_opens_a_gate(people: Enforced, operator: str) -> None:
    """A gate that MoEngage's refusal closed is open again, since now; who did it is in the log."""
    assert people.stage.simulator is not None
    people.stage.simulator.set_faults(Fault(status=403))
    try:
        call(people, operator, "POST", "/v1/lookups", {"identifiers": ["C-7"]})
        closed = call(people, operator, "GET", "/v1/quota").json()["gate"]
        assert (closed["state"], closed["reason"]) == ("closed", "refused")
        assert closed["explanation"].startswith("MoEngage refuses")
    finally:
        people.stage.simulator.set_faults()
    opened = call(people, operator, "POST", "/v1/operator/gate", {"workspace": "default", "action": "open"})
    SteeredGate.model_validate(opened.json())
    assert (opened.status, opened.json()["state"], opened.json()["reason"]) == (200, "open", None)
    assert opened.json()["since"] >= closed["since"]
    until(lambda: people.logged("OnRequest", '"gate opened"'))
    assert people.logged("OnRequest", subject_of(operator))
    assert call(people, operator, "POST", "/v1/operator/gate", {"workspace": "none", "action": "open"}).status == 422


def test_an_operator_redrives_after_seeing_what_it_costs(people: Enforced, operator: str) -> None:
    """A dry run counts and changes nothing; then letters go back, unreadable ones stay, and nobody reads them here."""
    sqs, outputs = people.stage.clients.sqs, people.stage.outputs
    url = outputs["IntakeDeadLetterQueueUrl"]
    for body in ('["C-1", "C-2"]', '["C-3"]', "{broken"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    order = {"queue": "intake"}
    looked = call(people, operator, "POST", "/v1/operator/redrive?dry_run=true", order).json()
    Redriven.model_validate(looked)
    assert (looked["dry_run"], looked["waiting"], looked["seen"]) == (True, 3, 3)
    assert looked["actions"] == {"sent": 2, "retried": 0, "dropped": 0, "left": 1}
    assert (looked["users"], looked["users_of_all"]) == ({"default": 3}, {"default": 3})
    assert people.depth("IntakeDeadLetterQueueUrl") == (3, 0)
    done = call(people, operator, "POST", "/v1/operator/redrive", order).json()
    assert (done["dry_run"], done["actions"]) == (False, looked["actions"])
    assert sum(people.depth("IntakeDeadLetterQueueUrl")) == 1
    until(lambda: people.logged("OnRequest", '"dead letters redriven"'))
    assert call(people, operator, "POST", "/v1/operator/redrive", {"queue": "failed-firings"}).status == 409
    for queue in ("parts", "answers", "conversions", "results", "erasures"):
        page = call(people, operator, "POST", "/v1/operator/redrive?dry_run=true", {"queue": queue})
        assert (page.status, page.json()["seen"]) == (200, 0)


def test_a_page_of_the_api_may_send_its_upload_to_the_bucket(people: Enforced, demo: str) -> None:
    """The bucket allows a PUT of an upload, with its headers, from the API's origin: nothing else, and nobody else."""
    upload = call(people, demo, "POST", "/v1/rosters", {"bytes": 4}).json()["upload"]
    origin = people.stage.outputs["ConsoleUrl"].removesuffix("/console")
    names = ", ".join([*upload["headers"], "Content-Type"]).lower()

    def asked(**changed: str) -> Any:
        wanted = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": names}
        headers = wanted | {name.replace("_", "-"): value for name, value in changed.items()}
        return HTTP.request("OPTIONS", upload["url"], headers=headers)

    allowed = asked()
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (200, origin)
    for changed in (
        {"Origin": "https://evil.example.com"},
        {"Access_Control_Request_Method": "GET"},
        {"Access_Control_Request_Method": "DELETE"},
        {"Access_Control_Request_Headers": "authorization"},
    ):
        assert asked(**changed).status == 403
    sent = {**upload["headers"], "Content-Type": "text/csv", "Origin": origin}
    put = HTTP.request("PUT", upload["url"], body=b"C-1\n", headers=sent)
    assert (put.status, put.headers["Access-Control-Allow-Origin"]) == (200, origin)
