"""One deployed local stage and one browser for all tests of the console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
import urllib3
from playwright.sync_api import Browser

from infra.local.ministack.process import PROJECT
from infra.local.options import read_options
from infra.local.ports import free_port
from infra.local.stage.people import DEMO, OPERATOR
from infra.local.stage.stage import Stage, local_stage
from tests.browser.chromium import browser
from tests.console.person import Person

QUOTA = 3000  # users a minute: a lookup of 500 takes long enough to be watched, and no longer


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Deploy the local stage; its MoEngage answers at once."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("MOENGAGE_QUOTA_LIMIT", str(QUOTA))
        with local_stage(read_options({"LOCAL_PORT": str(port)}), lambda _: None) as deployed:
            assert deployed.simulator is not None
            deployed.simulator.configure(not_found_share=0.05, latency={"mean": 0.0, "spread": 0.0})
            deployed.simulator.set_quota(limit=QUOTA)
            yield deployed
    shutil.rmtree(PROJECT / ".local" / f"run-{port}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Run one browser."""
    with browser() as started:
        yield started


@pytest.fixture(scope="package")
def signed_in(stage: Stage, chromium: Browser) -> Iterator[Person]:
    """Return the demonstration's person, signed in."""
    with Person.sitting(chromium, stage, DEMO.name) as person:
        person.sign_in()
        yield person


@pytest.fixture
def demo(signed_in: Person) -> Iterator[Person]:
    """Return the same person with nothing begun; an error that the browser reports fails the test."""
    yield from signed_in.tested()


@pytest.fixture(scope="package")
def signed_in_operator(stage: Stage, chromium: Browser) -> Iterator[Person]:
    """Return the operator, signed in."""
    with Person.sitting(chromium, stage, OPERATOR.name) as person:
        person.sign_in()
        yield person


@pytest.fixture
def operator(signed_in_operator: Person) -> Iterator[Person]:
    """Return the operator with nothing begun."""
    yield from signed_in_operator.tested()


@pytest.fixture(scope="package")
def scheduled(stage: Stage, signed_in_operator: Person) -> str:
    """Return the name of a schedule that the operator's partner keeps."""
    authorization = {"Authorization": signed_in_operator.authorization}
    roster = urllib3.request("POST", f"{stage.api_url}/v1/rosters", headers=authorization, json={"bytes": 4}).json()
    upload = roster["upload"]
    assert urllib3.request(upload["method"], upload["url"], body=b"C-1\n", headers=upload["headers"]).status == 200
    order = {"roster_id": roster["roster_id"], "expression": "cron(0 6 * * ? *)", "time_zone": "Europe/Berlin"}
    kept = urllib3.request("PUT", f"{stage.api_url}/v1/schedules/every-morning", headers=authorization, json=order)
    assert kept.status == 201
    return "every-morning"
