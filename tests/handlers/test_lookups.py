"""Lookups behind the answer: rosters uploaded, lookups submitted, seen, steered, handed out; schedules kept."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import urllib3

from infra.local.simulator.process import Simulator
from lookup.bulk import part_message
from tests.aws_answers import dynamodb_error
from tests.handlers.calling import Call, kind_of, serve_parts_queue, uploaded
from tests.handlers.conftest import on_requests_to_aws
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage


def test_a_roster_from_upload_to_results(
    deployed: Stage, simulator: Simulator, call: Call, context: LambdaContext
) -> None:
    """An uploaded roster is accepted with an estimate, served, and its results come as files with exact counts."""
    roster_id = uploaded(call, b"customer_id\n" + b"".join(b"user-%d\n" % number for number in range(130)) + b"null\n")
    status, lookup, headers = call("POST", "/v1/lookups", {"roster_id": roster_id})
    assert (status, lookup["state"], lookup["counts"]["requested"]) == (202, "active", 131)
    assert lookup["estimate"]["users"] == 131
    assert lookup["estimate"]["done_at"] > lookup["submitted_at"]
    assert headers["Location"] == lookup["links"]["self"]
    assert call("GET", "/v1/quota")[1]["backlog"]["users"] == 131
    assert serve_parts_queue(deployed, context) == 2
    status, done, _ = call("GET", lookup["links"]["self"])
    assert (status, done["state"], done["progress"], done["requested_is_estimated"]) == (200, "completed", 1.0, False)
    assert done["counts"] == {"requested": 131, "found": 130, "not_found": 0, "invalid": 1, "failed": 0}
    first = call("GET", f"{lookup['links']['results']}?parts=true&limit=1")[1]
    second = call("GET", f"{lookup['links']['results']}?parts=true&limit=1&after={first['next']}")[1]
    files = [*first["files"], *second["files"]]
    bodies = [urllib3.PoolManager().request("GET", file["url"]).data for file in files]
    records = [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]
    assert sorted(one["identifier"] for one in records) == sorted(["null", *(f"user-{n}" for n in range(130))])
    assert [one["lookup_id"] for one in call("GET", "/v1/lookups")[1]["lookups"]] == [lookup["lookup_id"]]


def test_more_than_run_at_once_become_a_lookup(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """101 identifiers are accepted as a lookup; so is one, when the caller prefers not to wait."""
    status, lookup, _ = call("POST", "/v1/lookups", {"identifiers": [f"user-{n}" for n in range(100)] + ["null"]})
    assert (status, lookup["counts"]["requested"]) == (202, 101)
    status, second, headers = call("POST", "/v1/lookups", {"identifiers": ["user-7"]}, prefer="respond-async")
    assert (status, headers["Preference-Applied"]) == (202, "respond-async")
    _, page, headers = call("GET", "/v1/lookups?limit=1")
    assert [one["lookup_id"] for one in page["lookups"]] == [second["lookup_id"]]
    assert headers["Link"] == f'</v1/lookups?limit=1&after={page["next"]}>; rel="next"'
    page = call("GET", headers["Link"].partition(">")[0].removeprefix("<"))[1]
    assert [one["lookup_id"] for one in page["lookups"]] == [lookup["lookup_id"]]
    assert call("GET", "/v1/lookups?after=%")[0] == 422
    serve_parts_queue(deployed, context)
    done = call("GET", lookup["links"]["self"])[1]
    assert done["counts"] == {"requested": 101, "found": 100, "not_found": 0, "invalid": 1, "failed": 0}


def test_a_dry_run_changes_nothing(deployed: Stage, call: Call) -> None:
    """A dry run returns the estimate alone: junk is not requested, and nothing is stored."""
    order = {"identifiers": [*(f"user-{n}" for n in range(1000)), "null"]}
    status, body, _ = call("POST", "/v1/lookups?dry_run=true", order)
    assert (status, body["estimate"]["users"], body["estimate"]["users_ahead"]) == (200, 1000, 0)
    assert body["estimate"]["share_of_daily_quota"] == round(1 / 1440, 4)
    assert call("GET", "/v1/lookups")[1] == {"lookups": [], "next": None}
    assert deployed.keys("rosters/") == []


def test_lookups_of_a_state_are_found_among_all(deployed: Stage, call: Call) -> None:
    """`state=` looks at lookups page after page, newest first, and its next page goes on behind the last one found."""
    ids = [
        call("POST", "/v1/lookups", {"identifiers": [f"user-{number}"]}, prefer="respond-async")[1]["lookup_id"]
        for number in range(5)
    ]
    for number in (0, 3):
        assert call("PATCH", f"/v1/lookups/{ids[number]}", {"action": "pause"})[0] == 200
    _, page, headers = call("GET", "/v1/lookups?state=paused&limit=1")
    assert [one["lookup_id"] for one in page["lookups"]] == [ids[3]]
    assert "state=paused" in headers["Link"]
    following = call("GET", headers["Link"].partition(">")[0].removeprefix("<"))[1]
    assert [one["lookup_id"] for one in following["lookups"]] == [ids[0]]
    assert call("GET", f"/v1/lookups?state=paused&after={following['next']}")[1] == {"lookups": [], "next": None}
    active = call("GET", "/v1/lookups?state=active")[1]
    assert [one["lookup_id"] for one in active["lookups"]] == [ids[4], ids[2], ids[1]]
    assert call("GET", "/v1/lookups?state=completed")[1] == {"lookups": [], "next": None}
    assert kind_of(call("GET", "/v1/lookups?state=standing")) == (422, "invalid")


def test_a_list_says_when_what_runs_will_be_done(deployed: Stage, call: Call) -> None:
    """Each lookup that runs has in a list the estimate that it has alone; what is paused has none."""
    orders = [{"identifiers": [f"user-{number}" for number in range(size)]} for size in (300, 150, 120)]
    paths = [call("POST", "/v1/lookups", order)[1]["links"]["self"] for order in orders]
    call("PATCH", paths[2], {"action": "pause"})
    listed = {one["links"]["self"]: one["estimate"] for one in call("GET", "/v1/lookups")[1]["lookups"]}
    alone = {path: call("GET", path)[1]["estimate"] for path in paths}
    assert listed[paths[2]] is alone[paths[2]] is None
    for path, users in zip(paths[:2], (300, 150), strict=True):
        assert listed[path]["users"] == users
        assert listed[path]["users_ahead"] == alone[path]["users_ahead"]


def test_what_has_not_changed_is_not_sent_again(deployed: Stage, call: Call) -> None:
    """Who has an answer of a lookup, a list or the deliveries gets 304 without a body, until something has changed."""
    lookup = call("POST", "/v1/lookups", {"identifiers": ["user-1"]}, prefer="respond-async")[1]["links"]["self"]
    call("PATCH", lookup, {"action": "pause"})
    admin = "profiles/read service/admin"
    paths = {
        lookup: None,
        "/v1/lookups": None,
        "/v1/lookups?state=paused": None,
        "/v1/webhooks/deliveries": None,
        "/v1/operator/lookups": admin,
        f"/v1/operator{lookup.removeprefix('/v1')}": admin,
    }
    tags = {path: call("GET", path, scope=scope)[2]["ETag"] for path, scope in paths.items()}
    again = {path: call("GET", path, scope=paths[path], if_none_match=tag) for path, tag in tags.items()}
    assert {path: (status, body) for path, (status, body, _) in again.items()} == dict.fromkeys(paths, (304, {}))
    call("PATCH", lookup, {"action": "cancel"})
    changed = {path: call("GET", path, scope=paths[path], if_none_match=tag)[0] for path, tag in tags.items()}
    assert changed == dict.fromkeys(paths, 200) | {"/v1/webhooks/deliveries": 304}


def test_an_operator_reads_the_lookup_of_a_partner(deployed: Stage, call: Call) -> None:
    """With the operators' scope, and only with it, a lookup is read by its id whosever it is, and a list by state."""
    path = call("POST", "/v1/lookups", {"identifiers": ["user-1"]}, prefer="respond-async")[1]["links"]["self"]
    admin = "profiles/read service/admin"
    status, opened, _ = call("GET", f"/v1/operator{path.removeprefix('/v1')}", scope=admin)
    assert (status, opened["partner"], opened["estimate"]["users"]) == (200, "acme", 1)
    assert kind_of(call("GET", f"/v1/operator{path.removeprefix('/v1')}"))[0] == 403
    assert kind_of(call("GET", "/v1/operator/lookups/lookup-of-nobody", scope=admin)) == (404, "not-found")
    for state, found in (("active", [opened["lookup_id"]]), ("paused", [])):
        for query in (f"state={state}", f"state={state}&partner=acme"):
            page = call("GET", f"/v1/operator/lookups?{query}", scope=admin)[1]
            assert [one["lookup_id"] for one in page["lookups"]] == found


