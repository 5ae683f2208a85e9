"""Every page for everybody: axe finds nothing, light or dark; `make console-pictures` keeps the pictures."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Route, expect

from infra.app import ROOT
from infra.local.stage.people import DEMO
from infra.local.stage.stage import Stage
from tests.console.person import SIZE, Person
from tests.console.test_new_lookup import _list

AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
FOUND = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`)"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where pictures go: what PICTURES names, or nowhere."""
    named = os.environ.get("PICTURES")
    target = Path(named) if named else tmp_path_factory.mktemp("pictures")
    target.mkdir(parents=True, exist_ok=True)
    return target


@pytest.fixture
def looked_up(demo: Person) -> Person:
    """Return somebody who has started a lookup."""
    demo.drop("customers.csv", _list())
    demo.start()
    return demo


def _examine(person: Person, name: str, folder: Path) -> None:
    """Let axe examine what is shown, light and dark and as wide as a phone; keep a picture of both."""
    for scheme in SCHEMES:
        person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert _found(person.page) == [], f"{name}, {scheme}"
        tall = int(person.page.evaluate("document.querySelector('main')?.scrollHeight ?? 0"))
        person.page.set_viewport_size({**SIZE, "height": max(SIZE["height"], min(tall, 1100))})  # type: ignore[typeddict-item]  # a size
        person.page.screenshot(path=folder / f"{name}-{scheme}.png", animations="disabled")
        person.page.set_viewport_size(SIZE)  # type: ignore[arg-type]  # a size
    person.page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a size
    assert person.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], f"{name} is too wide"
    person.page.set_viewport_size(SIZE)  # type: ignore[arg-type]  # a size


def _with_an_hour(route: Route) -> None:
    """Answer the stage's quota with an hour of figures: the stage of a test is a minute old."""
    answer = route.fetch()
    if answer.status == HTTPStatus.NOT_MODIFIED:
        route.fulfill(response=answer)
        return
    quota = answer.json()
    begin = datetime.fromisoformat(quota["at"]) - timedelta(hours=1)
    steps = [begin + timedelta(minutes=number) for number in range(61)]
    minutes = [
        {
            "from": start.isoformat(),
            "until": end.isoformat(),
            "on_demand": 40 + 13 * number % 97,
            "bulk": 2100 + 71 * number % 640 if number > 12 else 0,
        }
        for number, (start, end) in enumerate(pairwise(steps))
    ]
    day = {"from": begin.isoformat(), "until": quota["at"], "users": 812_040, "on_demand": 2040, "bulk": 810_000}
    route.fulfill(response=answer, json=quota | {"minutes": minutes, "last_day": day})


def _with_deliveries(route: Route) -> None:
    """Answer what was sent to a webhook: the local stage has none."""
    states = (
        ("delivered", 1, 200),
        ("failed", 12, 503),
        ("pending", 2, 500),
        ("delivered", 1, 204),
        ("skipped", 0, None),
    )
    deliveries = [
        {
            "webhook_id": f"msg_{number}",
            "event": ("lookup.completed", "results.ready", "schedule.skipped")[number % 3],
            "occurred_at": f"2026-11-28T0{9 - number}:12:00.000000Z",
            "state": state,
            "attempts": attempts,
            "last_status": status,
            "last_error": None,
            "attempted_at": None,
            "next_attempt_at": None,
        }
        for number, (state, attempts, status) in enumerate(states)
    ]
    webhook = {"events": ["lookup.completed"], "state": "called", "disabled_at": None, "paused_until": None}
    route.fulfill(json={"webhook": webhook, "deliveries": deliveries, "next": None})


def _found(page: Any) -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(FOUND)
    return found


