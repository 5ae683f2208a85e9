"""The OpenAPI 3.1 document: the routes as Powertools describes them, their answers, and what the gateway adds.

Loaded only when somebody asks for the document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.models import Server, Tag

from lookup.api.openapi.examples import BODIES
from lookup.api.openapi.models.components import components
from lookup.api.openapi.operations import SCHEMAS
from lookup.api.route_table import LOOKUPS_WRITE, PROFILES_READ, ROUTES, SCHEDULES_WRITE

API_VERSION = "0.3.0"
TITLE = "moengage-lookup"
DESCRIPTION = (
    "Profiles of your users as MoEngage has them, within MoEngage's quota. Every call needs a token: client "
    "credentials at the token endpoint, good for an hour. Errors are `application/problem+json` (RFC 9457) with a "
    "stable `type`."
)
TAGS: Mapping[str, str] = {
    "Profiles": "One user, there and then.",
    "Lookups": "Many users: at once up to 100, else behind the answer.",
    "Rosters": "Files of identifiers.",
    "Schedules": "Rosters that are looked up again and again.",
    "Quota": "What is left.",
    "Erasures": "People whose data is removed everywhere.",
    "Webhooks": "How you are called back.",
    "Operators": "Of all partners, for those who run the service: scope `service/admin`.",
}
# Those that every partner may ask for. Who asks for one that its client does not have gets no token at all.
SCOPES: Mapping[str, str] = {
    PROFILES_READ: "Read profiles, lookups and the quota",
    LOOKUPS_WRITE: "Submit and steer lookups",
    SCHEDULES_WRITE: "Keep schedules",
}
BY_CLIENT = (
    "Client id and secret: the browser asks the token endpoint. Where that does not let a page read its answer (CORS), "
    "paste a token into `token` instead."
)
BY_HAND = "A token that you have. In a shell you get one by"
# API Gateway answers these itself, before or instead of the service, with a body of its own.
GATEWAY: Mapping[str, tuple[str, str]] = {
    "401": ("Unauthorized", "Without a token, or with one that is spoilt, over, or of another issuer or audience."),
    "403": ("Forbidden", "From the gateway: the token lacks the scope of this route."),
    "429": ("Too Many Requests", "From the gateway: more requests per second than the stage takes."),
    "503": ("Service Unavailable", "From the gateway: the service did not answer in 30 s, or has no execution free."),
}
WHICH = {"description": "What is wrong with the token (RFC 6750).", "schema": {"type": "string"}}
# Of answers that every route replaces by its own.
POWERTOOLS_OWN = ("HTTPValidationError", "ResponseValidationError", "ValidationError")
PROBLEM = "application/problem+json"
WITHOUT_BODY = ("204", "303", "304")


def document(app: APIGatewayHttpResolver, token_url: str | None) -> bytes:
    """Write the document; `token_url` is where tokens come from, None when another issuer gives them."""
    model = app.get_openapi_schema(
        title=TITLE,
        version=API_VERSION,
        description=DESCRIPTION,
        servers=[Server(url=".", description="where this document lies")],
        tags=[Tag(name=name, description=description) for name, description in TAGS.items()],
    )
    written: dict[str, Any] = json.loads(model.model_dump_json(by_alias=True, exclude_none=True))
    schemas = written["components"]["schemas"] | components() | {"GatewayMessage": _message()}
    schemas = {name: schemas[name] for name in sorted(schemas) if name not in POWERTOOLS_OWN}
    written["components"] = {"schemas": schemas, "securitySchemes": _schemes(token_url)}
    operations = dict(_operations(written))
    for route in ROUTES:
        operation = operations[route.method, route.path.replace("+}", "}")]
        _complete(operation, route.scope, token_url)
        _share(operation["responses"].values(), written["components"])
    return json.dumps(written, ensure_ascii=False, indent=2).encode() + b"\n"


def _operations(written: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for path, item in written["paths"].items():
        for method, operation in item.items():
            yield (method.upper(), path), operation


def _complete(operation: dict[str, Any], scope: str, token_url: str | None) -> None:
    """Add who may call, and what the gateway answers; say of parameters only what a URL or header can hold."""
    for parameter in operation.get("parameters", ()):
        choices = [one for one in parameter["schema"].pop("anyOf", ()) if one != {"type": "null"}]
        parameter["schema"] |= choices[0] if choices else {}
    for name, body in BODIES.get(operation["operationId"], {}).items():
        content = operation["requestBody"]["content"]["application/json"]
        content.setdefault("examples", {})[name] = {"value": body}
    by_client = [{"client": [scope]}] if token_url and scope in SCOPES else []
    operation["security"] = [*by_client, {"token": [scope]}]
    # Generators of clients take a status's first schema for all of its bodies, so that one names both.
    for status, (message, meaning) in GATEWAY.items():
        response = operation["responses"].setdefault(status, {"description": "", "content": {}})
        response["description"] = " ".join(filter(None, (response["description"], meaning)))
        own = {name: content for name, content in response["content"].items() if name == PROBLEM}
        either = [content["schema"] for content in own.values()] + [{"$ref": f"{SCHEMAS}GatewayMessage"}]
        gateways = {
            "schema": {"anyOf": either} if own else either[0],
            "examples": {"gateway": {"value": {"message": message}}},
        }
        response["content"] = {"application/json": gateways, **own}
    operation["responses"]["401"]["headers"] = {"WWW-Authenticate": WHICH}
    for status in WITHOUT_BODY:
        operation["responses"].get(status, {}).pop("content", None)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _share(responses: Iterable[dict[str, Any]], components: dict[str, Any]) -> None:
    """Write headers and problems that many answers have once, and refer to them."""
    shared = [("headers", response.get("headers", {})) for response in responses]
    contents = [response["content"][PROBLEM] for response in responses if PROBLEM in response.get("content", {})]
    shared += [("examples", content["examples"]) for content in contents]
    for kind, named in shared:
        for name, described in named.items():
            components.setdefault(kind, {})[name] = described
            named[name] = {"$ref": f"#/components/{kind}/{name}"}


def _schemes(token_url: str | None) -> dict[str, Any]:
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    if token_url is None:
        return {"token": bearer | {"description": "A token of your issuer."}}
    flow = {"tokenUrl": token_url, "scopes": dict(SCOPES)}
    client = {"type": "oauth2", "description": BY_CLIENT, "flows": {"clientCredentials": flow}}
    return {"client": client, "token": bearer | {"description": f"{BY_HAND}\n\n```sh\n{_command(token_url)}\n```"}}


def _command(token_url: str) -> str:
    """Write how to get a token in a shell; the address is not told where it is this API's own (the local stage)."""
    where = token_url if "://" in token_url else "…/oauth2/token"
    form = ("grant_type=client_credentials", "client_id=…", "client_secret=…", f"scope={' '.join(SCOPES)}")
    fields = "".join(f" \\\n  --data-urlencode '{field}'" for field in form)
    return f"curl -s '{where}'{fields} | jq -r .access_token"


def _message() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What API Gateway answers itself.",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }
