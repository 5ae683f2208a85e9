"""The main job, once, on the deployed stack; what it left is read back by tools that are not ours."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import duckdb
import pytest

from infra.local import roster
from infra.local.api_client import ApiClient, partner_of
from infra.local.ministack.process import PROJECT, EmbeddedAws
from infra.local.ports import free_port
from infra.local.stage.clients import Clients
from infra.local.stage.stage import Stage
from lookup.model import Identifier, IdentifierType
from tests.local.running import Running, alive, running
from tests.results_table import HOW_IT_ENDED, QUERIES, WHAT_CHANGES, WHY_IT_FAILED, lookup_results
from tests.waiting import until

SPECIAL = ["a/b", "50%", "c+d", "e#f?g=h&i", "two words", "Zoë 東京", 'both "quoted", and {braced}', "%2F"]
PLAIN = [f"C-{number:03}" for number in range(52)]
JUNK = ["null", "0", "x", "x" * 600]
ROSTER = [*SPECIAL, *PLAIN, *JUNK]


@dataclass
class Job:
    """A run whose job is done and whose stage is still up."""

    run: Running
    stage: Stage
    session: boto3.Session


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    folder, port = tmp_path_factory.mktemp("job"), free_port()
    (folder / "roster.txt").write_text("\n".join(ROSTER))
    with running(folder, {"ROSTER": str(folder / "roster.txt"), "LOCAL_PORT": str(port)}) as run:
        run.wait_for("stays up until Ctrl-C")
        server = EmbeddedAws(port, folder / "unused.log")
        session, clients = server.session(), Clients.of(server)
        (stack,) = clients.cloudformation.describe_stacks()["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        yield Job(run, Stage(server.endpoint_url, clients, outputs, None, folder), session)
    shutil.rmtree(PROJECT / ".local" / f"run-{port}")


@pytest.fixture(scope="module")
def results(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result objects and the collected files as files, as any S3 tool would bring them."""
    folder = tmp_path_factory.mktemp("results")
    collect_hours(job)
    for key in [*keys(job, "parts/"), *keys(job, "results/")]:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(job.stage.clients.s3.get_object(Bucket=job.stage.bucket, Key=key)["Body"].read())
    return folder / "parts"


def keys(job: Job, prefix: str) -> list[str]:
    found = job.stage.clients.s3.list_objects_v2(Bucket=job.stage.bucket, Prefix=prefix)
    return [entry["Key"] for entry in found["Contents"]]


def collect_hours(job: Job) -> None:
    """Have every hour collected that holds something, as an operator may at any time."""
    sqs, outputs = job.stage.clients.sqs, job.stage.outputs
    until(lambda: any("/answers-" in key for key in keys(job, "parts/")) or None)
    until(lambda: _left(job, "AnswersQueueUrl") == 0 or None)
    hours = {tuple(key.split("/")[2:4]) for key in keys(job, "parts/")}
    for day, hour in hours:
        name = f"{day.removeprefix('dt=')}T{hour.removeprefix('hour=')}"
        body = json.dumps({"workspace": "default", "hour": name})
        sqs.send_message(QueueUrl=outputs["ResultsQueueUrl"], MessageBody=body)
    until(lambda: _left(job, "ResultsQueueUrl") == 0 or None)


def _left(job: Job, queue: str) -> int:
    url, names = job.stage.outputs[queue], ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = job.stage.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)  # type: ignore[arg-type]  # as named
    return sum(map(int, answer["Attributes"].values()))


def sql(results: Path, query: str) -> list[tuple[str, int]]:
    files = results / "**" / "intake-*.ndjson.gz"
    reading = f"read_json('{files}', hive_partitioning = true, union_by_name = true, sample_size = -1)"
    rows: list[tuple[str, int]] = duckdb.connect().execute(query.format(results=reading)).fetchall()
    return rows


def test_one_sql_statement_returns_the_outcome_counts(results: Path) -> None:
    """DuckDB reads the queue's results: every line of the roster has one outcome, every junk line `invalid`."""
    counts = dict(sql(results, "SELECT outcome, count(*) FROM {results} GROUP BY outcome"))
    assert sum(counts.values()) == len(ROSTER)
    assert counts["invalid"] == len(JUNK)
    assert counts["found"] > counts["not_found"]
    assert set(counts) <= {"found", "not_found", "invalid"}


def test_the_documented_queries_run_on_what_the_stage_wrote(results: Path) -> None:
    """Each query of the documentation returns, of what is collected, the count of the lines of result objects."""
    files = [path for path in results.rglob("*.ndjson.gz") if _is_collected(results.parent, path)]
    records = [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]
    ended = Counter((one["lookup_id"], one["outcome"]) for one in records)
    failed = Counter((one["outcome"], one["reason"]) for one in records if one["outcome"] in {"invalid", "failed"})
    changes = {(name, one["identifier"]) for one in records for name in one["changed_fields"] or ()}
    changed = Counter(name for name, _ in changes)
    with lookup_results(results.parent) as table:
        assert Counter({row[1:3]: row[3] for row in table.execute(QUERIES[HOW_IT_ENDED]).fetchall()}) == ended
        assert Counter({row[1:3]: row[3] for row in table.execute(QUERIES[WHY_IT_FAILED]).fetchall()}) == failed
        assert Counter(dict(table.execute(QUERIES[WHAT_CHANGES]).fetchall())) == changed
    assert failed.total() >= len(JUNK)


