"""What is put together stays true: to the file, to the settings, and to what has become of an order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Route, expect

from infra.local.stage.people import DEMO
from infra.local.stage.stage import Stage
from tests.console.person import Person
from tests.console.test_new_lookup import SENT, _lookups

GRANTS = re.compile(r"/v1/grants")
DRY_RUN = re.compile(r"/v1/lookups\?dry_run=true")
START = re.compile(r"/v1/lookups$")


def test_entries_of_json_are_counted_in_plain_words(demo: Person) -> None:
    """One entry is invalid, two entries are."""
    for listed, words in (
        (b'["A-1", null]', "1 entry is invalid. They will not be asked"),
        (b'["A-1", null, {"x": 1}]', "2 entries are invalid. They will not be asked"),
    ):
        demo.drop("list.json", listed)
        expect(demo.main).to_contain_text(words)


def test_several_files_are_no_list(demo: Person) -> None:
    """Two files at once are refused, and neither is read; one of them is read then."""
    demo.go("New lookup")
    demo.drop_here({"one.csv": b"A-1\n", "two.csv": b"B-1\n"})
    expect(demo.main.get_by_role("alert")).to_contain_text("These are 2 files, and none was read")
    expect(demo.main.get_by_role("heading", name="What is in it")).to_have_count(0)
    demo.drop_here({"two.csv": b"B-1\n"})
    expect(demo.main.get_by_role("alert")).to_have_count(0)
    expect(demo.main).to_contain_text("B-1")


def test_a_file_beside_its_place_is_not_opened(demo: Person) -> None:
    """The browser does not leave the page for a file that is dropped elsewhere."""
    demo.go("Overview")
    for kind in ("dragover", "drop"):
        is_kept = demo.page.evaluate(
            """(kind) => {
                const event = new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: new DataTransfer()});
                document.querySelector("h1").dispatchEvent(event);
                return event.defaultPrevented;
            }""",
            kind,
        )
        assert is_kept, kind


def test_a_file_that_changes_is_not_sent(demo: Person, tmp_path: Path) -> None:
    """What is on the disk is not what was shown any more: that is said, and no half of it is looked up."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"customer_id\nC-1\nC-2\n")
    demo.choose(path)
    expect(demo.main).to_contain_text("C-1  ·  C-2")
    path.write_bytes(b"customer_id\nC-1\nC-2\nC-3 and much more\n")
    demo.main.get_by_role("button", name="Upload and estimate").click()
    expect(demo.main.get_by_role("alert")).to_contain_text(re.compile("changed since it was chosen.* Choose it again"))
    expect(demo.main.get_by_role("button", name="Start the lookup")).to_have_count(0)


def test_a_start_without_an_answer_is_not_denied(demo: Person, stage: Stage) -> None:
    """When the answer is lost, nobody says that nothing was started; asked for again, it is one lookup."""
    before = _lookups(demo, stage)
    demo.drop("list.csv", b"customer_id\nU-1\nU-2\n")
    demo.main.get_by_role("button", name="Upload and estimate").click()
    start = demo.main.get_by_role("button", name="Start the lookup")
    start.wait_for()
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost:
            route.fallback()
        else:
            lost.append(route.fetch().status)
            route.abort("connectionreset")

    demo.page.route(START, lose)
    start.click()
    expect(demo.main.get_by_role("alert")).to_contain_text("It is not known whether it was started.")
    assert lost == [202]
    start.click()
    demo.page.wait_for_url(re.compile(r"#/lookups/"))
    (started,) = [one for one in _lookups(demo, stage) if one not in before]
    assert started in demo.page.url


def test_a_refused_start_says_that_nothing_was_started(demo: Person, stage: Stage) -> None:
    """What the service refuses is not a lookup."""
    demo.drop("list.csv", b"customer_id\nU-1\nU-2\n")
    demo.main.get_by_role("button", name="Upload and estimate").click()
    demo.page.route(START, lambda route: route.fulfill(status=429, json={"detail": "too many today"}))
    demo.main.get_by_role("button", name="Start the lookup").click()
    expect(demo.main.get_by_role("alert")).to_have_text("Nothing was started. too many today")


def test_an_estimate_is_of_the_settings_that_are_shown(demo: Person) -> None:
    """A setting that changes while an estimate is on its way has it asked for anew."""
    demo.drop("list.csv", b"customer_id\nU-1\nU-2\n")
    held: list[Route] = []
    demo.page.route(DRY_RUN, lambda route: held.append(route) if not held else route.fallback())
    with demo.page.expect_request(DRY_RUN):
        demo.main.get_by_role("button", name="Upload and estimate").click()
    demo.main.get_by_label("How fresh").press("End")
    with demo.page.expect_request(DRY_RUN) as asked:
        held[0].continue_()
    assert json.loads(asked.value.post_data or "")["max_age"] == 366 * 86_400
    expect(demo.main.get_by_role("button", name="Start the lookup")).to_be_visible()
    demo.main.get_by_label("How fresh").press("Home")
    expect(demo.main.get_by_role("button", name="Start the lookup")).to_have_count(0)


def _two_workspaces(route: Route) -> None:
    """Answer the person's grants with a second workspace, which has two attributes."""
    answer = route.fetch()
    grants: dict[str, Any] = answer.json()
    (one,) = grants["workspaces"]
    second = one | {"name": "second", "fields": ["name", "u_em"]}
    route.fulfill(response=answer, json=grants | {"workspaces": [one | {"fields": ["u_mb", "u_gd"]}, second]})


def test_another_workspace_begins_an_estimate_anew(stage: Stage, chromium: Browser) -> None:
    """Attributes and estimate of one workspace are not kept for another, wherever that is chosen."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.page.route(GRANTS, _two_workspaces)
        person.sign_in()
        person.drop("list.csv", b"customer_id\nU-1\nU-2\n")
        person.main.get_by_label("u_mb").uncheck()
        person.main.get_by_role("button", name="Upload and estimate").click()
        expect(person.main.get_by_role("button", name="Start the lookup")).to_be_visible()
        person.page.get_by_role("banner").get_by_label("Workspace").select_option("second")
        expect(person.main.get_by_role("button", name="Start the lookup")).to_have_count(0)
        for name in ("name", "u_em"):
            expect(person.main.get_by_label(name, exact=True)).to_be_checked()


def test_a_profile_says_whose_it_is(demo: Person) -> None:
    """The identifier stands beside the profile, also while another one is typed."""
    demo.go("One user")
    field = demo.main.get_by_label("Identifier", exact=True)
    for identifier in ("W-5", "W-6"):
        field.fill(identifier)
        demo.main.get_by_role("button", name="Look up").click()
        expect(demo.main.get_by_role("region", name="Profile").locator("header")).to_contain_text(identifier)
    field.fill("W-7")
    expect(demo.main.get_by_role("region", name="Profile").locator("header")).to_contain_text("W-6")
    assert [one.url for one in demo.requests if SENT.search(one.url) and "W-" in one.url] == []
