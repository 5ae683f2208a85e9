"""Lookups in a list and one by one, also when there are very many, and when the service does not answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import APIResponse, Browser, Route, expect

from infra.local.simulator.faults import Fault
from infra.local.stage.people import DEMO
from infra.local.stage.stage import Stage
from tests.console.person import Person

LIST = re.compile(r"/v1/lookups\?")
READ = re.compile(r"/v1/lookups/[^/?]+$")
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
    """Answer a page of ten thousand lookups, as the service does: of one state, what it finds among the next 120."""
    query = parse_qs(urlsplit(route.request.url).query)
    first, limit = int(query.get("after", ["0"])[0]), int(query["limit"][0])
    wanted = query.get("state", [""])[0]
    following = first + (120 if wanted else limit)
    looked_at = [_lookup(number) for number in range(first, min(following, ALL))]
    route.fulfill(
        json={
            "lookups": [one for one in looked_at if wanted in {"", one["state"]}][:limit],
            "next": str(following) if following < ALL else None,
        }
    )


def test_ten_thousand_lookups_are_read_page_by_page(demo: Person) -> None:
    """A page holds fifty, the next ones are a click away, up to the last, and a filter begins with the newest."""
    demo.page.route(LIST, _some_of_many)
    demo.go("Lookups")
    rows = demo.main.locator("tbody tr")
    expect(rows).to_have_count(50)
    older = demo.main.get_by_role("button", name="Older")
    for page in range(2, 6):
        older.click()
        expect(demo.main.get_by_role("heading", level=2)).to_have_text(f"Page {page}")
        expect(rows.first).to_contain_text(f"lookup-{50 * (page - 1):05}")
    demo.main.get_by_role("button", name="Paused").click()
    expect(demo.main.get_by_role("heading", level=2)).to_have_text("Page 1")
    expect(rows).to_have_count(40)
    assert set(demo.main.locator("tbody .badge").all_inner_texts()) == {"paused"}
    older.click()
    expect(rows.first).to_contain_text("lookup-00121")
    demo.main.get_by_role("button", name="Cancelled").click()
    expect(demo.main).to_contain_text("There are none among those that were looked at.")
    expect(older).to_be_enabled()
    demo.main.get_by_role("button", name="All", exact=True).click()
    expect(rows).to_have_count(50)
    assert len([one for one in demo.requests if LIST.search(one.url)]) < 14, "no page is read that nobody looks at"


def test_a_list_says_when_each_lookup_will_be_done(demo: Person) -> None:
    """What runs has its estimate in the list, and is found by its state; paused, it is found by that one."""
    demo.drop("list.csv", b"customer_id\n" + b"".join(b"T-%d\n" % one for one in range(5000)))
    started = demo.start()
    demo.go("Lookups")
    row = demo.main.locator("tr", has_text=started)
    expect(row).to_contain_text(re.compile(r"done in \d+ (second|minute)s?"))
    demo.main.get_by_role("button", name="In progress").click()
    expect(row).to_be_visible()
    row.get_by_role("link").click()
    demo.main.get_by_role("button", name="Pause").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Pause it").click()
    expect(demo.main.get_by_text("It is paused: nothing more is asked until it is resumed.")).to_be_visible()
    demo.go("Lookups")
    for name, is_there in (("Paused", True), ("In progress", False)):
        demo.main.get_by_role("button", name=name).click()
        expect(row).to_have_count(1 if is_there else 0)
    demo.main.get_by_role("button", name="Paused").click()
    row.get_by_role("link").click()
    demo.main.get_by_role("button", name="Cancel").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Cancel the lookup").click()
    expect(demo.main.get_by_text("cancelled", exact=True)).to_be_visible()


def test_failures_are_asked_for_again_after_saying_what_that_does(demo: Person, stage: Stage) -> None:
    """The dialog says how many users are asked once more and what becomes of the files; then nothing has failed."""
    assert stage.simulator is not None
    demo.drop("list.csv", b"customer_id\nF-1\nF-2\nF-3\n")
    stage.simulator.set_faults(Fault(status=400, identifiers=("F-2",)))
    try:
        demo.start()
        retry = demo.main.get_by_role("button", name="Retry failures")
        expect(retry).to_be_visible()
    finally:
        stage.simulator.set_faults()
    failed = demo.main.locator(".legend li", has_text="failed").locator("strong")
    count = int(failed.inner_text())
    assert count > 0
    retry.click()
    dialog = demo.page.get_by_role("dialog", name="Ask again for what failed?")
    expect(dialog).to_contain_text(f"{count} user{'s' if count > 1 else ''} that failed will be asked once more")
    expect(dialog).to_contain_text("They count towards your users of the day again.")
    dialog.get_by_role("button", name="Leave it").click()
    expect(failed).to_have_text(str(count))
    retry.click()
    dialog.get_by_role("button", name="Ask again").click()
    expect(failed).to_have_text("0")
    expect(retry).to_have_count(0)


def test_progress_over_time_is_remembered(demo: Person) -> None:
    """What the page has seen of a lookup is still there after another page, and after the lookup's end."""
    demo.drop("list.csv", b"customer_id\n" + b"".join(b"P-%d\n" % one for one in range(200)))
    demo.start()
    expect(demo.main.get_by_text("completed", exact=True)).to_be_visible()
    course = demo.main.get_by_role("region", name="Progress over time")
    expect(course).to_be_visible()
    demo.go("Lookups")
    demo.main.locator("tbody a").first.click()
    expect(course.get_by_role("img", name="200 of 200 users are done")).to_be_visible()
    expect(demo.main.get_by_text("It took")).to_be_visible()