def test_the_first_page(stage: Stage, chromium: Browser, folder: Path) -> None:
    """Before anybody has signed in there is one button, and its form is complete."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        expect(person.page.get_by_role("button", name="Sign in")).to_be_visible()
        _examine(person, "sign-in", folder)


def test_pages_of_a_partner(looked_up: Person, folder: Path) -> None:
    """A lookup under way, the overview and the list show what there is."""
    looked_up.page.wait_for_function("() => (document.querySelector('main progress')?.value ?? 0) > 0")
    _examine(looked_up, "lookup", folder)
    looked_up.page.route(re.compile("/v1/quota"), _with_an_hour)
    looked_up.go("Overview")
    expect(looked_up.main.get_by_text("As a table")).to_be_visible()
    looked_up.page.wait_for_function("() => document.querySelector('.seconds i[style*=\"100%\"]') !== null")
    _examine(looked_up, "overview", folder)
    looked_up.go("Lookups")
    expect(looked_up.main.locator("tbody tr").first).to_be_visible()
    _examine(looked_up, "lookups", folder)
    looked_up.main.locator("tbody a").first.click()
    expect(looked_up.main.get_by_role("link", name=re.compile("^Download")).first).to_be_visible()
    _examine(looked_up, "files", folder)


def test_a_dialog(demo: Person, folder: Path) -> None:
    """A dialog is named, holds the keyboard and ends with Escape."""
    demo.drop("long.csv", b"customer_id\n" + b"".join(b"D-%d\n" % one for one in range(5000)))
    demo.start()
    cancel = demo.main.get_by_role("button", name="Cancel")
    cancel.click()
    dialog = demo.page.get_by_role("dialog", name="Cancel this lookup?")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("(one) => one.contains(document.activeElement)")
    _examine(demo, "cancel", folder)
    demo.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    cancel.click()
    dialog.get_by_role("button", name="Cancel the lookup").click()
    expect(demo.main.get_by_text("cancelled", exact=True)).to_be_visible()


def test_a_new_lookup(demo: Person, folder: Path) -> None:
    """With a list that has invalid lines, uploaded and estimated."""
    demo.drop("customers.csv", _list())
    demo.main.get_by_role("button", name="Upload and estimate").click()
    expect(demo.main.get_by_role("button", name="Start the lookup")).to_be_visible()
    _examine(demo, "new-lookup", folder)
    demo.main.get_by_role("button", name="Put it aside").click()


def test_one_user(demo: Person, folder: Path) -> None:
    """A profile with its source, its age and what has changed last."""
    demo.go("One user")
    demo.main.get_by_label("Identifier", exact=True).fill("W-2")
    demo.main.get_by_role("button", name="Look up").click()
    expect(demo.main.get_by_role("heading", name="Profile")).to_be_visible()
    _examine(demo, "user", folder)


def test_a_new_schedule(demo: Person, folder: Path) -> None:
    """The steps of a lookup, and when it is repeated."""
    demo.go("Schedules")
    demo.main.get_by_role("link", name="New schedule").click()
    demo.drop_here({"customers.csv": b"customer_id\nW-1\nW-2\n"})
    demo.main.get_by_role("button", name="Upload and estimate").click()
    demo.main.get_by_label("Name").fill("every-week")
    demo.main.get_by_label("How often").select_option("every week")
    _examine(demo, "new-schedule", folder)
    demo.main.get_by_role("button", name="Put it aside").click()


def test_an_erasure(operator: Person, folder: Path) -> None:
    """Its dialog and its receipt."""
    operator.go("Erasures")
    operator.main.get_by_label("Identifiers, one a line").fill("nobody-1\nnobody-2")
    operator.main.get_by_role("button", name="Erase …").click()
    dialog = operator.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    _examine(operator, "erase", folder)
    dialog.get_by_role("button", name="Erase them").click()
    expect(operator.main.get_by_role("region", name="Receipt", exact=True).first).to_contain_text("Keep this id")
    _examine(operator, "erasures", folder)


def test_a_lookup_of_a_partner(looked_up: Person, operator: Person, folder: Path) -> None:
    """An operator sees whose it is and how far."""
    lookup = looked_up.page.url.rpartition("/")[2]
    operator.page.evaluate(f"location.hash = '#/operator/{lookup}'")
    expect(operator.main.get_by_role("region", name="About it")).to_contain_text("demo")
    _examine(operator, "operator-lookup", folder)


@pytest.mark.parametrize("name", ["Schedules", "Webhook", "Partners today", "Operator"])
def test_pages_of_an_operator(scheduled: str, operator: Person, name: str, folder: Path) -> None:
    """Schedules, everybody's use, gates and dead letters."""
    if name == "Webhook":
        operator.page.route(re.compile("/v1/webhooks/deliveries"), _with_deliveries)
    operator.go(name)
    expect(operator.main.locator(".panel").first).to_be_visible()
    expect(operator.main.locator(".empty", has_text=re.compile("Reading|Counting"))).to_have_count(0)
    _examine(operator, name.partition(" ")[0].lower(), folder)


def test_a_phone_reaches_every_page(demo: Person) -> None:
    """On a narrow screen the navigation scrolls, and nothing else does sideways."""
    demo.page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a size
    for name in ("Overview", "Lookups", "New lookup", "One user", "Schedules"):
        demo.go(name)
        assert demo.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    demo.page.set_viewport_size(SIZE)  # type: ignore[arg-type]  # a size
