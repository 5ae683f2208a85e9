"""What only operators see and do; what anybody else is refused, whatever the page is made to ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import urllib3
from playwright.sync_api import expect

from infra.local.simulator.faults import Fault
from infra.local.stage.stage import Stage
from tests.console.person import Person

REASON = "The gate is closed"


@pytest.fixture
def closed_gate(stage: Stage, demo: Person) -> Iterator[None]:
    """Close the gate: MoEngage refuses this account, until it has been cleared there."""
    assert stage.simulator is not None
    stage.simulator.set_faults(Fault(status=403))
    _look_up(demo, "closing")
    stage.simulator.set_faults()
    yield
    stage.simulator.set_faults()


def _look_up(person: Person, identifier: str) -> None:
    person.go("One user")
    person.main.get_by_label("Identifier", exact=True).fill(identifier)
    person.main.get_by_role("button", name="Look up").click()
    expect(person.main.get_by_role("button", name="Look up")).to_be_enabled()


def test_a_closed_gate_is_seen_by_all_and_opened_by_an_operator(
    closed_gate: None, demo: Person, operator: Person, stage: Stage
) -> None:
    """Both see why and since when; the partner has no button; the operator opens it, after reading what that does."""
    demo.go("Overview")
    expect(demo.main.get_by_role("status").first).to_contain_text(REASON)
    expect(demo.page.get_by_role("link", name="Operator")).to_have_count(0)
    operator.go("Operator")
    gate = operator.main.get_by_role("region", name=re.compile("^The gate of"))
    expect(gate).to_contain_text(REASON)
    gate.get_by_role("button", name="Open the gate").click()
    dialog = operator.page.get_by_role("dialog")
    expect(dialog).to_contain_text("logged with your name")
    dialog.get_by_role("button", name="Open it").click()
    expect(gate).to_contain_text("The gate is open")
    expect(demo.main.get_by_role("status").first).to_contain_text("The gate is open")
    _look_up(demo, "W-77")
    expect(demo.main).to_contain_text("Asked of MoEngage")


@pytest.mark.parametrize("page", ["operator", "partners"])
def test_a_partner_is_shown_no_operators_page(demo: Person, page: str) -> None:
    """The address of such a page shows nothing, and asks for nothing."""
    demo.page.evaluate(f"location.hash = '#/{page}'")
    expect(demo.page.get_by_role("heading", level=1)).to_have_text("There is no such page for you")
    assert [one.url for one in demo.requests if "/operator/" in one.url] == []
    demo.go("Overview")


def test_the_api_refuses_a_partner_what_the_page_does_not_offer(demo: Person, stage: Stage) -> None:
    """With a partner's token every operator's route answers 403."""
    refused = [
        urllib3.request(
            method, f"{stage.api_url}/v1/operator/{path}", headers={"Authorization": demo.authorization}, json=body
        ).status
        for method, path, body in (
            ("GET", "partners", None),
            ("GET", "lookups", None),
            ("GET", "lookups/lookup-1", None),
            ("GET", "dead-letters", None),
            ("POST", "redrive", {"queue": "intake"}),
            ("POST", "gate", {"workspace": "default", "action": "open"}),
        )
    ]
    assert refused == [403] * 6


def test_what_sending_dead_letters_again_costs_is_shown_first(operator: Person, stage: Stage) -> None:
    """The users that it asks for are counted before anything is sent; then the letters are."""
    sqs, intake = stage.clients.sqs, stage.outputs["IntakeQueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=intake, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
    letters = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=letters, MessageBody='{"identifiers": ["R-1", "R-2", "R-3"]}')
    operator.go("Operator")
    button = operator.main.get_by_role("button", name="Send again … intake")
    expect(button).to_be_enabled()
    button.click()
    dialog = operator.page.get_by_role("dialog")
    expect(dialog).to_contain_text("default: 3 users of the quota")
    dialog.get_by_role("button", name="Send them").click()
    expect(operator.main).to_contain_text("1 sent, 0 retried, 0 dropped, 0 left where they are.")


def test_an_operator_sees_what_every_partner_uses(operator: Person, demo: Person) -> None:
    """Partners are listed with what they use and what waits; their unfinished lookups with whose they are."""
    demo.drop("list.csv", b"customer_id\n" + b"".join(b"O-%d\n" % one for one in range(5000)))
    started = demo.start()
    operator.go("Partners today")
    expect(operator.main.get_by_role("region", name="Partners").locator("tbody tr")).to_contain_text(["demo", "ops"])
    operator.go("Operator")
    row = operator.main.locator("tr", has_text=started)
    expect(row).to_contain_text("demo")
    whose = operator.main.get_by_label("Whose", exact=True)
    whose.select_option("all of ops")
    expect(row).to_have_count(0)
    whose.select_option("all of demo")
    operator.main.get_by_role("button", name="In progress").click()
    row.get_by_role("link").click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Lookup of a partner")
    about = operator.main.get_by_role("region", name="About it")
    expect(about).to_contain_text(started)
    expect(about).to_contain_text("demo")
    assert operator.main.get_by_role("button").count() == 0
    assert [one.url for one in operator.requests if "/results" in one.url] == []
    demo.main.get_by_role("button", name="Cancel").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Cancel the lookup").click()
    expect(demo.main.get_by_text("cancelled", exact=True)).to_be_visible()
