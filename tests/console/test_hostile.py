"""Scripts in names, identifiers, attributes and answers do nothing, and nothing of a person is left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal

import boto3
import pytest
from playwright.sync_api import expect

from infra.local.ministack.process import ACCOUNT, REGION
from infra.local.stage.stage import Stage
from tests.console.hostile import ATTACK, attacked
from tests.console.person import Person

PAGES = ("Overview", "Lookups", "Schedules", "Webhook", "Erasures", "Partners today", "Operator")
READS = re.compile(r"/v1/(quota|lookups|schedules|webhooks|erasures|operator)")
UNHEARD = "unheard-of-4711"
LONG = Decimal("12345678901234567890.10")  # digits that JavaScript's numbers do not have


@pytest.mark.parametrize("name", PAGES)
def test_an_attack_in_every_text_of_an_answer_is_text(scheduled: str, operator: Person, name: str) -> None:
    """Every page shows what it reads as text: nothing of it runs, loads or becomes an element."""
    operator.page.route(READS, attacked)
    operator.go("One user")
    operator.go(name)
    expect(operator.main.locator(".empty", has_text="Reading")).to_have_count(0)
    if name == "Partners today":
        expect(operator.main).to_contain_text(f"demo{ATTACK}")
    if name == "Schedules":
        expect(operator.main).to_contain_text(f"cron(0 6 * * ? *){ATTACK}")
    if name == "Erasures":
        operator.main.get_by_label("Identifiers, one a line").fill(ATTACK)
        operator.main.get_by_role("button", name="Erase …").click()
        operator.page.get_by_role("dialog").get_by_role("button", name="Erase them").click()
        newest = operator.main.get_by_role("region", name="Receipt", exact=True).first
        expect(newest).to_contain_text(f"default{ATTACK}")
    _assert_harmless(operator)


def test_an_attack_in_a_lookup_and_its_files_is_text(demo: Person) -> None:
    """A lookup's page shows what it reads as text, and an address that is a script is no link."""
    demo.drop("list.csv", b"customer_id\nH-1\n")
    demo.start()
    expect(demo.main.get_by_text("completed", exact=True)).to_be_visible()
    demo.page.route(READS, attacked)
    demo.go("Lookups")
    demo.main.locator("tbody a").first.click()
    files = demo.main.get_by_role("region", name="All files").locator("tbody tr")
    expect(files).to_have_count(2)
    assert demo.main.locator("tbody a[href]").count() == 0
    _assert_harmless(demo)


def test_an_attack_in_a_file_is_text(demo: Person) -> None:
    """The name of a file, its header and its lines are shown as they are."""
    quoted = ATTACK.replace('"', '""')
    demo.drop(f"{ATTACK}.csv", f'customer_id,"{quoted}"\n"{quoted}",x\n"a\t{quoted}",x\n'.encode())
    expect(demo.main.locator(".code", has_text=ATTACK).first).to_be_visible()
    expect(demo.main).to_contain_text("1 line is invalid")
    _assert_harmless(demo)


def test_an_attack_in_a_profile_is_text(demo: Person, stage: Stage) -> None:
    """Identifiers and attributes, names of attributes among them, are shown as they are; numbers keep their digits."""
    assert stage.simulator is not None
    identifier = f"A{ATTACK}"
    stage.simulator.set_user(identifier, {"name": ATTACK, ATTACK: {"deep": [ATTACK]}, "long": LONG})
    _look_up(demo, identifier)
    attributes = demo.main.get_by_role("region", name="Attributes")
    expect(attributes).to_contain_text(ATTACK)
    expect(attributes).to_contain_text("12345678901234567890.10")
    _assert_harmless(demo)


def test_nothing_of_a_person_is_left_behind(demo: Person, stage: Stage) -> None:
    """An identifier and its attributes reach no address, history, storage, title, log of the stage or console."""
    assert stage.simulator is not None
    stage.simulator.set_user(UNHEARD, {"name": "Ann Unheard-Of"})
    _look_up(demo, UNHEARD)
    expect(demo.main).to_contain_text("Ann Unheard-Of")
    demo.drop(f"{UNHEARD}.csv", f"customer_id\n{UNHEARD}\n".encode())
    demo.start()
    expect(demo.main.get_by_text("completed", exact=True)).to_be_visible()
    addresses = [one.url for one in demo.requests]
    logged = list(_logged(stage))
    assert logged, "the stage has logged something"
    for text in (demo.kept(), json.dumps(addresses), json.dumps(demo.said), *logged):
        assert "unheard" not in text.lower()


def _logged(stage: Stage) -> Iterator[str]:
    """Return every line that a function of the stage has logged."""
    logs = boto3.client(
        "logs",
        endpoint_url=stage.endpoint_url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="test",
        region_name=REGION,
    )
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from (event["message"] for event in page["events"])


def _look_up(person: Person, identifier: str) -> None:
    person.go("One user")
    person.main.get_by_label("Identifier", exact=True).fill(identifier)
    person.main.get_by_role("button", name="Look up").click()
    expect(person.main.get_by_role("heading", name="Profile")).to_be_visible()


def _assert_harmless(person: Person) -> None:
    assert person.page.evaluate("window.attacked") is None
    assert person.page.locator("main img, main script").count() == 0
    assert [text for text in person.said if "Content Security Policy" in text] == []