def test_what_is_done_while_the_page_reads_is_seen_at_once(stage: Stage, chromium: Browser) -> None:
    """An act during a request under way is followed by another request: the answer on its way may be older."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        person.drop("list.csv", b"customer_id\n" + b"".join(b"B-%d\n" % one for one in range(5000)))
        person.start()
        person.main.get_by_role("button", name="Cancel").click()
        held: list[tuple[Route, APIResponse]] = []

        def hold(route: Route) -> None:
            if route.request.method == "GET" and not held:
                held.append((route, route.fetch()))
            else:
                route.fallback()

        with person.page.expect_request(lambda one: one.method == "GET" and READ.search(one.url) is not None):
            person.page.route(READ, hold)
        person.page.clock.install()
        person.page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))  # from now on nothing is asked by time
        with person.page.expect_response(lambda one: one.request.method == "PATCH"):
            person.page.get_by_role("dialog").get_by_role("button", name="Cancel the lookup").click()
        ((route, before),) = held
        assert before.json()["state"] == "active"
        with person.page.expect_request(lambda one: one.method == "GET" and one != route.request) as asked:
            route.fulfill(response=before)
        answer = asked.value.response()
        assert answer is not None
        assert answer.json()["state"] == "cancelled"


def test_a_service_that_does_not_answer_is_said_until_it_does(demo: Person) -> None:
    """What was seen stays, with the time since which nothing is new; asking goes on less often, until it works."""
    demo.go("Overview")
    expect(demo.main.get_by_text("This minute")).to_be_visible()
    demo.page.route(API, lambda route: route.abort("connectionrefused"))
    expect(demo.main.get_by_role("alert").first).to_contain_text("The service has not answered since")
    expect(demo.main.get_by_text("This minute")).to_be_visible()
    demo.go("One user")  # a page that reads nothing by itself finds out, too
    expect(demo.main.get_by_role("alert").first).to_contain_text("The service has not answered since")
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


def test_more_files_than_a_page_has_are_reached(demo: Person) -> None:
    """The files of a very large lookup come page by page, and none is left out."""
    demo.drop("list.csv", b"customer_id\nM-1\n")
    demo.start()
    expect(demo.main.get_by_role("link", name=re.compile("^Download")).first).to_be_visible()

    def files(route: Route) -> None:
        first = int(parse_qs(urlsplit(route.request.url).query).get("after", ["0"])[0])
        answer = route.fetch(url=re.sub("&after=[^&]*", "", route.request.url))
        (one, *_) = answer.json()["files"]
        listed = [one | {"name": f"file-{number:03}.ndjson.gz"} for number in range(first, first + 100)]
        route.fulfill(json=answer.json() | {"files": listed, "next": "100" if first == 0 else None})

    demo.go("Lookups")
    demo.page.route(re.compile(r"/results\?"), files)
    demo.main.locator("tbody a").first.click()
    rows = demo.main.get_by_role("region", name="All files").locator("tbody tr")
    expect(rows.first).to_contain_text("file-000")
    demo.main.get_by_role("button", name="More files").click()
    expect(rows.last).to_contain_text("file-199")
    expect(demo.main.get_by_role("button", name="More files")).to_be_disabled()
