"""One glance: the minute moves on, the backlog has an end, the gate a beginning; a page that fails is the only one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, Route, expect

from infra.local.stage.people import DEMO
from infra.local.stage.stage import Stage
from tests.console.person import Person

QUOTA = re.compile(r"/v1/quota")
TALLEST = '.bulk[style*="100%"]'
COLUMN = f"() => [...document.querySelectorAll('.seconds span')].findIndex((one) => one.querySelector('{TALLEST}'))"


def _once(changed: dict[str, Any]) -> Any:
    """Answer the stage's quota with something changed, and from then on that it has not."""
    answered: list[str] = []

    def answer(route: Route) -> None:
        if answered:
            route.fulfill(status=304, headers={"ETag": answered[0]})
            return
        got = route.fetch()
        answered.append(got.headers["etag"])
        route.fulfill(response=got, json=got.json() | changed | _just_now(got.json()["at"]))

    return answer


def _just_now(at: str) -> dict[str, Any]:
    now = datetime.fromisoformat(at)
    slot = {"from": (now - timedelta(seconds=1)).isoformat(), "until": at, "on_demand": 0, "bulk": 20}
    since = (now - timedelta(minutes=20)).isoformat()
    gate = {"state": "open", "reason": None, "explanation": None, "since": since, "closed_until": None}
    backlog = {"users": 9000, "minutes": 9.0, "done_at": (now + timedelta(minutes=10)).isoformat()}
    return {"window": [slot], "backlog": backlog, "gate": gate | {"epoch": 1, "next_room": {}}}


def test_the_minute_moves_on_while_nothing_is_asked(demo: Person) -> None:
    """What was asked a second ago moves to the left, second by second, also when the service has nothing new to say."""
    demo.go("One user")
    demo.page.route(QUOTA, _once({}))
    demo.go("Overview")
    demo.page.wait_for_function(f"() => ({COLUMN})() >= 0")
    column = int(demo.page.evaluate(COLUMN))
    for moved in range(1, 5):
        demo.page.wait_for_function(f"() => ({COLUMN})() <= {column - moved}")


def test_what_waits_has_an_end_and_the_gate_a_beginning(demo: Person) -> None:
    """The backlog is told in users, in minutes of quota and by the clock; an open gate says since when."""
    demo.go("One user")
    demo.page.route(QUOTA, _once({}))
    demo.go("Overview")
    waiting = demo.main.get_by_role("region", name="Waiting")
    expect(waiting).to_contain_text("9,000")
    expect(waiting).to_contain_text(re.compile(r"9 minutes of quota; gone at \d\d:\d\d, in 10 minutes"))
    expect(demo.main).to_contain_text(re.compile(r"The gate is open since \d\d:\d\d \(20 minutes ago\)"))


def test_a_page_that_fails_is_the_only_one(demo: Person) -> None:
    """An answer that a page cannot show leaves all other pages as they were, and the page can be tried again."""
    demo.go("One user")
    demo.page.route(QUOTA, lambda route: route.fulfill(json={"gate": None}))
    overview = demo.page.get_by_role("navigation").get_by_role("link", name="Overview")
    heading = demo.page.get_by_role("heading", level=1)
    overview.press("Enter")
    expect(heading).to_have_text("This page has failed")
    demo.go("Lookups")
    overview.press("Enter")
    expect(heading).to_have_text("This page has failed")
    demo.page.unroute(QUOTA)
    demo.main.get_by_role("button", name="Show it again").click()
    expect(demo.main.get_by_text("This minute")).to_be_visible()


def test_a_browser_whose_language_is_none_shows_the_page(stage: Stage, chromium: Browser) -> None:
    """What a browser calls its language may be no tag that formats numbers: the page is there all the same."""
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.add_init_script("Object.defineProperty(navigator, 'language', {get: () => 'en-US@posix'})")
        page.goto(stage.console_url)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    finally:
        context.close()


def test_every_page_has_a_title(demo: Person) -> None:
    """The window is named for the page, and for nothing else."""
    for name in ("Overview", "Lookups", "New lookup", "One user"):
        demo.go(name)
        expect(demo.page).to_have_title(f"{name} · moengage-lookup console")


def test_dead_letters_of_every_queue_are_explained(operator: Person) -> None:
    """Each queue with dead letters says what is on it."""
    operator.go("Operator")
    rows = operator.main.get_by_role("region", name="Dead letters by queue").locator("tbody tr")
    expect(rows.first).to_be_visible()
    assert [row for row in rows.all() if not row.locator("td").nth(1).inner_text()] == []


def test_the_page_of_somebody_else_is_not_shown(demo: Person) -> None:
    """Who may not erase people has no such page."""
    assert DEMO.name == demo.name
    demo.page.evaluate("location.hash = '#/erasures'")
    expect(demo.page.get_by_role("heading", level=1)).to_have_text("There is no such page for you")
    demo.go("Overview")
