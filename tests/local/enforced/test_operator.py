"""The operator's commands find a stage that is really deployed."""

from __future__ import annotations

import gzip
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra.commands import doctor, erase
from infra.local.ministack.process import ACCOUNT, REGION
from lookup.erasure.queue import ErasureStep
from lookup.ledger.erasures import Erasure, ErasureLedger, ErasureState
from lookup.ledger.table import LedgerTable
from lookup.model import Identifier, IdentifierType
from tests.local.enforced.conftest import Enforced
from tests.lookup.services import customer
from tests.waiting import until

PEOPLE = (customer("Erased-1"), Identifier(IdentifierType.ID, "62e7"))


@pytest.fixture
def operator(enforced: Enforced, monkeypatch: pytest.MonkeyPatch) -> Enforced:
    """Return the stage, which the commands of this test find as an operator's do."""
    enforced.put_secrets_and_grants()
    environment = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    for name, value in (environment | {"AWS_ENDPOINT_URL": enforced.server.endpoint_url, "STAGE": "local"}).items():
        monkeypatch.setenv(name, value)
    return enforced


def test_the_doctor_examines_the_local_stage(operator: Enforced, capsys: pytest.CaptureFixture[str]) -> None:
    """`make doctor STAGE=local` reads the deployed functions' settings, and all its checks pass."""
    status = doctor.main()
    lines = capsys.readouterr().out.splitlines()
    assert (status, len(lines)) == (0, 6), lines
    assert lines[0].startswith("local: ok  asked from this machine, not from where the functions are")
    assert all(line.startswith("default: ok ") for line in lines[1:])


def test_people_are_erased(
    operator: Enforced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make erase` begins an erasure, which its function searches, verifies and proves with no more than its role."""
    assert operator.api().profile(PEOPLE[0])[0] == 200
    put_copies(operator)
    people = tmp_path / "people.txt"
    people.write_text('Erased-1\n\n{"identifier_type": "id", "identifier": "62e7"}\n')
    monkeypatch.setenv("IDENTIFIERS", str(people))
    assert erase.main() == 0
    erasure_id = re.findall(r"default: (erasure-\w+) running, 2 identifiers\n", capsys.readouterr().out)[0]
    said = json.loads(receipt_of(operator, erasure_id))
    assert said["identifiers"] == 2
    assert said["found"].items() >= {"profiles": 1, "results": 1, "queries": 1}.items()
    assert said["found"]["parts"] >= 1  # the answer may have come off its queue meanwhile
    assert not operator.logged("OnErasure", "Erased-1")
    monkeypatch.setenv("LIFT", "1")
    assert erase.main() == 0
    assert capsys.readouterr().out == "default: 2 of 2 tombstones lifted\n"


def put_copies(stage: Enforced) -> None:
    """Put a record of the first of the people into a part and a file of results, and the name into a query's answer."""
    record = {"identifier_type": "customer_id", "identifier": "Erased-1", "outcome": "found", "reason": None}
    line = gzip.compress(json.dumps(record, separators=(",", ":"))[:-1].encode() + b',"user_attributes":null}\n')
    for key, body in {
        "parts/workspace=default/dt=2026-11-01/hour=00/intake-2026-11-01-x.ndjson.gz": line,
        "results/workspace=default/dt=2026-11-01/ndjson/l-9-00001.ndjson.gz": line,
        "queries/9.csv": b"Erased-1\n",
    }.items():
        stage.stage.clients.s3.put_object(Bucket=stage.stage.bucket, Key=key, Body=body)


def receipt_of(stage: Enforced, erasure_id: str) -> bytes:
    """Wait for the first search, make the second one due, and return the receipt of the erasure that ends with it."""
    clients, outputs = stage.stage.clients, stage.stage.outputs
    table = LedgerTable(clients.dynamodb, outputs["LedgerTableName"], clock=time.time, sleep=time.sleep)
    ledger = ErasureLedger(table)

    def in_state(state: ErasureState) -> Erasure | None:
        found = ledger.read(erasure_id)
        return found if found and found.state is state else None

    seen = until(lambda: in_state(ErasureState.VERIFYING))
    long_ago = replace(seen, requested_at=seen.requested_at - 7200, due_at=0.0, clean_since=seen.clean_since - 7200)
    assert ledger.write(long_ago, seen=seen)
    body = ErasureStep(erasure_id, seen.step, PEOPLE).to_body()
    clients.sqs.send_message(QueueUrl=outputs["ErasureQueueUrl"], MessageBody=body)
    ended = until(lambda: in_state(ErasureState.COMPLETED))
    return clients.s3.get_object(Bucket=stage.stage.bucket, Key=ended.receipt or "")["Body"].read()
