"""The partner's side on the local stage: the page's snippets as they are written, and Swagger UI in a real browser."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3
from playwright.sync_api import Locator, Page, expect

from infra.local.api_client import partner_of
from infra.local.ministack.process import PROJECT
from infra.local.next_steps import docs_link
from infra.local.options import read_options
from infra.local.ports import free_port
from infra.local.stage.stage import Stage, local_stage
from infra.local.waiting import Wait
from tests.browser.chromium import browser
from tests.browser.generated_client import Generated, generate
from tests.browser.snippets import languages, run
from tests.browser.token_endpoint import token_endpoint
from tests.waiting import GIVE_UP

PAGE = PROJECT / "docs" / "partners.md"
SCREENSHOT = "swagger-ui.png"
MISSING = [name for name in ("curl", "jq") if shutil.which(name) is None]
TIMEOUT_MS = GIVE_UP * 1000  # milliseconds


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Deploy the local stage; its MoEngage knows everybody and answers at once."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        with local_stage(read_options({"LOCAL_PORT": str(port)}), lambda _: None) as deployed:
            assert deployed.simulator is not None
            deployed.simulator.configure(not_found_share=0.0, latency={"mean": 0.0, "spread": 0.0})
            yield deployed
    shutil.rmtree(PROJECT / ".local" / f"run-{port}")


@pytest.fixture
def variables(stage: Stage) -> dict[str, str]:
    """Return a partner's credentials."""
    partner = partner_of(stage)
    return {
        "API_URL": stage.api_url,
        "TOKEN_URL": f"{stage.endpoint_url}/oauth2/token",
        "CLIENT_ID": partner.client_id,
        "CLIENT_SECRET": partner.client_secret,
    }


@pytest.fixture
def tab() -> Iterator[Page]:
    """Open a tab."""
    with browser() as started:
        opened = started.new_page(viewport={"width": 1180, "height": 2250})
        opened.set_default_timeout(TIMEOUT_MS)
        yield opened


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """Watch the tab: any console message that is not a warning fails the test."""
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    yield tab
    assert said == []


def test_every_snippet_is_run() -> None:
    """The page has no block that these tests do not run."""
    assert languages(PAGE) == {"sh", "python"}


@pytest.mark.skipif(bool(MISSING), reason=f"the page's shell snippets need {' and '.join(MISSING)}, not installed here")
def test_the_shell_snippets_work_as_written(variables: dict[str, str], tmp_path: Path) -> None:
    """With the four variables that the page names, a partner comes from a token to a profile, a lookup, its results."""
    written = run(PAGE, "sh", variables, tmp_path)
    profile, end = json.JSONDecoder().raw_decode(written)
    assert (profile["identifier"], profile["outcome"]) == ("C-1001", "found")
    rest = written[end:]
    assert '"requested": 3' in rest
    assert [json.loads(line)["outcome"] for line in rest.splitlines() if line.startswith('{"identifier"')] == [
        "found"
    ] * 3
    assert {line.rpartition("-")[2] for line in rest.splitlines() if line.endswith(".csv.gz")} == {"00001.csv.gz"}
    assert '"urn:moengage-lookup:problem:invalid"' in rest
    assert '"query.max_age"' in rest


def test_the_python_snippets_work_as_written(variables: dict[str, str], tmp_path: Path) -> None:
    """The same in Python: a profile's attributes, then a lookup that ends with all of its users."""
    written = run(PAGE, "python", variables, tmp_path)
    assert "'customer_id': 'C-1001'" in written
    assert "completed {'requested': 130, 'found': 130" in written


