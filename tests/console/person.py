"""Somebody in front of the console, with a browser window of their own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from infra.local.stage.people import PASSWORD
from infra.local.stage.stage import Stage
from tests.waiting import GIVE_UP

TIMEOUT_MS = GIVE_UP * 1000
expect.set_options(timeout=TIMEOUT_MS)
SIZE = {"width": 1180, "height": 800}
LOCALE = "en-GB"
# What a browser says of an answer that a page expects: it is shown to the person, and is no error of the page.
ANSWERED = re.compile(r"Failed to load resource: (the server responded with a status of (4\d\d|503)|net::ERR_)")


@dataclass
class Person:
    """The window of one person; `said` are errors that the browser reports, `requests` what the page has asked for."""

    name: str
    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list, repr=False)
    authorization: str = field(default="", repr=False)

    @classmethod
    @contextmanager
    def sitting(cls, chromium: Browser, stage: Stage, name: str, **options: Any) -> Iterator[Person]:
        """Open a window that knows nothing of others, at the console's page."""
        context = chromium.new_context(locale=LOCALE, viewport=SIZE, **options)  # type: ignore[arg-type]  # a size
        context.set_default_timeout(TIMEOUT_MS)
        person = cls(name, context.new_page(), stage.console_url)
        person.page.on("console", lambda one: person.said.append(one.text) if one.type == "error" else None)
        person.page.on("pageerror", lambda error: person.said.append(str(error)))
        person.page.on("request", person.notice)
        person.page.goto(stage.console_url)
        try:
            yield person
        finally:
            context.close()

    def notice(self, asked: Request) -> None:
        """Remember what the page has asked for, and the token that it had."""
        self.requests.append(asked)
        self.authorization = asked.headers.get("authorization", self.authorization)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    @property
    def unexpected(self) -> Sequence[str]:
        """Errors that the browser reported, but for answers that the page shows to the person."""
        return [text for text in self.said if not ANSWERED.match(text)]

    def tested(self) -> Iterator[Person]:
        """Return this person for one test: with no request routed elsewhere, and nothing begun."""
        self.said.clear()
        self.requests.clear()
        yield self
        self.page.unroute_all(behavior="ignoreErrors")
        assert self.unexpected == [], self.unexpected

    def sign_in(self) -> None:
        """Sign in, in the window that the page opens."""
        with self.page.expect_popup() as opened:
            self.page.get_by_role("button", name="Sign in").click()
        self.enter(opened.value)
        self.page.get_by_role("link", name="Overview").wait_for()

    def enter(self, window: Page) -> None:
        """Fill in the sign-in page, if it asks: it may know the person from before."""
        window.locator("input[name=username]").fill(self.name)
        window.locator("input[name=password]").fill(PASSWORD)
        window.get_by_role("button", name="Sign in").click()

    def go(self, name: str) -> None:
        """Choose a page in the navigation, by the keyboard."""
        self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    def drop(self, name: str, content: bytes) -> None:
        """Drop a file onto the page of a new lookup."""
        self.go("New lookup")
        self.drop_here({name: content})

    def drop_here(self, files: Mapping[str, bytes]) -> None:
        """Drop files onto the place for a list of the present page."""
        again = self.main.get_by_role("button", name="Choose another")
        if again.is_visible():
            again.click()
        self.page.locator("input[type=file]").wait_for(state="attached")
        transfer = self.page.evaluate_handle(
            """(files) => {
                const transfer = new DataTransfer();
                for (const [name, bytes] of files) {
                    transfer.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name));
                }
                return transfer;
            }""",
            [[name, _base64(content)] for name, content in files.items()],
        )
        self.page.locator(".drop").dispatch_event("drop", {"dataTransfer": transfer})

    def choose(self, path: Path) -> None:
        """Choose a file of this machine on the page of a new lookup."""
        self.go("New lookup")
        again = self.main.get_by_role("button", name="Choose another")
        if again.is_visible():
            again.click()
        self.page.locator("input[type=file]").set_input_files(path)

    def start(self) -> str:
        """Upload what was chosen, start the lookup, and return its id."""
        self.main.get_by_role("button", name="Upload and estimate").click()
        self.main.get_by_role("button", name="Start the lookup").click()
        self.page.wait_for_url(re.compile(r"#/lookups/"))
        return str(self.page.evaluate("decodeURIComponent(location.hash.split('/')[2])"))

    def kept(self) -> str:
        """Return everything that the browser keeps of this page, and where it has been."""
        kept: dict[str, object] = self.page.evaluate(
            """async () => ({
                local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie, title: document.title,
                address: location.href, names: (await caches.keys()), bases: await indexedDB.databases(),
                state: history.state,
            })"""
        )
        return json.dumps(kept) + json.dumps(self._history())

    def _history(self) -> object:
        session = self.context.new_cdp_session(self.page)
        try:
            return session.send("Page.getNavigationHistory")["entries"]
        finally:
            session.detach()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
