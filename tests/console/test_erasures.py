"""People are erased after it is said what that does; nothing of who they are is left in the page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import urllib3
from playwright.sync_api import expect

from infra.local.stage.stage import Stage
from tests.console.person import Person
from tests.console.test_hostile import _logged

GONE = "gone-person-0815"
ERASURE = re.compile(r"/v1/erasures")
MADE_UP = re.compile(r"/v1/erasures/made-up-\d$")  # the window goes on asking for those of other tests, too


def test_people_are_erased_and_only_a_receipt_is_left(operator: Person, stage: Stage) -> None:
    """The dialog says what happens and to how many; the receipt names nobody, and is found again by its id."""
    assert stage.simulator is not None
    operator.go("One user")
    operator.main.get_by_label("Identifier", exact=True).fill("W-41")
    operator.go("Erasures")
    field = operator.main.get_by_label("Identifiers, one a line")
    field.fill(f"{GONE}\n {GONE} \n\n{GONE}-too\n")
    expect(operator.main).to_contain_text("2 identifiers, 100 at most.")
    operator.main.get_by_role("button", name="Erase …").click()
    dialog = operator.page.get_by_role("dialog", name="Erase 2 identifiers?")
    expect(dialog).to_contain_text("This cannot be undone.")
    dialog.get_by_role("button", name="Leave it").click()
    assert [one.url for one in operator.requests if one.method == "POST" and ERASURE.search(one.url)] == []
    operator.main.get_by_role("button", name="Erase …").click()
    dialog.get_by_role("button", name="Erase them").click()
    receipt = operator.main.get_by_role("region", name="Receipt", exact=True).first  # the newest of this window
    expect(receipt).to_contain_text("2 identifiers: every place is being searched.")
    expect(field).to_have_value("")
    erasure = receipt.locator("strong.code").inner_text()
    read = urllib3.request(
        "GET", f"{stage.api_url}/v1/erasures/{erasure}", headers={"Authorization": operator.authorization}
    )
    assert (read.status, read.json()["identifiers"]) == (200, 2)
    until = datetime.fromisoformat(read.json()["tombstone_until"]).astimezone()
    year = "" if until.year == datetime.now(UTC).astimezone().year else f" {until.year}"
    expect(receipt).to_contain_text(f"{until.day} {until:%b}{year}, ")
    operator.go("Overview")
    operator.go("Erasures")
    expect(receipt).to_contain_text(erasure)
    addresses = [one.url for one in operator.requests]
    for text in (operator.kept(), json.dumps(addresses), json.dumps(operator.said), *_logged(stage)):
        assert "gone-person" not in text
        assert erasure not in operator.kept()


def test_a_receipt_tells_what_was_removed_and_what_will_go_later(operator: Person) -> None:
    """Records by place, and lists that something still needs; one that found nothing says so."""
    done: dict[str, Any] = {
        "erasure_id": "made-up-1",
        "state": "completed",
        "workspace": "default",
        "identifiers": 3,
        "requested_at": "2025-11-28T10:00:00.000000Z",
        "finished_at": "2025-11-28T10:20:00.000000Z",
        "tombstone_until": "2030-02-26T10:00:00.000000Z",
        "searches": 2,
        "found": {"profiles": 3, "results": 41},
        "rosters_needed": {"own": ["roster-7"], "others": 1},
        "links": {"self": "/v1/erasures/made-up-1"},
    }
    nothing = done | {"erasure_id": "made-up-2", "found": {}, "rosters_needed": {"own": [], "others": 0}}
    known = {one["erasure_id"]: one for one in (done, nothing)}
    operator.page.route(MADE_UP, lambda route: route.fulfill(json=known[route.request.url.rpartition("/")[2]]))
    operator.go("Erasures")
    receipts = operator.main.get_by_role("region", name="Receipt", exact=True)
    for erasure in known:
        operator.main.get_by_label("Id of the erasure").fill(f" {erasure} ")
        operator.main.get_by_role("button", name="Show it").click()
        expect(receipts.filter(has_text=erasure)).to_contain_text("3 identifiers: nothing is left.")
    first = receipts.filter(has_text="made-up-1")
    expect(first.locator("tbody tr")).to_have_text(["profiles3", "results41"])
    expect(first).to_contain_text("2 lists that a schedule or a lookup still needs will go when nothing does.")
    expect(first).to_contain_text("Yours: roster-7")
    expect(first).to_contain_text("26 Feb 2030")
    expect(receipts.filter(has_text="made-up-2")).to_contain_text("Nothing was found.")


def test_a_receipt_is_found_by_its_id_and_no_other_is(operator: Person) -> None:
    """What is no erasure of one's own is said to be none."""
    operator.go("Erasures")
    operator.main.get_by_label("Id of the erasure").fill("erasure-of-somebody-else")
    operator.main.get_by_role("button", name="Show it").click()
    expect(operator.main.get_by_role("alert")).to_contain_text("there is no such erasure")


def test_too_many_people_at_once_cannot_be_sent(operator: Person) -> None:
    """Over a hundred identifiers there is no button to press, and the count says why."""
    operator.go("Erasures")
    operator.main.get_by_label("Identifiers, one a line").fill("\n".join(f"E-{one}" for one in range(101)))
    expect(operator.main).to_contain_text("101 identifiers, 100 at most.")
    expect(operator.main.get_by_role("button", name="Erase …")).to_be_disabled()
    operator.main.get_by_label("Identifiers, one a line").fill("")


def test_a_partner_without_the_grant_has_no_such_page(demo: Person, stage: Stage) -> None:
    """The page is not there, and the API refuses what it would ask, whatever the token says of scopes."""
    expect(demo.page.get_by_role("navigation").get_by_role("link", name="Erasures")).to_have_count(0)
    answer = urllib3.request(
        "POST",
        f"{stage.api_url}/v1/erasures",
        headers={"Authorization": demo.authorization},
        json={"identifiers": ["W-1"]},
    )
    assert (answer.status, answer.json()["detail"]) == (403, "your partner may not erase people")
