"""`make erase`: have the people of a file erased from a stage, or lift their tombstones (`LIFT=1`)."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import boto3

from infra.commands.stack_outputs import outputs_of
from infra.commands.stage_command import run
from infra.stage_settings.stage import Stage
from lookup import exact_json
from lookup.erasure.queue import ErasureQueue
from lookup.erasure.requests import IDENTIFIERS_LIMIT, ErasureRequests
from lookup.errors import InvalidInput
from lookup.fetch.tombstones import HashKeys, Tombstones
from lookup.ledger.erasures import ErasureLedger
from lookup.ledger.table import LedgerTable
from lookup.model import Identifier
from lookup.partners import OPERATOR
from lookup.validation import parse_identifier_strictly

OUTPUTS = ("LedgerTableName", "ErasureQueueUrl", "ErasureSecretId")


def main() -> int:
    """Erase the people of the file IDENTIFIERS from STAGE (WORKSPACE: one of them, else all). Return 0 if accepted."""
    return run(_erase)


def _erase(session: boto3.Session, stage: Stage) -> bool:
    people = identifiers_of(Path(os.environ.get("IDENTIFIERS") or "").read_bytes())
    workspaces = [os.environ["WORKSPACE"]] if os.environ.get("WORKSPACE") else sorted(stage.workspaces)
    requests = _requests(session, stage)
    for workspace in workspaces:
        if workspace not in stage.workspaces:
            raise InvalidInput("WORKSPACE", f"must be one of {', '.join(sorted(stage.workspaces))}")
        if os.environ.get("LIFT") == "1":
            sys.stdout.write(f"{workspace}: {requests.lift(workspace, people)} of {len(people)} tombstones lifted\n")
            continue
        for start in range(0, len(people), IDENTIFIERS_LIMIT):
            begun = requests.begin(OPERATOR, workspace, people[start : start + IDENTIFIERS_LIMIT])
            sys.stdout.write(f"{workspace}: {begun.erasure_id} {begun.state.value}, {begun.people} identifiers\n")
    return True


def _requests(session: boto3.Session, stage: Stage) -> ErasureRequests:
    names = outputs_of(session, stage.name, *OUTPUTS)
    table = LedgerTable(session.client("dynamodb"), names["LedgerTableName"], clock=time.time, sleep=time.sleep)
    ledger, keys = ErasureLedger(table), HashKeys(session.client("secretsmanager"), names["ErasureSecretId"])
    return ErasureRequests(
        ledger=ledger,
        tombstones=Tombstones(ledger, keys, time.time),
        keys=keys,
        queue=ErasureQueue(session.client("sqs"), names["ErasureQueueUrl"]),
        days=stage.tombstone_days,
        clock=time.time,
    )


def identifiers_of(body: bytes) -> Sequence[Identifier]:
    """Parse a file of one identifier a line, as text or JSON; all of it before anybody is erased.

    Raises `InvalidInput` naming the line, never what is in it.
    """
    found: list[Identifier] = []
    # Cut where a roster is cut, and not at all that Unicode counts as a line's end: that would erase two other people.
    lines = re.split("\r\n|\r|\n", _text(body))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        one = parse_identifier_strictly(_read(line, number))
        if not isinstance(one, Identifier):
            raise InvalidInput("IDENTIFIERS", f"line {number}: {one.reason}")
        found.append(one)
    if not found:
        raise InvalidInput("IDENTIFIERS", "must name a file with one identifier a line")
    return list(dict.fromkeys(found))


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("IDENTIFIERS", "must be UTF-8") from None


def _read(line: str, number: int) -> object:
    try:
        return exact_json.loads(line) if line.lstrip().startswith("{") else line
    except ValueError:
        raise InvalidInput("IDENTIFIERS", f"line {number}: is no JSON object") from None


if __name__ == "__main__":
    sys.exit(main())
