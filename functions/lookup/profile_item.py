"""How a profile lies in its DynamoDB item, and how it is read back. Readable by any tool: one attribute, one fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from lookup import wire
from lookup.model import Attributes, Identifier, IdentifierType, Profile, epoch, timestamp

DAY = 24 * 3600
Item = dict[str, Any]  # in DynamoDB's typed JSON
_write = TypeSerializer().serialize
_read = TypeDeserializer().deserialize


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a profile is kept after it was fetched, in days: found, and known to be missing."""

    found_days: int
    not_found_days: int

    def expires_at(self, profile: Profile) -> int:
        """Give the epoch second from which the profile counts as gone (DynamoDB's TTL deletes it days later)."""
        days = self.not_found_days if profile.attributes is None else self.found_days
        return int(profile.fetched_at) + days * DAY


def key_of(workspace: str, identifier: Identifier) -> Item:
    """Give the item's key."""
    return {
        "identifier": {"S": identifier.identifier},
        "scope": {"S": f"{workspace}#{identifier.identifier_type.value}"},
    }


def identifier_of(item: Mapping[str, Any]) -> Identifier:
    """Read whose item it is."""
    kind = item["scope"]["S"].rpartition("#")[2]
    return Identifier(IdentifierType(kind), item["identifier"]["S"])


def to_item(profile: Profile, *, expires_at: int, attributes_key: str | None) -> Item:
    """Write an item; `attributes_key` is the S3 key when the attributes do not fit."""
    facts: dict[str, object] = {
        "workspace": profile.workspace,
        "identifier_type": profile.identifier.identifier_type.value,
        "status": "not_found" if profile.attributes is None else "found",
        "fetched_at": timestamp(profile.fetched_at),
        "changed_at": timestamp(profile.fetched_at if profile.changed_at is None else profile.changed_at),
        "changed_fields": list(profile.changed_fields),
        "lookup_id": profile.lookup_id,
        "expires_at": expires_at,
        "fields": None if profile.fields is None else list(profile.fields),
        "content_hash": None if profile.attributes is None else wire.fingerprint(profile.attributes),
        "attributes_key": attributes_key,
        "attributes": profile.attributes if attributes_key is None else None,
    }
    typed = {name: _write(value) for name, value in facts.items() if value is not None}
    return key_of(profile.workspace, profile.identifier) | typed


def from_item(item: Mapping[str, Any], attributes: Attributes | None) -> Profile:
    """Read an item; `attributes` are those of its S3 object, when it points to one."""
    facts = {name: _read(value) for name, value in item.items() if name != "attributes"}
    fields = facts.get("fields")
    return Profile(
        workspace=facts["workspace"],
        identifier=identifier_of(item),
        attributes=_read(item["attributes"]) if "attributes" in item else attributes,
        fetched_at=epoch(facts["fetched_at"]),
        lookup_id=facts["lookup_id"],
        fields=None if fields is None else tuple(fields),
        changed_at=epoch(facts["changed_at"]),
        changed_fields=tuple(facts["changed_fields"]),
    )
