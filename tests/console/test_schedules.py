"""A list is kept as a schedule: with the steps of a lookup, at times that people mean, and over no other schedule."""

from __future__ import annotations

import re

import pytest
import urllib3
from playwright.sync_api import expect

from infra.local.stage.stage import Stage
from lookup.schedules.expressions import is_cron, is_rate
from tests.console.person import Person


def _begin(person: Person) -> None:
    person.go("Schedules")
    person.main.get_by_role("link", name="New schedule").click()
    expect(person.page.get_by_role("heading", level=1)).to_have_text("New schedule")
    person.drop_here({"list.csv": b"customer_id\nK-1\nK-2\nnull\n"})
    expect(person.main).to_contain_text("1 line is invalid")
    person.main.get_by_role("button", name="Upload and estimate").click()
    person.main.get_by_label("Name").wait_for()


def test_a_schedule_is_made_shown_and_deleted(demo: Person, stage: Stage) -> None:
    """What it takes each time is said before; then it is what was put together, until it is deleted."""
    _begin(demo)
    expect(demo.main).to_contain_text(re.compile("Each time it asks for [23] users, under 1% of a day's quota"))
    demo.main.get_by_label("Name").fill("on-fridays")
    demo.main.get_by_label("How often").select_option("every week")
    demo.main.get_by_label("On", exact=True).select_option("Friday")
    demo.main.get_by_label("At", exact=True).fill("17:45")
    demo.main.get_by_label("Time zone").select_option("Europe/Berlin")
    demo.main.get_by_label("How fresh").press("ArrowRight")
    expect(demo.main.get_by_label("Name")).to_have_count(0)  # what was estimated holds no longer
    demo.main.get_by_role("button", name="Upload and estimate").click()
    demo.main.get_by_label("Name").fill("on-fridays")
    demo.main.get_by_role("button", name="Keep the schedule").click()
    kept = demo.main.get_by_role("region", name="on-fridays")
    expect(kept).to_contain_text("cron(45 17 ? * FRI *) (Europe/Berlin)")
    expect(kept).to_contain_text("stored in the last 5 minutes")
    authorization = {"Authorization": demo.authorization}
    schedule = urllib3.request("GET", f"{stage.api_url}/v1/schedules/on-fridays", headers=authorization).json()
    assert (schedule["expression"], schedule["max_age"]) == ("cron(45 17 ? * FRI *)", 300)
    kept.get_by_role("button", name="Delete on-fridays").click()
    demo.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(kept).to_have_count(0)


def test_a_schedule_that_exists_is_left_as_it_is(operator: Person, scheduled: str) -> None:
    """A name that is taken is refused in the service's words, and what was put together stays."""
    _begin(operator)
    operator.main.get_by_label("Name").fill(scheduled)
    operator.main.get_by_role("button", name="Keep the schedule").click()
    expect(operator.main.get_by_role("alert")).to_contain_text("Nothing was started.")
    expect(operator.main.get_by_label("Name")).to_have_value(scheduled)
    operator.main.get_by_role("button", name="Put it aside").click()
    operator.go("Schedules")
    expect(operator.main.get_by_role("region", name=scheduled)).to_contain_text("cron(0 6 * * ? *)")


@pytest.mark.parametrize(
    ("every", "expression"),
    [
        ("every hour", "cron(30 * * * ? *)"),
        ("every day", "cron(30 5 * * ? *)"),
        ("every week", "cron(30 5 ? * MON *)"),
        ("every month, on the first", "cron(30 5 1 * ? *)"),
    ],
)
def test_the_times_are_what_the_service_takes(demo: Person, every: str, expression: str) -> None:
    """Each choice is an expression that EventBridge Scheduler reads so."""
    _begin(demo)
    demo.main.get_by_label("How often").select_option(every)
    demo.main.locator("input[type=time]").fill("05:30")
    expect(demo.main.locator("form")).to_contain_text(expression)
    assert is_cron(expression)
    demo.main.get_by_role("button", name="Put it aside").click()


def test_an_expression_of_ones_own_is_the_services_to_judge(demo: Person) -> None:
    """What is no expression is refused by the name of the field; nothing is kept."""
    _begin(demo)
    demo.main.get_by_label("Name").fill("odd")
    demo.main.get_by_label("How often").select_option("as an expression says")
    demo.main.get_by_label("Expression").fill("rate(0 hours)")
    assert not is_rate("rate(0 hours)")
    demo.main.get_by_role("button", name="Keep the schedule").click()
    expect(demo.main.get_by_role("alert")).to_contain_text("expression")
    demo.main.get_by_role("button", name="Put it aside").click()
    demo.go("Schedules")
    expect(demo.main.get_by_role("region", name="odd")).to_have_count(0)
