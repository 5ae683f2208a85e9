"""What a sender writes is answered to the sender alone: logs, metrics and dead letters name the place and the rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import on_queue
import on_schedule
from infra.local.simulator.process import Simulator
from lookup.bulk.intake.message import parse_intake_message
from lookup.errors import ServiceError
from lookup.schedules.firing import parse_firing
from tests.handlers.calling import Call
from tests.handlers.conftest import Grant, forget
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

WORD = "jane.doe@example.com"


def heard(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> str:
    """Return everything that reached a log or a metric."""
    return capsys.readouterr().out + "".join(repr(vars(record)) for record in caplog.records)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"identifiers": ["C-1"], WORD: 1}, "body: holds an unknown key"),
        ({"identifiers": ["C-1"], "workspace": WORD}, "workspace: is not configured"),
        ({"identifiers": ["C-1"], "max_age": WORD}, "max_age: must be a whole number"),
        ({"identifiers": ["C-1"], "fields": WORD}, "fields: must be a list"),
        ({"identifiers": ["C-1"], "correlation_id": WORD * 50}, "correlation_id: must be a text"),
        ({"identifiers": WORD}, "identifiers: must be a list"),
        ('{"%s": 1, "%s": 2}' % (WORD, WORD), "body: holds a key that occurs twice"),  # noqa: UP031 - braces
        ('{"%s"' % WORD, "body: starts like JSON"),  # noqa: UP031 - braces
    ],
)
def test_a_dead_lettered_message(
    deployed: Stage,
    event: Callable[[str], dict[str, Any]],
    context: LambdaContext,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    body: object,
    reason: str,
) -> None:
    """Its reason names place and rule; the words stay in the message, which is dead-lettered unchanged."""
    delivered = event("on_queue/intake.json")
    sent = body if isinstance(body, str) else json.dumps(body)
    on_queue.handler({"Records": [delivered["Records"][0] | {"body": sent}]}, context)
    (letter,) = deployed.messages(deployed.settings.intake_dead_letter_queue_url)
    attributes = json.dumps(letter["MessageAttributes"], default=str)
    assert (letter["Body"], WORD in attributes, reason in attributes) == (sent, False, True)
    assert WORD not in heard(caplog, capsys)


def test_a_field_that_is_not_exported(
    deployed: Stage,
    event: Callable[[str], dict[str, Any]],
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The name of a field is the sender's word, too."""
    workspaces = json.loads(deployed.settings.to_environment()["WORKSPACES"])
    workspaces["default"]["fields"] = ["city"]
    monkeypatch.setenv("WORKSPACES", json.dumps(workspaces))
    forget()
    sent = json.dumps({"identifiers": ["C-1"], "fields": [WORD]})
    on_queue.handler({"Records": [event("on_queue/intake.json")["Records"][0] | {"body": sent}]}, context)
    (letter,) = deployed.messages(deployed.settings.intake_dead_letter_queue_url)
    reason = letter["MessageAttributes"]["reason"]["StringValue"]
    assert reason == "fields: holds a field that is not exported from this workspace"
    assert WORD not in heard(caplog, capsys)


def test_requests_that_are_refused(
    deployed: Stage, simulator: Simulator, grant: Grant, call: Call,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Only the caller itself gets its own words."""
    grant(fields=["city"])
    forget()
    order = {"identifiers": ["C-1"]}
    answers = [
        call("POST", "/v1/lookups", order | {"fields": [WORD]}),
        call("POST", "/v1/lookups", order | {"workspace": WORD}),
        call("POST", "/v1/lookups", order | {WORD: 1}),
        call("POST", "/v1/lookups", {"identifiers": [{"identifier": "C-1", WORD: 1}]}),
        call("GET", f"/v1/quota?{WORD}=1"),
        call("GET", f"/v1/quota?{WORD}=1&{WORD}=2"),
        call("GET", f"/v1/lookups/{WORD}"),
        call("PUT", "/v1/schedules/nightly", {"roster_id": "r", "expression": "rate(1 hour)", "time_zone": WORD}),
    ]
    assert [answer[0] for answer in answers] == [403, 403, 422, 200, 422, 422, 404, 422]
    assert [WORD in json.dumps(answer[1]) for answer in answers] == [True, True, True, True, True, True, False, False]
    assert WORD not in heard(caplog, capsys)


def test_a_firing_that_is_refused(
    deployed: Stage, grant: Grant, context: LambdaContext,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A partner reads in its schedule which of its fields is not granted; the log holds the rule alone."""
    grant(fields=["city"])
    firing = {"schedule": "acme.nightly", "scheduled_time": "2026-11-23T19:00:00Z", "roster": "rosters/acme/r"}
    fired = on_schedule.handler(firing | {"partner": "acme", "fields": [WORD]}, context)
    assert fired["refused_because"] == f"field '{WORD}' is not granted"
    texts = heard(caplog, capsys)
    assert (WORD in texts, "a field is not granted" in texts) == (False, True)


@pytest.mark.parametrize("value", [WORD, [WORD], {WORD: WORD}, 10**20, None])
@pytest.mark.parametrize("key", ["workspace", "fields", "max_age", "identifiers", "correlation_id", WORD])
def test_no_fault_repeats_what_was_sent(key: str, value: object) -> None:
    """Texts of errors are logged as they are: none of a message or a firing holds a word of it."""
    errors = []
    for read in (
        lambda: parse_intake_message(
            json.dumps({"identifiers": ["C-1"], key: value}), message_id="m", sent_at=0.0, default_workspace="default"
        ),
        lambda: parse_firing({"schedule": "s", "roster": "r", "scheduled_time": WORD, key: value}),
    ):
        try:
            read()
        except ServiceError as error:
            errors.append(str(error))
    assert errors
    assert not [text for text in errors if WORD in text]
