"""Every place that can hold data of a person stands in docs/privacy.md: derived from the template and from the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from infra.app import ROOT, SOURCE
from lookup.erasure.worker import DRAIN
from lookup.fetch.tombstones import CACHED_SECONDS
from tests.infra.template import Template, listed, text

# Beginnings of content types, scopes, and files within an Excel or Word document.
NO_KEYS = {"application/", "lookups/", "profiles/", "schedules/", "service/", "text/", "ppt/", "xl/", "word/"}
TABLE = re.compile(r"^\| (?P<place>[^|]+) \|", re.MULTILINE)


def places() -> set[str]:
    """Return the first column of the page's table."""
    page = (ROOT / "docs" / "privacy.md").read_text()
    rows = page.partition("## Every place")[2].partition("\n## ")[0]
    return set(re.findall(r"`([A-Za-z/]+)`", "\n".join(TABLE.findall(rows))))


def prefixes_written() -> set[str]:
    """Return the prefixes of the keys that modules of the functions write, as texts of the code have them."""
    texts = "\n".join(path.read_text() for path in Path(SOURCE).rglob("*.py"))
    return set(re.findall(r'f?"([a-z]+/)(?:["{]|workspace=|[a-z]+/)', texts)) - NO_KEYS


def test_every_prefix_is_in_the_table(full: Template) -> None:
    """Each prefix with a lifecycle rule, that a role may write to, or that the code writes below, is a row."""
    rules = full.named("AWS::S3::Bucket", "StorageBucket")[1]["LifecycleConfiguration"]["Rules"]
    known = {rule["Prefix"] for rule in rules if "Prefix" in rule}
    assert {"parts/", "results/", "oversize/", "unmatched/", "rosters/", "erasures/"} <= prefixes_written()
    writable = {
        text(resource).partition("/")[2].removesuffix("*")
        for role in full.of_type("AWS::IAM::Role")
        for statement in full.statements(role)
        if "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert known | writable | prefixes_written() <= places()


def test_every_store_of_the_stack_is_in_the_table(full: Template) -> None:
    """Each table, bucket and queue of the stack is a row; dead-letter queues stand with their queue."""
    stores = {
        name[:-8].removeprefix("Storage")
        for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue")
        for name in full.of_type(kind)
    }
    stores = {one.removesuffix("DeadLetters") for one in stores} - {"Bucket"}  # the bucket of all prefixes
    assert stores - places() == set()
    assert {one for one in places() if not one.endswith("/")} - stores <= {"Stage"}


def test_an_erasure_waits_for_every_function(full: Template) -> None:
    """The second search begins after the longest function that read the tombstones before they were there."""
    longest = max(function["Timeout"] for function in full.functions().values())
    assert longest + CACHED_SECONDS < DRAIN


def test_an_erasure_knows_the_rosters_of_the_stages_schedules(local: Template) -> None:
    """The rosters that schedules of the template name are those that the function of erasures keeps for them."""
    inputs = [json.loads(text(one["Target"]["Input"])) for one in local.of_type("AWS::Scheduler::Schedule").values()]
    named = {one["roster"] for one in inputs if "roster" in one}
    assert named == {"rosters/demo.csv"}
    variables = local.functions()["on_erasure"]["Environment"]["Variables"]
    assert set(json.loads(variables["SCHEDULED_ROSTERS"])) == named