@pytest.fixture(scope="module")
def client(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    """Generate a client of the document, and return it a token of the stage."""
    folder = tmp_path_factory.mktemp("generated")
    generate(folder)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(partner_of(stage).token_request)
    token = urllib3.request("POST", f"{stage.endpoint_url}/oauth2/token", body=body, headers=form).json()[
        "access_token"
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield Generated(stage.api_url, token)


def test_a_generated_client_reads_a_profile(client: Generated) -> None:
    """A client generated of docs/openapi.json reads a profile with its times as times."""
    answer = client.call("profiles.get_profile", "customer_id", "C-1001")
    profile = answer.parsed
    assert (answer.status_code, type(profile)) == (200, client.model("Profile"))
    assert (profile.identifier, profile.outcome.value) == ("C-1001", "found")
    assert abs(datetime.now(UTC) - profile.fetched_at) < timedelta(hours=1)
    assert profile.user_attributes["customer_id"] == "C-1001"


def test_a_generated_client_follows_a_lookup_to_its_results(stage: Stage, client: Generated) -> None:
    """It submits a lookup, sees it end, and finds every outcome behind the link of its results."""
    order = client.model("LookupOrder")(
        identifiers=["C-1", "C-2", {"identifier_type": "customer_id", "identifier": "null"}]
    )
    submitted = client.call("lookups.submit_lookup", body=order, prefer="respond-async")
    lookup = submitted.parsed
    assert (submitted.status_code, type(lookup)) == (202, client.model("Lookup"))

    def done() -> int:
        results = client.call("lookups.get_lookup", lookup.lookup_id).parsed.results
        return int(results is not None and results.state.value == "ready")

    Wait("the lookup", 120.0, stage.folder, time.sleep).until_all(1, done, lambda *_: None)
    ended = client.call("lookups.get_lookup", lookup.lookup_id).parsed
    assert (ended.counts.requested, ended.counts.found, ended.counts.invalid) == (3, 2, 1)
    assert ended.submitted_at <= ended.finished_at
    files = client.call("lookups.list_results", lookup.lookup_id).parsed.files
    (file,) = [one for one in files if one.format_.value == "ndjson" and one.only is None]
    lines = gzip.decompress(urllib3.request("GET", file.url, decode_content=False).data).splitlines()
    assert sorted(json.loads(line)["outcome"] for line in lines) == ["found", "found", "invalid"]
    assert lookup.lookup_id in {one.lookup_id for one in client.call("lookups.list_lookups").parsed.lookups}


def test_a_generated_client_keeps_a_schedule(client: Generated) -> None:
    """It uploads a roster, keeps a schedule of it, reads and lists it, and deletes it."""
    roster = client.call("rosters.create_roster", body=client.model("RosterUpload")(4)).parsed
    upload = roster.upload
    headers = upload.headers.to_dict()
    assert urllib3.request(upload.method, upload.url, body=b"C-1\n", headers=headers).status == 200
    order = client.model("ScheduleOrder")(roster_id=roster.roster_id, expression="cron(0 3 ? * L *)")
    assert client.call("schedules.put_schedule", "weekly", body=order).status_code == 201
    schedule = client.call("schedules.get_schedule", "weekly").parsed
    assert (schedule.expression, schedule.last_skipped_at) == ("cron(0 3 ? * L *)", None)
    (listed,) = client.call("schedules.list_schedules").parsed.schedules
    assert (listed.name, listed.created_at <= listed.changed_at) == ("weekly", True)
    assert client.call("schedules.delete_schedule", "weekly").status_code == 204
    assert client.call("schedules.get_schedule", "weekly").status_code == 404


def test_a_generated_client_reads_problems(client: Generated) -> None:
    """Our problems and the gateway's own answers are each what they are, where one status has both, too."""
    refused = client.call("profiles.get_profile", "customer_id", "null").parsed
    assert type(refused) is client.model("Problem")
    assert (refused.type_, refused.status) == ("urn:moengage-lookup:problem:invalid", 422)
    assert [one.field for one in refused.errors] == ["identifier"]
    refused = replace(client, token="spoilt").call("quota.get_quota")
    assert (refused.status_code, type(refused.parsed)) == (401, client.model("GatewayMessage"))
    for status in (403, 429, 503):
        by_gateway = client.parsed("quota.get_quota", status, {"message": "Forbidden"})
        assert by_gateway == client.model("GatewayMessage")(message="Forbidden")


def test_swagger_ui_gets_a_token_in_one_click_and_reads_a_profile(stage: Stage, page: Page, tmp_path: Path) -> None:
    """In a browser: one click for the token, then `GET /v1/profiles` is tried and its answer read."""
    page.goto(docs_link(stage))
    page.click("#get-token")
    expect(page.locator("#told")).to_have_text("You have a token, good for 60 minutes.", timeout=TIMEOUT_MS)
    assert "#" not in page.url, "the secret stays out of the address"
    answer = _try_profile(page, "C-1001")
    assert (answer["identifier"], answer["outcome"]) == ("C-1001", "found")
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    page.mouse.wheel(0, -10_000)
    page.screenshot(path=folder / SCREENSHOT)
    assert (folder / SCREENSHOT).stat().st_size > 20_000


def test_swagger_ui_authorises_by_client_credentials(stage: Stage, page: Page) -> None:
    """Client id and secret entered under Authorize get a token too, and a profile with it."""
    page.goto(f"{stage.api_url}/docs")
    form = _authorise_by_client(stage, page)
    expect(form.get_by_role("button", name="Remove authorization")).to_be_visible(timeout=TIMEOUT_MS)
    page.click(".modal-ux .close-modal")
    assert _try_profile(page, "C-1002")["outcome"] == "found"


def test_a_token_endpoint_of_another_origin_need_not_allow_anything_beforehand(stage: Stage, page: Page) -> None:
    """An answer that any origin may read is enough, as Cognito gives it: no preflight request is sent."""
    with token_endpoint(_token_url(stage), readable=True) as endpoint:
        endpoint.behind(page)
        page.goto(docs_link(stage))
        page.click("#get-token")
        expect(page.locator("#told")).to_have_text("You have a token, good for 60 minutes.", timeout=TIMEOUT_MS)
        form = _authorise_by_client(stage, page)
        expect(form.get_by_role("button", name="Remove authorization")).to_be_visible(timeout=TIMEOUT_MS)
        assert endpoint.methods == ["POST", "POST"]


def test_a_token_is_pasted_where_the_endpoint_cannot_be_read(stage: Stage, tab: Page) -> None:
    """A token endpoint whose response no page may read is reported, with what to do; doing that reads a profile."""
    with token_endpoint(_token_url(stage), readable=False) as endpoint:
        endpoint.behind(tab)
        tab.goto(docs_link(stage))
        tab.click("#get-token")
        expect(tab.locator("#told")).to_contain_text("paste it: Authorize, then token", timeout=TIMEOUT_MS)
        form = _authorise_by_client(stage, tab)
        expect(form).to_contain_text("Failed to fetch", timeout=TIMEOUT_MS)
    expect(form).to_contain_text("paste a token into token instead")
    by_hand = tab.locator(".auth-container", has_text="http, Bearer")
    expect(by_hand.locator("code", has_text="curl -s")).to_contain_text("| jq -r .access_token")
    by_hand.locator("input").fill(_token(stage))
    by_hand.get_by_role("button", name="Apply credentials").click()
    tab.click(".modal-ux .close-modal")
    assert _try_profile(tab, "C-1003")["outcome"] == "found"


def _authorise_by_client(stage: Stage, page: Page) -> Locator:
    """Enter client id and secret under Authorize, and apply them; return the form."""
    partner = partner_of(stage)
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", partner.client_id)
    page.fill("#client_secret_clientCredentials", partner.client_secret)
    form = page.locator(".auth-container", has_text="clientCredentials")
    form.get_by_text("select all").click()
    form.get_by_role("button", name="Apply given OAuth2 credentials").click()
    return form


def _token_url(stage: Stage) -> str:
    return f"{stage.endpoint_url}/oauth2/token"


def _token(stage: Stage) -> str:
    form = partner_of(stage).token_request
    answer = urllib3.PoolManager().request("POST", _token_url(stage), fields=form, encode_multipart=False)
    return str(answer.json()["access_token"])


def _try_profile(page: Page, identifier: str) -> dict[str, object]:
    operation = page.locator("#operations-Profiles-readProfile")
    operation.locator(".opblock-summary-control").click()
    operation.locator("tr[data-param-name='identifier_type'] input").fill("customer_id")
    operation.locator("tr[data-param-name='identifier'] input").fill(identifier)
    operation.locator(".execute").click()
    live = operation.locator(".live-responses-table")
    expect(live.locator(".response-col_status").last).to_contain_text("200", timeout=TIMEOUT_MS)
    answer: dict[str, object] = json.loads(
        live.locator(".response-col_description .highlight-code code").first.inner_text()
    )
    return answer
