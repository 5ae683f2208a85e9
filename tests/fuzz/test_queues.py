"""The queues' handler under any message: its neighbours are served, and nothing makes the function fail."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import on_queue
from tests.fuzz.values import JSON, SQS_TEXT, nearly, written
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]
INTAKE = {"identifiers": ["C-1"], "workspace": "default", "fields": ["u_em"], "max_age": 0, "correlation_id": "x"}
EXAMPLES = 60
_numbers = itertools.count(1)


def record(template: dict[str, Any], body: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    number = f"{next(_numbers):08}"
    sent = {"messageId": f"fuzz-{number}", "receiptHandle": f"receipt-{number}", "body": body}
    return template | sent | {"messageAttributes": attributes or {}}


def served(deployed: Stage, identifier: str) -> bool:
    """Return whether a user's profile has come into the store."""
    key = {"identifier": {"S": identifier}, "scope": {"S": "default#customer_id"}}
    return "Item" in deployed.dynamodb.get_item(TableName=deployed.settings.profiles_table_name, Key=key)


def noise(number: int) -> dict[str, Any]:
    return {"reason": {"stringValue": f"x{number}", "dataType": "String"}}


def test_any_message_of_others_leaves_its_neighbours_alone(
    deployed: Stage, event: Load, context: LambdaContext
) -> None:
    """Whatever is on the intake queue, the messages before and after it are served, and nothing is returned."""
    template = event("on_queue/intake.json")["Records"][0]
    bodies = st.one_of(SQS_TEXT, JSON.map(written), nearly(INTAKE).map(written))

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(bad=st.lists(st.tuples(bodies, st.integers(0, 9)), min_size=1, max_size=3))
    def always(bad: list[tuple[str, int]]) -> None:
        first, last = f"good-{next(_numbers)}", f"good-{next(_numbers)}"
        strange = [record(template, body, noise(number)) for body, number in bad]
        batch = [record(template, first), *strange, record(template, json.dumps([last]))]
        assert on_queue.handler({"Records": batch}, context) == {"batchItemFailures": []}
        assert served(deployed, first)
        assert served(deployed, last)

    always()


def test_any_part_leaves_its_neighbours_alone(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """Whatever is on the parts queue, the part beside it is served, and nothing is returned."""
    template = event("on_queue/parts.json")["Records"][0]
    part = json.loads(template["body"])
    bodies = st.one_of(JSON.map(written), nearly(part).map(written), nearly(part | {"invalid": [], "origin": None}))

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(bad=bodies)
    def always(bad: object) -> None:
        good = f"good-{next(_numbers)}"
        own = part | {"lookup_id": good, "identifiers": [["customer_id", good]], "invalid": [], "origin": None}
        strange = record(template, bad if isinstance(bad, str) else written(bad))
        batch = [strange, record(template, json.dumps(own))]
        assert on_queue.handler({"Records": batch}, context) == {"batchItemFailures": []}
        assert served(deployed, good)

    always()
