"""A small OpenAPI document and changes to it: those that break callers, with what is to be said, and harmless ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
Change = Callable[[Document], object]
BASE: Document = {
    "info": {"version": "1.4.0"},
    "paths": {
        "/things/{name}": {
            "get": {
                "security": [{"oauth": ["things/read"]}, {"bearer": ["things/read"]}],
                "parameters": [
                    {"in": "path", "name": "name", "required": True, "schema": {"type": "string", "maxLength": 64}},
                    {"in": "query", "name": "age", "schema": {"type": "integer", "minimum": 0}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "404": {"content": {"application/problem+json": {"schema": {"type": "object"}}}},
                },
            },
            "put": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                },
                "responses": {"204": {"description": "kept"}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name", "state"],
                "properties": {
                    "name": {"type": "string"},
                    "state": {"enum": ["new", "old"]},
                    "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                },
            },
            "Order": {
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {"type": "string", "enum": ["a", "b"]},
                    "count": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]},
                    "note": {"type": "string"},
                },
            },
        }
    },
}


def get(document: Document) -> Document:
    operation: Document = document["paths"]["/things/{name}"]["get"]
    return operation


def put(document: Document) -> Document:
    operation: Document = document["paths"]["/things/{name}"]["put"]
    return operation


def thing(document: Document) -> Document:
    schema: Document = document["components"]["schemas"]["Thing"]
    return schema


def order(document: Document) -> Document:
    schema: Document = document["components"]["schemas"]["Order"]
    return schema


BREAKS: dict[str, tuple[Change, list[str]]] = {
    "path": (
        lambda d: d["paths"].clear(),
        ["GET /things/{name}: removed", "PUT /things/{name}: removed"],
    ),
    "operation": (lambda d: d["paths"]["/things/{name}"].pop("put"), ["PUT /things/{name}: removed"]),
    "response": (lambda d: get(d)["responses"].pop("404"), ["GET /things/{name} 404: removed"]),
    "response type": (
        lambda d: get(d)["responses"]["404"].update(content={"text/plain": {}}),
        ["GET /things/{name} 404 application/problem+json: removed"],
    ),
    "response header": (
        lambda d: get(d)["responses"]["200"].update(headers={}),
        ["GET /things/{name} 200 header ETag: removed"],
    ),
    "response field": (lambda d: thing(d)["properties"].pop("size"), ["GET /things/{name} 200.size: removed"]),
    "response field in a list": (
        lambda d: thing(d)["properties"]["parts"].update(items={"type": "string"}),
        ["GET /things/{name} 200.parts[]: may now be string"],
    ),
    "response field absent": (
        lambda d: thing(d).update(required=["name"]),
        ["GET /things/{name} 200.state: may now be absent"],
    ),
    "response type wider": (
        lambda d: thing(d)["properties"].update(name={"type": ["string", "null"]}),
        ["GET /things/{name} 200.name: may now be null"],
    ),
    "response value new": (
        lambda d: thing(d)["properties"]["state"]["enum"].append("lost"),
        ["GET /things/{name} 200.state: may now be 'lost'"],
    ),
    "parameter": (lambda d: get(d)["parameters"].pop(), ["GET /things/{name} query parameter age: removed"]),
    "parameter required": (
        lambda d: get(d)["parameters"][1].update(required=True),
        ["GET /things/{name} query parameter age: newly required"],
    ),
    "parameter required and new": (
        lambda d: get(d)["parameters"].append({"in": "query", "name": "at", "required": True, "schema": {}}),
        ["GET /things/{name} query parameter at: newly required"],
    ),
    "parameter bound": (
        lambda d: get(d)["parameters"][0]["schema"].update(maxLength=32),
        ["GET /things/{name} path parameter name: maxLength is now 32"],
    ),
    "parameter pattern": (
        lambda d: get(d)["parameters"][0]["schema"].update(pattern="^a"),
        ["GET /things/{name} path parameter name: has another pattern now"],
    ),
    "body required": (
        lambda d: put(d)["requestBody"].update(required=True),
        ["PUT /things/{name} body: newly required"],
    ),
    "body type": (
        lambda d: put(d)["requestBody"].update(content={}),
        ["PUT /things/{name} body application/json: removed"],
    ),
    "body field": (lambda d: order(d)["properties"].pop("note"), ["PUT /things/{name} body.note: removed"]),
    "body field required": (
        lambda d: order(d)["required"].append("note"),
        ["PUT /things/{name} body.note: newly required"],
    ),
    "body closed": (
        lambda d: order(d).update(additionalProperties=False),
        ["PUT /things/{name} body: no longer takes other fields"],
    ),
    "body type narrower": (
        lambda d: order(d)["properties"].update(count={"type": "integer", "maximum": 9}),
        ["PUT /things/{name} body.count: no longer takes null"],
    ),
    "body bound": (
        lambda d: order(d)["properties"]["count"]["anyOf"][0].update(maximum=5),
        ["PUT /things/{name} body.count: maximum is now 5"],
    ),
    "body value gone": (
        lambda d: order(d)["properties"]["kind"]["enum"].remove("b"),
        ["PUT /things/{name} body.kind: no longer takes 'b'"],
    ),
    "body values listed": (
        lambda d: order(d)["properties"]["note"].update(enum=["x"]),
        ["PUT /things/{name} body.note: takes only listed values now"],
    ),
    "scope": (
        lambda d: get(d).update(security=[{"oauth": ["things/all"]}, {"bearer": ["things/all"]}]),
        ["GET /things/{name}: newly wants the scope things/all"],
    ),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda d: d,
    "path": lambda d: d["paths"].update({"/more": {"get": {"responses": {"200": {}}}}}),
    "optional parameter": lambda d: get(d)["parameters"].append({"in": "query", "name": "at", "schema": {}}),
    "another status": lambda d: get(d)["responses"].update({"429": {}}),
    "response field": lambda d: thing(d)["properties"].update(colour={"type": "string"}),
    "response field always there": lambda d: thing(d)["required"].append("size"),
    "response type narrower": lambda d: thing(d)["properties"].update(size={"type": "integer"}),
    "optional body field": lambda d: order(d)["properties"].update(colour={"type": "string"}),
    "body type wider": lambda d: order(d)["properties"].update(note={"type": ["string", "null"]}),
    "body bound looser": lambda d: order(d)["properties"]["count"]["anyOf"][0].update(maximum=99),
    "body value new": lambda d: order(d)["properties"]["kind"]["enum"].append("c"),
    "another way to authorise": lambda d: get(d)["security"].append({"mtls": []}),
    "words": lambda d: get(d).update(summary="other", description="words"),
}
