"""`ONCE=1` for machines: one JSON object at the end, here with another vendor than the stage's own simulator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from infra.local.ministack.process import PROJECT
from infra.local.ports import free_port
from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID, Simulator
from tests.local.running import running
from tests.waiting import GIVE_UP

USERS = [f"C-{number:03}" for number in range(52)]


def test_once_with_another_vendor_ends_with_one_json_object(tmp_path: Path, simulator: Simulator) -> None:
    """The last line adds up; of a vendor that is not ours the calls are not known, but its own counters agree."""
    (tmp_path / "roster.csv").write_text("customer_id\n" + "".join(f"{text}\n" for text in [*USERS, "null"]))
    port = free_port()
    settings = {
        "ONCE": "1",
        "LOCAL_PORT": str(port),
        "ROSTER": str(tmp_path / "roster.csv"),
        "MOENGAGE_ENDPOINT_URL": simulator.endpoint_url,
        "MOENGAGE_WORKSPACE_ID": WORKSPACE_ID,
        "MOENGAGE_DATA_API_KEY": DATA_API_KEY,
        "MOENGAGE_DATA_CENTER": "01",
    }
    with running(tmp_path, settings) as run:
        assert run.process.wait(GIVE_UP) == 0, run.output
    summary = json.loads(run.output.splitlines()[-1])
    handlers = [summary.pop(name) for name in ("on_demand", "queued", "scheduled")]
    assert [counts["requested"] for counts in handlers] == [21, 53, 20]
    for counts in handlers:
        assert counts["requested"] == sum(number for name, number in counts.items() if name != "requested")
    assert handlers[1]["invalid"] == 1
    assert summary.pop("dynamodb_profiles") == handlers[1]["found"]
    assert summary.pop("s3_objects") >= 4
    assert summary == {"vendor_calls": None, "vendor_refusals": None}
    assert simulator.counters().users == 19 + 52 + 18
    shutil.rmtree(PROJECT / ".local" / f"run-{port}")
