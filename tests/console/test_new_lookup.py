"""A list becomes a lookup: what is wrong with it is seen before it is sent, and half a list is never looked up."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Route, expect

from infra.local.stage.stage import Stage
from tests.console.person import Person

ENTRIES = 500
BAD = {20 + 40 * number: text for number, text in enumerate(["null", "", "x", "guest", "a\tb", "n/a"] * 2)}  # line → id
UPLOAD = re.compile(r"/rosters/.*[?&]X-Amz-Signature=")
SENT = re.compile(r"/v1/(rosters|lookups)|X-Amz-Signature")


def _list() -> bytes:
    """Return a CSV of 500 customers, twelve of whom cannot be looked up."""
    rows = [f'"{BAD.get(line, f"W-{line}")}",Customer {line}' for line in range(2, ENTRIES + 2)]
    return "\n".join(["customer_id,name", *rows, ""]).encode()


def test_a_file_is_dropped_checked_sent_watched_and_downloaded(demo: Person, stage: Stage, tmp_path: Path) -> None:
    """Of a CSV of 500 the twelve bad lines are named; the bar moves; the file has one outcome for each entry."""
    demo.drop("customers.csv", _list())
    contents = demo.main.get_by_role("region", name="Invalid lines").locator("tbody tr")
    expect(contents).to_have_count(len(BAD))
    expect(demo.main).to_contain_text("12 lines are invalid. They will not be asked; the others will.")
    named = [row.locator("td").all_inner_texts() for row in contents.all()]
    assert [int(line) for line, _, _ in named] == list(BAD)
    assert {reason for _, _, reason in named} == {
        "identifier is a value that MoEngage blocks as a customer_id",
        "identifier must not be empty",
        "identifier must not hold control characters",
    }
    assert [one.url for one in demo.requests if SENT.search(one.url)] == [], "nothing is sent before it is wanted"
    _watch(demo)
    file = _download(demo, "ndjson.gz", tmp_path)
    outcomes = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [one["identifier"] for one in outcomes if one["outcome"] != "invalid"] == [
        f"W-{line}" for line in range(2, ENTRIES + 2) if line not in BAD
    ]
    assert sum(one["outcome"] == "invalid" for one in outcomes) == len(BAD)
    assert sum(one["outcome"] == "failed" for one in outcomes) == 0
    demo.main.get_by_role("button", name="Make CSV, too").click()
    table = _download(demo, "csv.gz", tmp_path)
    rows = list(csv.DictReader(gzip.decompress(table.read_bytes()).decode().splitlines()))
    assert [one["outcome"] for one in rows] == [one["outcome"] for one in outcomes]


def _watch(demo: Person) -> None:
    """Start it, and see the bar move to its end."""
    demo.start()
    seen: list[float] = demo.page.evaluate(
        """() => new Promise((resolve) => {
            const seen = [];
            const look = () => {
                const bar = document.querySelector("main progress");
                if (bar !== null && seen.at(-1) !== bar.value) seen.push(bar.value);
                if (bar === null || bar.value < 1) setTimeout(look, 50);
                else resolve(seen);
            };
            look();
        })"""
    )
    assert len(seen) > 1, seen
    assert seen == sorted(seen)


def _download(demo: Person, ending: str, folder: Path) -> Path:
    link = demo.main.get_by_role("link", name=re.compile(rf"^Download .*\.{re.escape(ending)}$")).first
    link.wait_for()
    with demo.page.expect_download() as loaded:
        link.click()
    target = folder / f"outcomes.{ending}"
    loaded.value.save_as(target)
    return target


REFUSED = {
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is an image (PNG), no list"),
    "a workbook": (b"PK\x03\x04" + b"xl/workbook.xml" * 9, "is an Excel workbook (.xlsx), no list"),
    "UTF-16": ("customer_id\nC-1\n".encode("utf-16"), "is UTF-16; it must be UTF-8"),
    "Latin-1": ("Zoë\nJürgen\n".encode("latin-1"), "is not UTF-8: line 1 is the first that is not"),
    "nothing": (b"", "is empty"),
    "another table": (b"name,mail\nAnn,a@example.com\n", "has no column customer_id, id, moengage_id"),
    "one long line": (b"x" * 300_000, "has no usable identifier in its first part"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_list_is_refused_before_anything_is_sent(demo: Person, name: str) -> None:
    """The page says why in the service's own words, offers no upload, and has sent nothing."""
    content, reason = REFUSED[name]
    demo.drop(f"{name}.csv", content)
    expect(demo.main.get_by_role("alert")).to_contain_text(reason)
    expect(demo.main.get_by_role("alert")).to_contain_text("Nothing was sent.")
    expect(demo.main.get_by_role("button", name="Upload and estimate")).to_have_count(0)
    assert [one.url for one in demo.requests if SENT.search(one.url)] == []


