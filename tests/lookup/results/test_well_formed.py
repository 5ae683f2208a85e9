"""Halves of surrogate pairs: replaced and marked in records, items and answers alike, so that every reader can read."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given

from infra.local.simulator.process import Simulator
from lookup import exact_json
from lookup.fetch.fetcher import Fetched
from lookup.model import Attributes, Json, LookupRequest, Outcome, Profile, Source, Status
from lookup.results.files import Record, ResultFiles, outcome_json
from tests.lookup.json_values import attributes
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

ASKED = customer("C-9001")
TERMS = LookupRequest("default", lookup_id="lookup-1")
HIGH, LOW, PLACED = "\ud83d", "\ude00", "\ufffd"
# Attributes as MoEngage may hold them, as they are written, and the names that are marked.
CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"bio": f"party {HIGH}"}, {"bio": f"party {PLACED}"}, ["bio"]),
    ({"bio": f"{LOW}x{LOW}", "city": "Bern"}, {"bio": f"{PLACED}x{PLACED}", "city": "Bern"}, ["bio"]),
    ({"bio": f"{LOW}{HIGH}"}, {"bio": PLACED * 2}, ["bio"]),
    ({"tags": ["a", {"deep": [HIGH]}], "n": 1.5}, {"tags": ["a", {"deep": [PLACED]}], "n": 1.5}, ["tags"]),
    ({f"k{HIGH}": 1}, {f"k{PLACED}": 1}, [f"k{PLACED}"]),
    ({f"k{HIGH}": 1, f"k{LOW}": 2, f"k{PLACED}": 3}, {f"k{PLACED}": 3, f"k{PLACED * 2}": 1, f"k{PLACED * 3}": 2},
     [f"k{PLACED * 2}", f"k{PLACED * 3}"]),
    ({"in": {f"{HIGH}": 1, f"{LOW}": 2}}, {"in": {PLACED: 1, PLACED * 2: 2}}, ["in"]),
    ({"bio": "whole 😀", "odd": PLACED}, {"bio": "whole 😀", "odd": PLACED}, []),
]  # fmt: skip


@pytest.fixture
def services(stage: Stage, simulator: Simulator) -> FetchServices:
    simulator.configure(not_found_share=0.0)
    return FetchServices(stage)


def look_up(services: FetchServices, held: Mapping[str, Any], simulator: Simulator, *, max_age: float = 0.0) -> Outcome:
    simulator.set_user("C-9001", {"customer_id": "C-9001", "id": "62e7c1f0a1b2c3d4e5f60718", **held})
    fetched: Fetched = services.fetch.fetch({ASKED: services.clock() - max_age}, TERMS, until=services.clock() + 20)
    return fetched.outcomes[ASKED]


def own(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in {"customer_id", "id"}}


@pytest.mark.parametrize(("held", "written", "marked"), CASES, ids=str)
def test_replaced_and_marked_everywhere(
    services: FetchServices,
    simulator: Simulator,
    tmp_path: Path,
    held: dict[str, Any],
    written: dict[str, Any],
    marked: list[str],
) -> None:
    """What MoEngage holds with halves is written with U+FFFD for each and named, wherever it goes."""
    asked = look_up(services, held, simulator)
    stored = look_up(services, held, simulator, max_age=60)
    assert (asked.source, stored.source) == (Source.MOENGAGE, Source.STORED)
    for outcome in (asked, stored):
        told = outcome_json(outcome)
        assert (own(told["user_attributes"]), told["replaced_fields"]) == (written, marked)  # type: ignore[arg-type]  # a map
    item = services.stage.dynamodb.scan(TableName=services.stage.settings.profiles_table_name)["Items"][0]
    assert "attributes" in item
    assert [one["S"] for one in item.get("replaced_fields", {}).get("L", ())] == marked
    assert read_by_others(services, tmp_path, asked) == [(written, marked)]


def read_by_others(services: FetchServices, folder: Path, outcome: Outcome) -> list[tuple[dict[str, Any], list[str]]]:
    """Return what DuckDB reads of an archived outcome, which jq and Python read alike."""
    key = services.archive.write(
        workspace="default", lookup_id="lookup-1", name="1", fed_at=0.0, records=[Record("1", outcome)]
    )
    body = services.stage.s3.get_object(Bucket=services.stage.settings.bucket_name, Key=key)["Body"].read()
    lines = gzip.decompress(body)
    strict = [json.loads(line) for line in lines.decode("utf-8", "strict").splitlines()]
    shown = subprocess.run(["jq", "-c", ".user_attributes"], input=lines, capture_output=True, check=True).stdout  # noqa: S607 - the tests need jq
    assert [json.loads(line) for line in shown.decode().splitlines()] == [one["user_attributes"] for one in strict]
    (folder / "one.ndjson.gz").write_bytes(body)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT user_attributes, replaced_fields FROM read_json(?, format = 'newline_delimited', "
            "columns = {user_attributes: 'JSON', replaced_fields: 'VARCHAR[]'})",
            [str(folder / "one.ndjson.gz")],
        ).fetchall()
    read = [(json.loads(whole), marked) for whole, marked in rows]
    assert [whole for whole, _ in read] == [one["user_attributes"] for one in strict]
    return [(own(whole), marked) for whole, marked in read]


def test_a_field_that_is_whole_again_is_marked_no_more(services: FetchServices, simulator: Simulator) -> None:
    """The mark goes with the value: a later fetch of whole text removes it, a fetch of other fields does not."""
    look_up(services, {"bio": HIGH, "city": LOW}, simulator)
    simulator.set_user("C-9001", {"customer_id": "C-9001", "bio": "whole", "city": LOW})
    services.clock.now += 1
    narrow = LookupRequest("default", fields=("bio",), lookup_id="lookup-2")
    services.fetch.fetch({ASKED: services.clock()}, narrow, until=services.clock() + 20)
    stored = services.profiles.read("default", [ASKED])[ASKED]
    assert stored.replaced_fields == ("city",)
    answer = stored.select(("bio",))
    assert answer is not None
    assert (answer.attributes, answer.replaced_fields) == ({"bio": "whole"}, ())


def test_unrequested_users_are_well_formed(services: FetchServices, simulator: Simulator) -> None:
    """What is kept of them is readable and marked too."""
    services.archive.write_unmatched("default", 0.0, [{"bio": HIGH}, {"bio": "whole"}])
    (key,) = services.stage.keys("unmatched/")
    body = services.stage.s3.get_object(Bucket=services.stage.settings.bucket_name, Key=key)["Body"].read()
    lines = [json.loads(line) for line in gzip.decompress(body).decode("utf-8", "strict").splitlines()]
    assert lines == [
        {"user_attributes": {"bio": PLACED}, "replaced_fields": ["bio"]},
        {"user_attributes": {"bio": "whole"}},
    ]


@given(attributes())
def test_any_attributes_become_readable(value: Attributes) -> None:
    """Whatever JSON holds, what is written of it is strict UTF-8 without half a pair, and nothing of it is lost."""
    written, marked = exact_json.well_formed(value)
    text = exact_json.dumps_well_formed(written).decode("utf-8", "strict")
    assert exact_json.dumps_well_formed(written) == exact_json.dumps(written)
    assert not any("\ud800" <= character <= "\udfff" for character in str(exact_json.loads(text)))
    assert leaves(written) == leaves(value)
    assert set(marked) <= set(written)
    if not marked:
        assert written is value


def leaves(value: Json) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(map(leaves, value.values()))
    return 1 + sum(map(leaves, value)) if isinstance(value, list) else 1


def test_records_of_before_are_answered_whole(stage: Stage) -> None:
    """A record that was archived before there was a mark is read back with an empty one."""
    profile = Profile("default", ASKED, {"a": 1}, 0.0, "lookup-1")
    outcome = Outcome(ASKED, Status.FOUND, profile=profile, source=Source.MOENGAGE)
    archive = ResultFiles(stage.s3, stage.settings.bucket_name)
    key = archive.write(workspace="default", lookup_id="l", name="1", fed_at=0.0, records=[Record("1", outcome)])
    line = json.loads(gzip.decompress(stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=key)["Body"].read()))
    del line["replaced_fields"]
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=gzip.compress(json.dumps(line).encode()))
    assert archive.read(key) == [exact_json.loads(exact_json.dumps(outcome_json(outcome)))]
