"""Signing in, staying signed in, and what is kept of it: nothing."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, Route, expect

from infra.local.stage.people import DEMO, OPERATOR
from infra.local.stage.stage import Stage
from tests.console.person import Person

API = re.compile(r"/v1/")
TOKEN = re.compile(r"/oauth2/token")


def test_a_person_signs_in_by_a_code_with_pkce(stage: Stage, chromium: Browser) -> None:
    """The embedded Cognito's page asks for the password, returns a code to the page that began, and closes."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        with person.page.expect_popup() as opened:
            person.page.get_by_role("button", name="Sign in").click()
        window = opened.value
        window.wait_for_load_state()
        asked = window.url + window.content()
        assert "code_challenge" in asked
        assert "S256" in asked
        person.enter(window)
        expect(person.page.get_by_text("partner demo")).to_be_visible()
        expect(person.page.get_by_role("banner").get_by_text("demo", exact=True)).to_be_visible()
        assert window.is_closed() or window.wait_for_event("close") is window
        exchange = next(one for one in person.requests if TOKEN.search(one.url))
        assert "code_verifier=" in (exchange.post_data or "")
        assert person.page.url.partition("#")[0] == stage.console_url


def test_no_token_is_kept_anywhere(demo: Person) -> None:
    """Tokens and codes are in no storage, cookie, address or history: a reload asks to sign in."""
    token = demo.authorization.removeprefix("Bearer ")
    assert len(token) > 100
    kept = demo.kept()
    assert token not in kept
    assert "code=" not in kept
    assert demo.page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_without_pop_ups_the_page_itself_goes_there_and_back(stage: Stage, chromium: Browser) -> None:
    """Where the browser opens no window, the verifier waits in sessionStorage for the return, and no longer."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.page.evaluate("window.open = () => null")
        person.page.get_by_role("button", name="Sign in").click()
        person.enter(person.page)
        expect(person.page.get_by_text("partner demo")).to_be_visible()
        assert person.page.evaluate("sessionStorage.length") == 0
        assert person.page.url == stage.console_url


def _block_windows(page: Page) -> None:
    page.evaluate("window.open = () => null")


def test_a_token_endpoint_that_does_not_answer_is_said(stage: Stage, chromium: Browser) -> None:
    """Signing in fails with a sentence and a button, in a window of its own and in the page itself; then it works."""
    for has_window in (True, False):
        with Person.sitting(chromium, stage, DEMO.name) as person:
            page = person.page
            page.route(TOKEN, lambda route: route.abort("connectionrefused"))
            if has_window:
                with page.expect_popup() as opened:
                    page.get_by_role("button", name="Sign in").click()
                person.enter(opened.value)
            else:
                _block_windows(page)
                page.get_by_role("button", name="Sign in").click()
                person.enter(page)
            expect(page.get_by_role("alert")).to_contain_text("the address that gives out tokens does not answer")
            page.unroute(TOKEN)
            _block_windows(page)
            page.get_by_role("button", name="Sign in").click()
            person.enter(page)
            expect(page.get_by_text("partner demo")).to_be_visible()
            assert person.unexpected == []


def test_a_renewal_that_fails_for_a_moment_signs_nobody_out(stage: Stage, chromium: Browser) -> None:
    """A token endpoint in trouble is asked again later: only its refusal ends a sign-in."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        refused = {person.authorization}
        expect(person.main.get_by_text("This minute")).to_be_visible()
        refused.add(person.authorization)

        def refuse(route: Route) -> None:
            if route.request.headers["authorization"] in refused:
                route.fulfill(status=401, json={"message": "Unauthorized"})
            else:
                route.fallback()

        person.page.route(API, refuse)
        person.page.route(TOKEN, lambda route: route.fulfill(status=503, body="busy"))
        expect(person.main.get_by_role("alert").first).to_contain_text("The service has not answered since")
        expect(person.page.get_by_role("dialog")).to_have_count(0)
        person.page.unroute(TOKEN)
        expect(person.main.get_by_role("alert")).to_have_count(0)
        expect(person.page.get_by_role("dialog")).to_have_count(0)