@pytest.mark.parametrize("size", [2_000_000_000, 300_000_000])
def test_what_is_too_large_is_refused_by_its_size(demo: Person, tmp_path: Path, size: int) -> None:
    """A file of 2 GB, or a line of 300 MB, is not read at all: its size is enough."""
    sparse = tmp_path / "large.csv"
    with sparse.open("wb") as file:
        file.truncate(size)
    demo.choose(sparse)
    expect(demo.main.get_by_role("alert")).to_contain_text(f"has {size:,} bytes; at most 268,435,456 are taken")
    assert [one.url for one in demo.requests if SENT.search(one.url)] == []


def test_a_packed_list_is_read_too(demo: Person) -> None:
    """Gzip is unpacked in the browser, as far as the first part goes."""
    demo.drop("list.csv.gz", gzip.compress(b"customer_id\n" + b"".join(b"G-%d\n" % one for one in range(20_000))))
    expect(demo.main).to_contain_text("G-0  ·  G-1")
    expect(demo.main).to_contain_text("about ")


def test_pasted_lines_are_looked_up_too(demo: Person) -> None:
    """Identifiers can be pasted; what they take is shown before the start."""
    demo.go("New lookup")
    if demo.main.get_by_role("button", name="Choose another").is_visible():
        demo.main.get_by_role("button", name="Choose another").click()
    demo.main.get_by_text("Or paste identifiers").click()
    demo.main.get_by_label("Identifiers, one a line").fill("P-1\nP-2\nnull\n")
    demo.main.get_by_role("button", name="Read them").click()
    expect(demo.main).to_contain_text("1 line is invalid")
    demo.main.get_by_role("button", name="Upload and estimate").click()
    expect(demo.main).to_contain_text(re.compile("It asks for [23] users"))


def test_a_lost_connection_is_tried_again_and_makes_one_lookup(demo: Person, stage: Stage) -> None:
    """The upload breaks twice; the third arrives whole, and one lookup over all of it is started."""
    broken: list[str] = []

    def lose(route: Route) -> None:
        if len(broken) < 2:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.fallback()

    before = _lookups(demo, stage)
    demo.page.route(UPLOAD, lose)
    demo.drop("list.csv", b"customer_id\n" + b"".join(b"L-%d\n" % one for one in range(120)))
    demo.page.evaluate(
        """() => new MutationObserver(() => {
            const shown = document.querySelector("main").textContent;
            window.lost ||= shown.includes("The connection was lost. It is tried again in");
        }).observe(document.body, {childList: true, subtree: true, characterData: true})"""
    )
    demo.main.get_by_role("button", name="Upload and estimate").click()
    demo.main.get_by_role("button", name="Start the lookup").click()
    assert demo.page.evaluate("window.lost"), "the person was told"
    demo.page.wait_for_url(re.compile(r"#/lookups/"))
    assert len(broken) == 2
    (started,) = [one for one in _lookups(demo, stage) if one not in before]
    requested = demo.page.locator("dl.facts dd").nth(1)
    expect(requested).to_have_text("120")
    assert started in demo.page.url


def test_an_upload_that_never_arrives_starts_nothing(demo: Person, stage: Stage) -> None:
    """After six attempts the page says that nothing was started, and so it is; a click tries again."""
    demo.page.route(UPLOAD, lambda route: route.abort("connectionreset"))
    demo.page.evaluate(
        "() => { window.real = setTimeout; window.setTimeout = (run, milliseconds) => real(run, milliseconds / 100); }"
    )
    before = _lookups(demo, stage)
    demo.drop("list.csv", b"customer_id\nN-1\nN-2\n")
    demo.main.get_by_role("button", name="Upload and estimate").click()
    expect(demo.main.get_by_role("alert")).to_contain_text("Nothing was started.")
    demo.page.evaluate("() => { window.setTimeout = real; }")
    assert _lookups(demo, stage) == before
    demo.page.unroute(UPLOAD)
    demo.main.get_by_role("button", name="Upload and estimate").click()
    expect(demo.main).to_contain_text("It asks for 2 users")


def _lookups(demo: Person, stage: Stage) -> list[str]:
    """Return the ids of the person's lookups, by the API."""
    authorization = {"Authorization": demo.authorization}
    answer = urllib3.request("GET", f"{stage.api_url}/v1/lookups?limit=100", headers=authorization)
    return [one["lookup_id"] for one in answer.json()["lookups"]]