def test_a_lookup_is_steered(deployed: Stage, call: Call, context: LambdaContext) -> None:
    """Pause, resume and cancel answer the new state; what does not fit the state is a 409 that says so."""
    lookup = call("POST", "/v1/lookups", {"identifiers": [f"user-{n}" for n in range(900)]})[1]
    path = lookup["links"]["self"]
    assert call("PATCH", path, {"action": "pause"})[1]["state"] == "paused"
    assert call("PATCH", path, {"action": "resume"})[1]["state"] == "active"
    assert call("PATCH", path, {"action": "cancel"})[1]["state"] == "cancelled"
    status, body, _ = call("PATCH", path, {"action": "pause"})
    assert (status, body["detail"]) == (409, "a lookup that is cancelled cannot be told to pause")
    assert call("PATCH", path, {"action": "stop"})[0] == 422
    serve_parts_queue(deployed, context)
    ended = call("GET", path)[1]
    assert ended["counts"] == {"requested": 200, "found": 0, "not_found": 0, "invalid": 0, "failed": 200}
    assert ended["finished_at"] is not None


def test_partners_see_only_their_own(deployed: Stage, call: Call) -> None:
    """Another partner's lookup is a 404 like one that never was; a client without grants is a 403."""
    grants = {name: {"name": name} for name in ("other",)} | {"3n4b5urk1ft4fl3mg5e62d9ado": {"name": "acme"}}
    deployed.session.client("ssm").put_parameter(
        Name=deployed.settings.partners_parameter_name, Value=json.dumps(grants), Type="String", Overwrite=True
    )
    path = call("POST", "/v1/lookups", {"identifiers": ["user-1"]}, prefer="respond-async")[1]["links"]["self"]
    assert call("GET", path)[0] == 200
    assert call("GET", path, client="other")[0] == 404
    assert call("GET", "/v1/lookups", client="other")[1]["lookups"] == []
    assert call("GET", path, client="nobody")[0] == 403
    assert call("GET", "/v1/lookups/lookup-never")[0] == 404