def test_a_code_that_nobody_has_asked_for_signs_nobody_in(stage: Stage, chromium: Browser) -> None:
    """A link with somebody else's code is put aside: its state is not one of this page."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.page.goto(f"{stage.console_url}?code=stolen&state=made-up")
        expect(person.page.get_by_role("heading", level=1)).to_have_text("You can close this window")
        assert person.page.url == stage.console_url
        assert [one for one in person.requests if TOKEN.search(one.url)] == []


def test_a_sign_in_that_ends_in_the_middle_loses_nothing(stage: Stage, chromium: Browser) -> None:
    """When the token is refused and cannot be renewed, the page asks to sign in again, and what was begun goes on."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        person.drop("list.csv", b"customer_id\nE-1\nE-2\n")
        page = person.page
        ended = {"is": True}

        def refuse(route: Route) -> None:
            if ended["is"]:
                route.fulfill(status=401, json={"message": "Unauthorized"})
            else:
                route.fallback()

        page.route(API, refuse)
        page.route(TOKEN, lambda route: route.fulfill(status=400, json={"error": "invalid_grant"}))
        person.main.get_by_role("button", name="Upload and estimate").click()
        dialog = page.get_by_role("dialog", name="Sign in again to go on")
        expect(dialog).to_contain_text("Nothing is lost")
        page.unroute(TOKEN)
        ended["is"] = False
        with page.expect_popup() as opened:
            dialog.get_by_role("button", name="Sign in").click()
        person.enter(opened.value)
        expect(dialog).to_be_hidden()
        expect(person.main.get_by_text("It asks for 2 users")).to_be_visible()


def test_what_somebody_began_is_not_taken_over_by_another(stage: Stage, chromium: Browser) -> None:
    """When another person signs in where a sign-in has ended, the page begins anew, and nothing goes on."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        person.drop("list.csv", b"customer_id\nE-1\nE-2\n")
        page = person.page
        page.route(API, lambda route: route.fulfill(status=401, json={"message": "Unauthorized"}))
        page.route(TOKEN, lambda route: route.fulfill(status=400, json={"error": "invalid_grant"}))
        person.main.get_by_role("button", name="Upload and estimate").click()
        dialog = page.get_by_role("dialog", name="Sign in again to go on")
        expect(dialog).to_be_visible()
        page.unroute(TOKEN)
        person.requests.clear()
        with page.expect_popup() as opened:
            dialog.get_by_role("button", name="Sign in").click()
        person.name = OPERATOR.name
        person.enter(opened.value)
        expect(page.get_by_role("heading", name="moengage-lookup")).to_be_visible()
        assert [one.url for one in person.requests if "/v1/" in one.url] == []


def test_a_refused_token_is_renewed_without_a_word(demo: Person) -> None:
    """An answer of 401 renews the token once and sends the request again: the person sees none of it."""
    refused: list[str] = []

    def once(route: Route) -> None:
        token = route.request.headers["authorization"]
        if not refused:
            refused.append(token)
        if token in refused:
            route.fulfill(status=401, json={"message": "Unauthorized"})
        else:
            route.fallback()

    demo.go("One user")
    demo.page.route(API, once)
    with demo.page.expect_response(lambda one: API.search(one.url) is not None and one.ok):
        demo.go("Lookups")
    expect(demo.page.get_by_role("dialog")).to_have_count(0)
    assert any("grant_type=refresh_token" in (one.post_data or "") for one in demo.requests if TOKEN.search(one.url))


def test_signing_out_ends_it_here_and_at_the_sign_in_page(stage: Stage, chromium: Browser) -> None:
    """After signing out the page asks to sign in, and so does the sign-in page."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        person.page.get_by_role("button", name="Sign out").click()
        expect(person.page.get_by_role("button", name="Sign in")).to_be_visible()
        with person.page.expect_popup() as opened:
            person.page.get_by_role("button", name="Sign in").click()
        expect(opened.value.locator("input[name=password]")).to_be_visible()
