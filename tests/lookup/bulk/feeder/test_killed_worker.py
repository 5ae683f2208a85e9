"""A worker killed between MoEngage's response and any write: nothing is lost, almost nothing is requested twice."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from infra.local.ministack.process import EmbeddedAws
from infra.local.simulator.process import Simulator
from lookup.bulk import part_message
from lookup.ledger.model import LookupState
from lookup.ledger.parts import DeliveredPart
from lookup.model import PAYLOAD_LIMIT, Counts, Part
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage, deployed
from tests.sqs_records import sqs_record
from tests.waiting import GIVE_UP

PROJECT = Path(__file__).parents[4]
USERS = 25  # two payloads
REQUEST = re.compile(r"^(\w+\.\w+)$", re.MULTILINE)
WRITES = {"dynamodb.UpdateItem", "dynamodb.TransactWriteItems", "s3.PutObject", "events.PutEvents"}
_accounts = itertools.count(500_000_000_000)


def served(services: BulkServices, kill_before: int) -> tuple[subprocess.CompletedProcess[str], Part]:
    """Process the part on the queue in a process of its own; return the part too."""
    stage = services.stage
    message = stage.messages(stage.settings.parts_queue_url)[0]
    record = sqs_record(message, "parts")
    credentials = stage.session.get_credentials()
    assert credentials is not None
    environment = stage.settings.to_environment() | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{PROJECT / 'functions'}:{PROJECT}",
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": str(credentials.access_key),
        "AWS_SECRET_ACCESS_KEY": str(credentials.secret_key),
        "AWS_DEFAULT_REGION": str(stage.session.region_name),
        "POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup",
        "KILL_BEFORE": str(kill_before),
    }
    process = subprocess.run(
        [sys.executable, "-m", "tests.lookup.bulk.feeder.killed_worker"],
        cwd=PROJECT, env=environment, input=json.dumps({"Records": [record]}),
        capture_output=True, text=True, timeout=GIVE_UP, check=False,
    )  # fmt: skip
    return process, part_message.parse_part(message["Body"])


def services_with_a_part(stage: Stage) -> BulkServices:
    services = BulkServices(stage)
    services.submit("one", services.roster(b"".join(b"user-%d\n" % number for number in range(USERS))))
    services.feeder.feed("default")
    return services


def finished(services: BulkServices, part: Part) -> None:
    """Redeliver the part and advance the clock."""
    services.parts.process([DeliveredPart(part, redelivered=True)], until=services.clock() + 60)
    services.ending.finish_if_done(part.lookup_id)
    services.clock.now += 900
    services.sweep.run("default")


def assert_complete(services: BulkServices) -> None:
    progress = services.lookups.get("one")
    assert progress is not None
    assert (progress.state, progress.tally.parts_done) == (LookupState.COMPLETED, 1)
    assert progress.tally.counts == Counts(requested=USERS, found=USERS)
    assert (services.lookups.in_flight("default").entries, services.unfinished()) == (0, [])
    assert len(services.stage.keys("parts/")) == 1


def test_nothing_is_lost(stage: Stage, embedded_aws: EmbeddedAws, simulator: Simulator) -> None:
    """Killed before any write after a response: all is found and counted once, at most 20 are requested twice."""
    simulator.configure(not_found_share=0.0)
    alone, _ = served(services_with_a_part(stage), kill_before=0)
    assert alone.returncode == 0, alone.stderr[-2000:]
    for kill_before in moments(REQUEST.findall(alone.stderr)):
        simulator.reset(not_found_share=0.0)
        with deployed(embedded_aws.session(str(next(_accounts))), simulator.endpoint_url) as fresh:
            services = services_with_a_part(fresh)
            process, part = served(services, kill_before)
            assert process.returncode == -signal.SIGKILL
            finished(services, part)
            assert_complete(services)
        asked = simulator.counters().users
        assert asked <= USERS + PAYLOAD_LIMIT, f"killed before request {kill_before}"


def moments(requests: list[str]) -> list[int]:
    """Number the requests from the first answer on that are worth dying before; of the profiles' writes a few."""
    profiles = [number for number, name in enumerate(requests, 1) if name == "dynamodb.PutItem"]
    assert len(profiles) >= USERS
    first = next(number for number in profiles if requests[number - 1 :].count("dynamodb.PutItem") == USERS)
    others = [number for number, name in enumerate(requests, 1) if number > first and name in WRITES]
    return sorted({first, first + 7, profiles[-1], *others})
