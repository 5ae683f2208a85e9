"""Lookups in a list and one by one, also when there are very many, and when the service does not answer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Route, expect

from infra.local.stage.people import DEMO
from infra.local.stage.stage import Stage
from tests.console.person import Person

LIST = re.compile(r"/v1/lookups\?")
API = re.compile(r"/v1/")
QUOTA = re.compile(r"/v1/quota")
ALL = 10_000


def test_a_lookup_is_paused_and_resumed_after_saying_what_that_does(demo: Person) -> None:
    """Each act says first what it will do; paused, nothing moves; resumed, it comes to its end."""
    demo.drop("list.csv", b"customer_id\n" + b"".join(b"S-%d\n" % one for one in range(5000)))
    demo.start()
    dialog = demo.page.get_by_role("dialog")
    demo.main.get_by_role("button", name="Pause").click()
    expect(dialog).to_contain_text("nobody more is asked until you resume it")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_have_count(0)
    expect(demo.main.get_by_text("in progress", exact=True)).to_be_visible()
    demo.main.get_by_role("button", name="Pause").click()
    dialog.get_by_role("button", name="Pause it").click()
    expect(demo.main.get_by_text("It is paused: nothing more is asked until it is resumed.")).to_be_visible()
    demo.main.get_by_role("button", name="Resume").click()
    expect(dialog).to_contain_text("They count towards your users of the day.")
    dialog.get_by_role("button", name="Resume it").click()
    expect(demo.main.get_by_text("in progress", exact=True)).to_be_visible()
    demo.main.get_by_role("button", name="Cancel").click()
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_role("button", name="Cancel the lookup").click()
    expect(demo.main.get_by_text("cancelled", exact=True)).to_be_visible()


def _lookup(number: int) -> dict[str, Any]:
    state = ("active", "paused", "completed")[number % 3]
    counts = {"requested": 1000, "found": 400, "not_found": 90, "invalid": 5, "failed": 5}
    return {
        "lookup_id": f"lookup-{number:05}",
        "state": state,
        "workspace": "default",
        "submitted_at": "2026-11-28T10:00:00.000000Z",
        "finished_at": "2026-11-28T11:00:00.000000Z" if state == "completed" else None,
        "ended_because": None,
        "counts": counts,
        "requested_is_estimated": False,
        "progress": 1.0 if state == "completed" else 0.5,
        "parts": 5,
        "estimate": None,
        "results": None,
        "links": {"self": None, "results": None, "expires_at": None},
    }


def _some_of_many(route: Route) -> None:
    """Answer a page of ten thousand lookups, as the service does."""
    query = parse_qs(urlsplit(route.request.url).query)
    first, limit = int(query.get("after", ["0"])[0]), int(query["limit"][0])
    following = first + limit
    route.fulfill(
        json={
            "lookups": [_lookup(number) for number in range(first, min(following, ALL))],
            "next": str(following) if following < ALL else None,
        }
    )


def test_ten_thousand_lookups_are_read_page_by_page(demo: Person) -> None:
    """A page holds fifty; the next ones are a click away, up to the last, and states are filtered on each."""
    demo.page.route(LIST, _some_of_many)
    demo.go("Lookups")
    rows = demo.main.locator("tbody tr")
    expect(rows).to_have_count(50)
    older = demo.main.get_by_role("button", name="Older")
    for page in range(2, 6):
        older.click()
        expect(demo.main.get_by_role("heading", level=2)).to_have_text(f"Page {page}")
        expect(rows.first).to_contain_text(f"lookup-{50 * (page - 1):05}")
    demo.main.get_by_role("button", name=re.compile("^Paused")).click()
    expect(rows).to_have_count(16)
    assert set(demo.main.locator("tbody .badge").all_inner_texts()) == {"paused"}
    demo.main.get_by_role("button", name=re.compile("^All")).click()
    demo.main.get_by_role("button", name="Newer").click()
    expect(rows.first).to_contain_text("lookup-00150")
    assert len([one for one in demo.requests if LIST.search(one.url)]) < 12, "no page is read that nobody looks at"


def test_a_service_that_does_not_answer_is_said_until_it_does(demo: Person) -> None:
    """What was seen stays, with the time since which nothing is new; asking goes on less often, until it works."""
    demo.go("Overview")
    expect(demo.main.get_by_text("This minute")).to_be_visible()
    demo.page.route(API, lambda route: route.abort("connectionrefused"))
    expect(demo.main.get_by_role("alert").first).to_contain_text("The service has not answered since")
    expect(demo.main.get_by_text("This minute")).to_be_visible()
    demo.page.unroute(API)
    expect(demo.main.get_by_role("alert")).to_have_count(0)


def test_a_page_asks_politely(stage: Stage, chromium: Browser) -> None:
    """It asks with the ETag of the answer before, nothing while it is hidden, and at once when it is seen again."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        person.page.clock.install()
        person.go("Lookups")
        person.go("Overview")
        expect(person.main.get_by_text("This minute")).to_be_visible()
        with person.page.expect_request(QUOTA) as asked:
            person.page.clock.run_for(3000)
        assert asked.value.all_headers()["if-none-match"]
        assert asked.value.response() is not None
        person.page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")
        person.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        before = len(person.requests)
        person.page.clock.run_for(600_000)
        assert len(person.requests) == before
        with person.page.expect_request(QUOTA):
            person.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")


def test_a_page_that_is_left_stops_asking(demo: Person) -> None:
    """A request under way is aborted when another page is chosen."""
    demo.go("Overview")
    demo.page.route(LIST, lambda _: None)  # never answered
    demo.page.evaluate(
        "() => { const real = fetch; window.begun = [];"
        " window.fetch = (at, asked) => { begun.push([at, asked.signal]); return real(at, asked); } }"
    )
    with demo.page.expect_request(LIST):
        demo.go("Lookups")
    demo.go("Overview")
    demo.page.wait_for_function("() => begun.some(([at, signal]) => at.includes('lookups?') && signal.aborted)")


def test_a_link_to_a_lookup_of_another_is_refused(demo: Person) -> None:
    """What the API does not show, the page does not show either."""
    demo.page.evaluate("location.hash = '#/lookups/lookup-of-somebody-else'")
    expect(demo.main.get_by_role("alert")).to_be_visible()
    expect(demo.main.locator(".panel")).to_have_count(0)
