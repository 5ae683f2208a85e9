"""DynamoDB in memory, for virtual time: the same requests, read by their expressions, over one dictionary.

It knows just the expressions that the gate writes and fails on anything else. `test_item.py` runs the same tests
over it and over the embedded AWS, so that it cannot drift from what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from botocore.exceptions import ClientError

Attribute = dict[str, Any]
Item = dict[str, Attribute]
CONDITIONAL = "ConditionalCheckFailedException"


class FakeTable:
    """Replaces the DynamoDB client. `true_time` is the server's clock, sent in every response's `Date`."""

    def __init__(self, true_time: Callable[[], float]) -> None:
        self.items: dict[str, Item] = {}
        self.requests: list[str] = []
        self._true_time = true_time

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append("GetItem")
        item = self.items.get(request["Key"]["pk"]["S"])
        return self._answer({} if item is None else {"Item": dict(item)})

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append("PutItem")
        assert request["ConditionExpression"] == "attribute_not_exists(pk)"
        name = request["Item"]["pk"]["S"]
        if name in self.items:
            raise self._refusal("PutItem", self.items[name])
        self.items[name] = dict(request["Item"])
        return self._answer({})

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append("UpdateItem")
        old = self.items.get(request["Key"]["pk"]["S"])
        change = _Change(request)
        if old is None or not change.allowed(old):
            raise self._refusal("UpdateItem", old)
        self.items[request["Key"]["pk"]["S"]] = new = change.applied(old)
        return self._answer({"Attributes": dict(new)})

    def _answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": formatdate(self._true_time(), usegmt=True)}}}

    def _refusal(self, operation: str, item: Item | None) -> ClientError:
        answer = self._answer({"Error": {"Code": CONDITIONAL, "Message": "The conditional request failed"}})
        return ClientError(answer | ({} if item is None else {"Item": dict(item)}), operation)  # type: ignore[arg-type]  # as botocore parses it


class _Change:
    """One `UpdateItem`: `SET a = b + :c, … REMOVE d, …` under `a <= :b AND …`. Names and values must all be used."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})
        self._values: Mapping[str, Attribute] = request["ExpressionAttributeValues"]
        self._condition: str = request["ConditionExpression"]
        self._sets, _, self._removes = request["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
        used = set(re.findall(r"[#:]\w+", f"{self._condition} {request['UpdateExpression']}"))
        assert used == self._names.keys() | self._values.keys(), "an unused name or value is an error"
        assert len(request["UpdateExpression"]) <= 4096

    def allowed(self, item: Item) -> bool:
        return all(self._holds(term, item) for term in self._condition.split(" AND "))

    def applied(self, item: Item) -> Item:
        new = dict(item)
        for target, expression in (part.split(" = ") for part in re.split(r", (?=[#\w]+ = )", self._sets)):
            new[self._name(target)] = self._value(expression, item)
        for name in filter(None, self._removes.split(", ")):
            new.pop(self._name(name), None)
        return new

    def _holds(self, term: str, item: Item) -> bool:
        left, operator, right = term.split(" ")
        if self._name(left) not in item:
            return False
        have, bound = int(item[self._name(left)]["N"]), int(self._values[right]["N"])
        return {"<=": have <= bound, "=": have == bound}[operator]

    def _value(self, expression: str, item: Item) -> Attribute:
        if expression.startswith("if_not_exists("):
            name, otherwise = expression.removeprefix("if_not_exists(").removesuffix(")").split(", ")
            return item.get(self._name(name)) or item[self._name(otherwise)]
        if " + " in expression:
            left, right = expression.split(" + ")
            return {"N": str(int(item[self._name(left)]["N"]) + int(self._values[right]["N"]))}
        return self._values[expression]

    def _name(self, written: str) -> str:
        return self._names[written] if written.startswith("#") else written
