"""Real processes, real requests: what eight of them get is what the item counts, to the last user."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from multiprocessing.sharedctypes import Synchronized
from random import Random
from typing import TypeAlias

import boto3
from botocore.config import Config

from infra.local.ministack.process import REGION
from lookup.errors import RetryLater
from lookup.gate.item import key
from lookup.gate.limiter import GateEvent, Observation, WorkspaceGates, gate_client
from lookup.model import Lane
from lookup.quota import Quota
from lookup.settings import Workspace
from tests.forking import forking
from tests.lookup.gate.callers import fullest
from tests.lookup.gate.ledger import LEDGER, create_ledger
from tests.waiting import GIVE_UP

PROCESSES, SECONDS = 8, 4.0
# Three seconds to the window, so that it turns over; the spread is as on a busy machine.
QUICK = Quota(limit=300, window=3.0, clock_skew=0.0, send_spread=0.5, transit=0.1, guard=0.5, pace_window=0.3)
Sent = list[tuple[float, int]]
Results: TypeAlias = "multiprocessing.Queue[tuple[Sent, int]]"


def work(endpoint_url: str, account: str, number: int, granted: Synchronized[int], results: Results) -> None:
    """Request as often as possible; return what was granted and how many users were charged without a grant.

    It goes on until all together have got a window's users, and for `SECONDS` at least.
    The client is patient, so that on a busy machine no reply is lost: then every user is accounted for.
    """
    seen: Counter[GateEvent] = Counter()

    def observe(observation: Observation) -> None:
        seen[observation.event] += int(observation.value)

    session = boto3.Session(aws_access_key_id=account, aws_secret_access_key="local", region_name=REGION)
    patient = session.client(
        "dynamodb", endpoint_url=endpoint_url, config=Config(read_timeout=GIVE_UP, retries={"total_max_attempts": 1})
    )
    workspaces = {"default": Workspace("secret", quota=QUICK)}
    gate = WorkspaceGates(patient, LEDGER, workspaces, time.time, time.sleep, observe=observe).of("default")
    random, sent, until = Random(number), list[tuple[float, int]](), time.time() + SECONDS
    while (now := time.time()) < until or (granted.value < QUICK.limit and now < until + GIVE_UP):
        lane = random.choice(list(Lane))
        try:
            grant = gate.admit(random.randint(1, 20), lane=lane, wait_until=now + QUICK.window)
        except RetryLater:
            continue
        sent.append((grant.effective_at, grant.users))
        with granted.get_lock():
            granted.value += grant.users
    results.put((sent, seen[GateEvent.UNUSED]))


def test_eight_processes_share_one_quota(aws: boto3.Session) -> None:
    """Eight concurrent processes get what the item counts, to the last user, and no window is over the limit."""
    create_ledger(aws)
    context = forking()
    results: Results = context.Queue()
    granted: Synchronized[int] = context.Value("i", 0)
    credentials = aws.get_credentials()
    assert credentials is not None
    facts = (gate_client(aws).meta.endpoint_url, credentials.access_key)
    processes = [context.Process(target=work, args=(*facts, number, granted, results)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    answers = [results.get(timeout=GIVE_UP) for _ in processes]
    for process in processes:
        process.join()
    sent = [grant for grants, _ in answers for grant in grants]
    charged = gate_client(aws).get_item(TableName=LEDGER, Key=key("default"))["Item"]["g"]["N"]
    assert int(charged) == sum(users for _, users in sent) + sum(unused for _, unused in answers)
    assert fullest(sent, QUICK.window) <= QUICK.limit
    assert sum(users for _, users in sent) >= QUICK.limit
    assert [process.exitcode for process in processes] == [0] * PROCESSES
