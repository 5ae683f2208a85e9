"""Reading a Get User call as the vendor does: the first rule that it breaks is the answer."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import simplejson

from infra.local.simulator.config import WorkspaceConfig

IDENTIFIERS_LIMIT = 20
BODY_LIMIT = 128 * 1024


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One POST to the export path, complete. Header names are lower case."""

    app_id: str | None
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Export:
    """What a well-formed call requests. `fields` of None means all."""

    workspace_id: str
    identifiers: tuple[tuple[str, str], ...]
    fields: tuple[str, ...] | None


class Refusal(Exception):
    """The call breaks a rule: the HTTP code, and the text of the error body."""

    def __init__(self, status: int, kind: str, message: str, attribute: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.attribute = attribute


def read(call: HttpCall, workspaces: Mapping[str, WorkspaceConfig]) -> Export:
    """Return what the call requests. Raises `Refusal`."""
    if len(call.body) > BODY_LIMIT:
        raise Refusal(413, "PayloadTooLarge", "the request body is over 128 KB")
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "UnsupportedMediaType", "Content-Type must be application/json")
    workspace_id = _authenticate(call.headers.get("authorization", ""), workspaces)
    if call.app_id is None:
        raise Refusal(400, "MissingAttributeError", "app_id is missing", "app_id")
    if call.app_id != workspace_id:
        raise Refusal(409, "Authentication Mismatch", "app_id does not match the authenticated workspace", "app_id")
    workspace = workspaces[workspace_id]
    content = _unwrap(_parse(call.body), workspace)
    return Export(workspace_id, _identifiers(content, workspace), _fields(content))


def _authenticate(header: str, workspaces: Mapping[str, WorkspaceConfig]) -> str:
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user = key = ""
    known = workspaces.get(user)
    if scheme.lower() == "basic" and known and hmac.compare_digest(key.encode(), known.data_api_key.encode()):
        return user
    raise Refusal(401, "Authentication required", "the workspace id or the data API key is wrong")


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        content = simplejson.loads(body)
    except ValueError:
        raise Refusal(400, "Malformed JSON", "the request body is not valid JSON") from None
    if not isinstance(content, dict):
        raise Refusal(400, "InvalidParams", "the request body must be an object")
    return content


def _unwrap(content: Mapping[str, Any], workspace: WorkspaceConfig) -> Mapping[str, Any]:
    if workspace.body_shape == "root" or (workspace.body_shape == "both" and "data" not in content):
        return content
    data = content.get("data")
    if not isinstance(data, dict):
        raise Refusal(400, "MissingAttributeError", "data is missing", "data")
    return data


def _identifiers(content: Mapping[str, Any], workspace: WorkspaceConfig) -> tuple[tuple[str, str], ...]:
    listed = content.get("identifiers")
    if not isinstance(listed, list):
        raise Refusal(400, "MissingAttributeError", "identifiers is missing", "identifiers")
    if not listed:
        raise Refusal(400, "InvalidParams", "identifiers must not be empty", "identifiers")
    if len(listed) > IDENTIFIERS_LIMIT:
        raise Refusal(400, "LimitBreached", "max limit allowed is 20", "identifiers")
    return tuple(_identifier(entry, workspace) for entry in listed)


def _identifier(entry: object, workspace: WorkspaceConfig) -> tuple[str, str]:
    accepted = {"customer_id"} | ({"id", "moengage_id"} if workspace.id_name == "both" else {workspace.id_name})
    if not isinstance(entry, dict):
        raise Refusal(400, "InvalidParams", "an identifier must be an object", "identifiers")
    kind, text = entry.get("identifier_type"), entry.get("identifier")
    if not isinstance(kind, str) or kind not in accepted:
        raise Refusal(400, "InvalidParams", "identifier_type is not valid", "identifier_type")
    if not isinstance(text, str) or not text:
        raise Refusal(400, "InvalidParams", "identifier must be a string", "identifier")
    return kind, text


def _fields(content: Mapping[str, Any]) -> tuple[str, ...] | None:
    listed = content.get("user_fields_to_export")
    if listed is None:
        return None
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise Refusal(400, "InvalidParams", "user_fields_to_export must be a list of strings", "user_fields_to_export")
    return tuple(listed)