def _is_collected(folder: Path, path: Path) -> bool:
    """Return whether what an object holds belongs to an hour, or to a lookup that has ended by now."""
    is_of_an_hour = path.name.startswith(("intake-", "answers-", "on-demand-"))
    lookup_id = path.name.removesuffix(".ndjson.gz").rpartition("-")[0]
    return is_of_an_hour or any(folder.rglob(f"results/*/*/parquet/{lookup_id}-*.parquet"))


def test_special_characters_survive_the_queue_and_s3(results: Path) -> None:
    """Identifiers come out of the results as they went into the roster."""
    seen = {text for text, _ in sql(results, "SELECT identifier, line FROM {results} WHERE outcome != 'invalid'")}
    assert seen == {*SPECIAL, *PLAIN}


def test_profiles_are_read_with_plain_boto3(job: Job, results: Path) -> None:
    """What S3 says was found, and what was found on demand, is in DynamoDB with the attributes of that user."""
    table = job.session.resource("dynamodb", endpoint_url=job.stage.endpoint_url).Table(
        job.stage.outputs["ProfilesTableName"]
    )
    found = {text for text, _ in sql(results, "SELECT identifier, line FROM {results} WHERE outcome = 'found'")}
    items = {str(item["identifier"]): item for item in table.scan()["Items"] if item["status"] == "found"}
    assert set(items) == found | {roster.SPECIAL}
    for identifier, item in items.items():
        attributes = item["attributes"]
        assert isinstance(attributes, dict)
        assert identifier in (attributes.get("customer_id"), attributes.get("uid"))


def test_special_characters_survive_http(job: Job) -> None:
    """One profile at a time and many at once: the response names the requested identifier."""
    api = ApiClient(job.stage, partner_of(job.stage))
    _, answer = api.lookup(list(SPECIAL))
    assert [outcome["identifier"] for outcome in answer["outcomes"]] == SPECIAL
    for outcome in answer["outcomes"]:
        status, profile = api.profile(Identifier(IdentifierType.CUSTOMER_ID, outcome["identifier"]))
        assert status == {"found": 200, "not_found": 404}[outcome["outcome"]]
        if status == 200:
            assert profile["identifier"] == outcome["identifier"]
            assert profile["user_attributes"] == outcome["user_attributes"]


def test_the_http_api_asks_for_a_token(job: Job) -> None:
    """Without the token that the job got, no request is accepted."""
    api = ApiClient(job.stage, partner_of(job.stage))
    api._authorization = {"Authorization": "Bearer spoilt"}  # noqa: SLF001 - the only way to send another token
    status, _ = api.profile(Identifier(IdentifierType.CUSTOMER_ID, "C-001"))
    assert status == 401


def test_the_scheduled_refresh_was_fired_by_the_scheduler(job: Job, results: Path) -> None:
    """Its results are filed under the schedule's name and the time it was due; the one-time schedule is gone."""
    (name,) = [path.name for path in results.rglob("local-refresh-*.ndjson.gz")]
    assert re.fullmatch(r"local-refresh-\d{8}T\d{6}Z-0*1\.ndjson\.gz", name)
    schedules = job.stage.clients.scheduler.list_schedules(GroupName=job.stage.outputs["ScheduleGroupName"])
    assert [schedule["Name"] for schedule in schedules["Schedules"]] == ["demo-refresh", "feeder-tick"]


def test_no_message_was_laid_aside(job: Job) -> None:
    """Junk is an outcome: the dead-letter queues stay empty."""
    for name in (
        "AnswersDeadLetterQueueUrl",
        "IntakeDeadLetterQueueUrl",
        "PartsDeadLetterQueueUrl",
        "FailedFiringsQueueUrl",
    ):
        answer = job.stage.clients.sqs.receive_message(QueueUrl=job.stage.outputs[name], MaxNumberOfMessages=10)
        assert answer.get("Messages", []) == []


def test_the_person_is_shown_what_to_try(job: Job) -> None:
    """The output has the counts, the addresses and a ready curl."""
    assert f"from the intake queue          {len(ROSTER)}" in job.run.output
    assert "TOKEN=$(curl -s --data-urlencode grant_type=client_credentials" in job.run.output
    assert f"{job.stage.api_url}/v1/profiles?identifier_type=customer_id&identifier=" in job.run.output


def test_the_parquet_file_opens_in_duckdb(job: Job) -> None:
    """The line that is shown reads the Parquet file of the roster's lookup: a row for each of its entries."""
    (shown,) = [line for line in job.run.output.splitlines() if "duckdb.sql" in line]
    (path,) = re.findall(r"\.local/[^\\']*\.parquet", shown)
    done = subprocess.run(["/bin/sh", "-c", shown], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603 - what we show
    assert f"{len(ROSTER)} rows" in done.stdout
    assert duckdb.read_parquet(str(PROJECT / path)).shape[0] == len(ROSTER)


def test_ctrl_c_stops_everything(job: Job) -> None:
    """Server, simulator and functions' workers are gone; the status is the signal's. Last: it ends the shared run."""
    started = job.run.started()
    assert len(started) >= 4
    assert job.run.end(signal.SIGINT) == 128 + signal.SIGINT
    until(lambda: not alive(started))