def test_rosters_honour_no_wait(deployed: Stage, call: Call) -> None:
    """A roster, and a stored profile that is requested without waiting, honour no `wait`."""
    roster_id = uploaded(call, b"user-1\n")
    status, _, headers = call("POST", "/v1/lookups", {"roster_id": roster_id}, prefer="wait=15")
    assert (status, "Preference-Applied" in headers) == (202, False)
    path = "/v1/profiles/customer_id/C-1"
    assert call("GET", path, prefer="wait=3")[2]["Preference-Applied"] == "wait=3"
    status, _, headers = call("GET", f"{path}?max_age=600", prefer="respond-async, wait=10")
    assert (status, "Preference-Applied" in headers) == (200, False)


def test_a_busy_quota_is_no_error(deployed: Stage, simulator: Simulator, scarce: int, call: Call) -> None:
    """When the quota has no room in the caller's time, the answer is 202 and the work is done behind it."""
    call("POST", "/v1/lookups", {"identifiers": [f"user-{n}" for n in range(scarce)]})
    status, lookup, headers = call("POST", "/v1/lookups", {"identifiers": ["late-1", "user-5"]}, prefer="wait=1")
    assert (status, headers["Preference-Applied"]) == (202, "wait=1")
    assert lookup["counts"]["requested"] == 2
    parts = [part_message.parse_part(str(one["Body"])) for one in deployed.messages(deployed.settings.parts_queue_url)]
    assert [len(part.identifiers) for part in parts if part.lookup_id == lookup["lookup_id"]] == [2]


