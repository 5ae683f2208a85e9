"""The webhook's page: its deliveries, its state, and a test that is seen as soon as it is sent."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Route, expect

from tests.console.person import Person

DELIVERIES = re.compile(r"/v1/webhooks/deliveries")
TEST = re.compile(r"/v1/webhooks/test")


def _delivery(number: int, event: str = "lookup.completed") -> dict[str, Any]:
    return {
        "webhook_id": f"msg_{number}",
        "event": event,
        "occurred_at": "2026-11-28T10:00:00.000000Z",
        "state": "delivered",
        "attempts": 1,
        "last_status": 200,
        "last_error": None,
        "attempted_at": None,
        "next_attempt_at": None,
    }


def test_a_test_is_sent_and_seen(demo: Person) -> None:
    """A click sends one test; the list is read again at once; a second within half a minute is refused in words."""
    tests: list[Route] = []

    def send(route: Route) -> None:
        tests.append(route)
        if len(tests) == 1:
            route.fulfill(status=202, json={"webhook_id": "msg_9", "event": "webhook.test"})
        else:
            route.fulfill(status=429, json={"detail": "a test was sent a moment ago: again in 20 s"})

    def deliveries(route: Route) -> None:
        listed = [_delivery(1), *([_delivery(9, "webhook.test")] if tests else [])]
        webhook = {"events": ["lookup.completed"], "state": "called", "disabled_at": None, "paused_until": None}
        route.fulfill(json={"webhook": webhook, "deliveries": listed, "next": None})

    demo.page.route(TEST, send)
    demo.page.route(DELIVERIES, deliveries)
    demo.go("Webhook")
    rows = demo.main.get_by_role("region", name="All deliveries").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(demo.main).to_contain_text("It is called. Events: lookup.completed.")
    demo.main.get_by_role("button", name="Send a test").click()
    expect(rows).to_have_count(2)
    assert [one.request.method for one in tests] == ["POST"]
    expect(rows.nth(1)).to_contain_text("webhook.test")
    demo.main.get_by_role("button", name="Send a test").click()
    expect(demo.main.get_by_role("alert")).to_contain_text("again in 20 s")


def test_a_partner_without_a_webhook_is_told_so(demo: Person) -> None:
    """By the service's own answer: there is none, and nothing to test."""
    demo.go("Webhook")
    expect(demo.main).to_contain_text("This partner has no webhook")
    expect(demo.main.get_by_role("button", name="Send a test")).to_have_count(0)
