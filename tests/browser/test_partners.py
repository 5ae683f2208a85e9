"""The partner's side on the local stage: the page's snippets as they are written, and Swagger UI in a real browser."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from infra.local.api_client import Partner
from infra.local.embedded_aws import PROJECT
from infra.local.invitation import docs_link
from infra.local.options import read_options
from infra.local.ports import free_port
from infra.local.stage import Stage, local_stage
from tests.browser.chromium import browser
from tests.browser.snippets import languages, run

PAGE = PROJECT / "docs" / "partners.md"
SCREENSHOT = "swagger-ui.png"
PATIENCE = 30_000.0  # milliseconds


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
    """Give what the operator gives a partner."""
    partner = Partner.of(stage)
    return {
        "API_URL": stage.api_url,
        "TOKEN_URL": f"{stage.endpoint_url}/oauth2/token",
        "CLIENT_ID": partner.client_id,
        "CLIENT_SECRET": partner.client_secret,
    }


@pytest.fixture
def page() -> Iterator[Page]:
    """Open a tab; whatever its console says that is not a warning fails the test."""
    with browser() as started:
        tab = started.new_page(viewport={"width": 1180, "height": 2250})
        tab.set_default_timeout(PATIENCE)
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        yield tab
        assert said == []


def test_every_snippet_is_run() -> None:
    """The page has no block that these tests do not run."""
    assert languages(PAGE) == {"sh", "python"}


def test_the_shell_snippets_work_as_written(variables: dict[str, str], tmp_path: Path) -> None:
    """With the four variables that the page names, a partner comes from a token to a profile, a lookup, its results."""
    assert shutil.which("curl"), "the page's snippets need curl"
    assert shutil.which("jq"), "the page's snippets need jq"
    written = run(PAGE, "sh", variables, tmp_path)
    profile, end = json.JSONDecoder().raw_decode(written)
    assert (profile["identifier"], profile["outcome"]) == ("C-1001", "found")
    rest = written[end:]
    assert '"requested": 3' in rest
    assert [json.loads(line)["outcome"] for line in rest.splitlines() if line.startswith('{"identifier"')] == [
        "found"
    ] * 3
    assert '"urn:moengage-lookup:problem:invalid"' in rest
    assert '"query.max_age"' in rest


def test_the_python_snippets_work_as_written(variables: dict[str, str], tmp_path: Path) -> None:
    """The same in Python: a profile's attributes, then a lookup that ends with all of its users."""
    written = run(PAGE, "python", variables, tmp_path)
    assert "'customer_id': 'C-1001'" in written
    assert "completed {'requested': 130, 'found': 130" in written


def test_swagger_ui_gets_a_token_in_one_click_and_reads_a_profile(stage: Stage, page: Page, tmp_path: Path) -> None:
    """In a browser: one click for the token, then `GET /v1/profiles/…` is tried and its answer read."""
    page.goto(docs_link(stage))
    page.click("#get-token")
    expect(page.locator("#told")).to_have_text("You have a token, good for 60 minutes.", timeout=PATIENCE)
    assert "#" not in page.url, "the secret stays out of the address"
    answer = _try_profile(page, "C-1001")
    assert (answer["identifier"], answer["outcome"]) == ("C-1001", "found")
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    page.mouse.wheel(0, -10_000)
    page.screenshot(path=folder / SCREENSHOT)
    assert (folder / SCREENSHOT).stat().st_size > 20_000


def test_swagger_ui_authorises_by_client_credentials(stage: Stage, page: Page) -> None:
    """Client id and secret entered under Authorize get a token too, and a profile with it."""
    partner = Partner.of(stage)
    page.goto(f"{stage.api_url}/docs")
    page.click(".auth-wrapper .authorize")
    page.fill("#client_id_clientCredentials", partner.client_id)
    page.fill("#client_secret_clientCredentials", partner.client_secret)
    form = page.locator(".auth-container", has_text="clientCredentials")
    form.get_by_text("select all").click()
    form.get_by_role("button", name="Apply given OAuth2 credentials").click()
    expect(form.get_by_role("button", name="Remove authorization")).to_be_visible(timeout=PATIENCE)
    page.click(".modal-ux .close-modal")
    assert _try_profile(page, "C-1002")["outcome"] == "found"


def _try_profile(page: Page, identifier: str) -> dict[str, object]:
    operation = page.locator("#operations-Profiles-getProfile")
    operation.locator(".opblock-summary-control").click()
    operation.locator("tr[data-param-name='identifier_type'] input").fill("customer_id")
    operation.locator("tr[data-param-name='identifier'] input").fill(identifier)
    operation.locator(".execute").click()
    live = operation.locator(".live-responses-table")
    expect(live.locator(".response-col_status").last).to_contain_text("200", timeout=PATIENCE)
    answer: dict[str, object] = json.loads(
        live.locator(".response-col_description .highlight-code code").first.inner_text()
    )
    return answer