def test_schedules_are_kept(deployed: Stage, call: Call) -> None:
    """A schedule is created, read, replaced and deleted; one that exists is not created again on request."""
    deployed.session.client("scheduler").create_schedule_group(Name="group")
    order = {"roster_id": uploaded(call, b"user-1\n"), "expression": "cron(0 6 * * ? *)", "time_zone": "Europe/Berlin"}
    assert call("PUT", "/v1/schedules/nightly", order)[0] == 201
    status, read, _ = call("GET", "/v1/schedules/nightly")
    assert (status, read["expression"], read["time_zone"]) == (200, "cron(0 6 * * ? *)", "Europe/Berlin")
    assert read["last_lookup_id"] is None
    assert call("PUT", "/v1/schedules/nightly", order | {"expression": "rate(2 hours)"})[0] == 200
    assert kind_of(call("PUT", "/v1/schedules/nightly", order, if_none_match="*")) == (412, "already-there")
    listed = call("GET", "/v1/schedules")[1]
    assert [(one["name"], one["links"]["self"]) for one in listed["schedules"]] == [
        ("nightly", "/v1/schedules/nightly")
    ]
    assert call("DELETE", "/v1/schedules/nightly")[0] == 204
    assert call("GET", "/v1/schedules/nightly")[0] == 404


def test_a_schedule_that_another_request_changes(deployed: Stage, call: Call) -> None:
    """What EventBridge Scheduler refuses because another change of the schedule is in progress is a 409."""
    deployed.session.client("scheduler").create_schedule_group(Name="group")

    def refuse(request: Any, **_: object) -> Any:
        return dynamodb_error(request.url, 409, "ConflictException")

    on_requests_to_aws("before-send.scheduler", refuse)
    order = {"roster_id": uploaded(call, b"user-1\n"), "expression": "rate(1 hour)"}
    assert kind_of(call("PUT", "/v1/schedules/nightly", order)) == (409, "conflict")
    assert kind_of(call("PUT", "/v1/schedules/nightly", order, if_none_match="*")) == (412, "already-there")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invalid Schedule Expression rate(1 hour).", (422, "invalid")),
        ("The role cannot be assumed", (500, "internal")),
    ],
)
def test_the_scheduler_has_the_last_word_on_expressions(
    deployed: Stage, call: Call, message: str, kind: tuple[int, str]
) -> None:
    """An expression that passes here and not there is the caller's mistake; any other refusal there is ours."""
    deployed.session.client("scheduler").create_schedule_group(Name="group")

    def refuse(request: Any, **_: object) -> Any:
        return dynamodb_error(request.url, 400, "ValidationException", Message=message)

    on_requests_to_aws("before-send.scheduler", refuse)
    order = {"roster_id": uploaded(call, b"user-1\n"), "expression": "rate(1 hour)"}
    assert kind_of(call("PUT", "/v1/schedules/nightly", order)) == kind


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"expression": "cron(0 25 * * ? *)"}, "expression"),
        ({"expression": "cron(0 6 * * * *)"}, "expression"),
        ({"expression": "rate(1 hours)"}, "expression"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"roster_id": "never"}, "roster"),
        ({"max_age": -1}, "body.max_age"),
    ],
)
def test_senseless_schedules_name_their_field(
    deployed: Stage, call: Call, change: dict[str, object], field: str
) -> None:
    """What EventBridge Scheduler would refuse, or never fire, is a problem that names the field."""
    order = {"roster_id": uploaded(call, b"user-1\n"), "expression": "rate(1 hour)"} | change
    status, body, _ = call("PUT", "/v1/schedules/nightly", order)
    assert (status, body["errors"][0]["field"]) == (422, field)
