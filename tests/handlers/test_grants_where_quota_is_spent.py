"""Whatever causes calls is checked against the grants of that moment, and charged to the day."""

from __future__ import annotations

from dataclasses import replace

import pytest

import on_request
from infra.local.simulator.process import Simulator
from lookup.bulk.part_message import parse_part
from lookup.ledger.parts import PartLedger
from lookup.model import Counts, Part
from tests.handlers.calling import Call, kind_of, uploaded
from tests.handlers.conftest import Grant, forget
from tests.lookup.services import counted
from tests.lookup.stage import Stage

LOOKUPS = "/v1/lookups"


def bulk(call: Call, users: int, **order: object) -> str:
    """Submit a lookup of so many users; return its path."""
    identifiers = [f"user-{number}" for number in range(users)]
    status, lookup, _ = call("POST", LOOKUPS, {"identifiers": identifiers, **order}, prefer="respond-async")
    assert status == 202, lookup
    return str(lookup["links"]["self"])


def granted(grant: Grant, **grants: object) -> None:
    """Change acme's grants for function instances that begin from now on."""
    grant(**grants)
    forget()


def change(call: Call, path: str, action: str) -> tuple[int, str]:
    """Change a lookup; return the status, and the kind of problem if it is one."""
    answer = call("PATCH", path, {"action": action})
    return kind_of(answer) if answer[0] >= 400 else (answer[0], "")


def used(call: Call) -> int:
    return int(call("GET", "/v1/quota")[1]["today"]["users"])


def fail(stage: Stage, failed: int) -> None:
    """Count every part on the queue with so many failures, the others found."""
    for message in stage.messages(stage.settings.parts_queue_url):
        part: Part = parse_part(str(message["Body"]))
        counts = Counts(len(part.identifiers), found=len(part.identifiers) - failed, failed=failed)
        PartLedger(on_request.services().table).count_completed([counted(part, counts)], "results/none")
        on_request.services().whole.feeder.feed("default")
        on_request.services().whole.ending.finish_if_done(part.lookup_id)


def test_a_retry_is_charged(deployed: Stage, grant: Grant, call: Call) -> None:
    """A retry counts among the users of the day, exactly; over the limit nothing is called again."""
    granted(grant, users_per_day=50)
    path = bulk(call, 40)
    fail(deployed, 5)
    for charged in (45, 50):
        assert change(call, path, "retry_failed") == (200, "")
        assert used(call) == charged
        fail(deployed, 5)
    assert change(call, path, "retry_failed") == (429, "daily-users")
    assert used(call) == 50
    assert call("GET", path)[1]["state"] == "completed"
    assert deployed.messages(deployed.settings.parts_queue_url) == []


def test_a_retry_of_what_is_not_stored_is_charged_whole(
    deployed: Stage, grant: Grant, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where profiles are not kept, a retry requests all identifiers of its parts again, and all of them count."""
    default = replace(deployed.settings.workspaces["default"], keep_profiles=False)
    settings = replace(deployed.settings, workspaces={"default": default})
    monkeypatch.setenv("WORKSPACES", settings.to_environment()["WORKSPACES"])
    granted(grant, users_per_day=60)
    path = bulk(call, 40)
    fail(deployed, 1)
    assert change(call, path, "retry_failed") == (429, "daily-users")
    assert used(call) == 40


@pytest.fixture
def paused(deployed: Stage, grant: Grant, call: Call) -> str:
    """Pause a lookup of 40 of 1,000 users a day; return its path."""
    granted(grant, users_per_day=1000, fields=["city", "tier"])
    body = b"".join(b"user-%d\n" % number for number in range(900))
    order = {"roster_id": uploaded(call, body), "fields": ["city"]}
    path = str(call("POST", LOOKUPS, order)[1]["links"]["self"])
    assert change(call, path, "pause") == (200, "")
    return path


@pytest.mark.parametrize(
    ("grants", "refusal"),
    [
        ({"lanes": ["on_demand"]}, (403, "forbidden")),
        ({"fields": ["tier"]}, (403, "forbidden")),
        ({"workspaces": ["brand-b"]}, (403, "forbidden")),
        ({"users_per_day": 40}, (429, "daily-users")),
    ],
)
def test_what_was_withdrawn_stops_a_resume(
    paused: str, grant: Grant, call: Call, grants: dict[str, object], refusal: tuple[int, str]
) -> None:
    """A withdrawn lane, field or workspace and a lowered limit keep a paused lookup from going on."""
    granted(grant, **({"users_per_day": 1000} | grants))
    assert change(call, paused, "resume") == refusal
    granted(grant, users_per_day=1000)
    assert call("GET", paused)[1]["state"] == "paused"
    assert change(call, paused, "resume") == (200, "")
    assert used(call) == 900  # charged when it was submitted, and not again


@pytest.mark.parametrize("grants", [{"lanes": ["on_demand"]}, {"users_per_day": 4}, {"fields": ["tier"]}])
def test_what_was_withdrawn_stops_a_retry(deployed: Stage, grant: Grant, call: Call, grants: dict[str, object]) -> None:
    """The same grants are checked before failures are retried, and then nothing goes on the queue."""
    granted(grant, users_per_day=100)
    path = bulk(call, 10, fields=["city"])
    fail(deployed, 10)
    granted(grant, **({"users_per_day": 100} | grants))
    assert change(call, path, "retry_failed")[0] in {403, 429}
    assert deployed.messages(deployed.settings.parts_queue_url) == []


def test_not_to_wait_needs_the_bulk_lane(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """With `wait=0` the store answers; without the lane `bulk` what it does not hold is neither fetched nor charged."""
    granted(grant, lanes=["on_demand"], users_per_day=10)
    call("GET", "/v1/profiles/customer_id/C-1")
    for order in ({"identifiers": ["C-2"]}, {"identifiers": ["C-1", "C-2"], "max_age": 600}):
        assert kind_of(call("POST", LOOKUPS, order, prefer="wait=0")) == (403, "forbidden")
    assert kind_of(call("GET", "/v1/profiles/customer_id/C-2", prefer="wait=0")) == (403, "forbidden")
    assert call("GET", "/v1/profiles/customer_id/C-1?max_age=600", prefer="wait=0")[0] == 200
    assert (used(call), call("GET", LOOKUPS)[1]["lookups"]) == (1, [])


def test_a_field_that_is_not_exported(
    deployed: Stage, grant: Grant, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lookup, list, roster, dry run or schedule is accepted with a field that its workspace does not export."""
    default = replace(deployed.settings.workspaces["default"], fields=("city",))
    monkeypatch.setenv(
        "WORKSPACES", replace(deployed.settings, workspaces={"default": default}).to_environment()["WORKSPACES"]
    )
    granted(grant)
    many, roster = [f"user-{number}" for number in range(101)], uploaded(call, b"user-1\n")
    orders = ({"identifiers": ["C-1"]}, {"identifiers": many}, {"roster_id": roster})
    for path in (LOOKUPS, f"{LOOKUPS}?dry_run=true"):
        for order in orders:
            status, body, _ = call("POST", path, order | {"fields": ["city", "salary"]})
            assert (status, body["errors"][0]["field"]) == (422, "fields")
    assert kind_of(call("POST", LOOKUPS, orders[0] | {"fields": ["salary"]}, prefer="respond-async")) == (
        422,
        "invalid",
    )
    kept = {"roster_id": roster, "expression": "rate(1 hour)", "fields": ["salary"]}
    assert kind_of(call("PUT", "/v1/schedules/nightly", kept)) == (422, "invalid")
    assert deployed.messages(deployed.settings.parts_queue_url) == []
