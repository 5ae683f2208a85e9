"""The DynamoDB item of a profile, written and parsed. Readable by any tool: one attribute, one fact.

`fetched_at`, `fields`, `lookup_id` and `changed_fields` are those of the newest fetch; `earlier` has the fields that
only older fetches requested, by their times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookup import exact_json
from lookup.aws.attribute_values import from_typed, to_typed
from lookup.model import DAY, Attributes, Identifier, IdentifierType, epoch, timestamp
from lookup.results.field_groups import FieldGroup
from lookup.results.stored_profile import StoredObject, StoredProfile, Version

Item = dict[str, Any]  # in DynamoDB's typed JSON


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention of a profile after its fetch, in days: of a found user, and of a user not found."""

    found_days: int
    not_found_days: int

    def expires_at(self, fetched_at: float, *, is_found: bool) -> int:
        """Return the epoch second from which a fetch counts as expired (DynamoDB's TTL deletes it days later)."""
        return int(fetched_at) + (self.found_days if is_found else self.not_found_days) * DAY

    def unexpired(self, stored: StoredProfile, now: float) -> StoredProfile:
        """Return the profile without its expired fetches."""
        is_found = stored.attributes is not None
        return stored.without_expired(lambda fetched_at: self.expires_at(fetched_at, is_found=is_found) <= now)


def key_of(workspace: str, identifier: Identifier) -> Item:
    """Return the item's key."""
    return {
        "identifier": {"S": identifier.identifier},
        "scope": {"S": f"{workspace}#{identifier.identifier_type.value}"},
    }


def identifier_of(item: Mapping[str, Any]) -> Identifier:
    """Return the identifier of an item."""
    kind = item["scope"]["S"].rpartition("#")[2]
    return Identifier(IdentifierType(kind), item["identifier"]["S"])


def to_item(
    stored: StoredProfile, *, retention: Retention, attributes: Attributes | None, attributes_key: str | None = None
) -> Item:
    """Return the item that replaces the version that was read, with these attributes.

    `attributes_key` is the S3 key of the attributes that do not fit: of all, or with `attributes` of the rest.

    DynamoDB deletes the item when its oldest fetch has expired, so that nothing is kept beyond its retention.
    """
    is_found, newest, oldest = stored.attributes is not None, stored.groups[0], stored.groups[-1]
    facts: dict[str, object] = {
        "workspace": stored.workspace,
        "identifier_type": stored.identifier.identifier_type.value,
        "status": "found" if is_found else "not_found",
        "fetched_at": timestamp(newest.fetched_at),
        "changed_at": timestamp(stored.changed_at),
        "changed_fields": list(stored.changed_fields),
        "lookup_id": stored.lookup_id,
        "expires_at": retention.expires_at(oldest.fetched_at, is_found=is_found),
        "fields": None if newest.fields is None else list(newest.fields),
        "replaced_fields": list(stored.replaced_fields) or None,
        "earlier": _earlier(stored) or None,
        "not_found_at": None if stored.not_found_at is None else timestamp(stored.not_found_at),
        "revision": None if stored.version is None else stored.version.revision + 1,
        "content_hash": None if stored.attributes is None else exact_json.fingerprint(stored.attributes),
        "attributes_key": attributes_key,
        "attributes_key_until": _until(stored, attributes_key),
        "attributes": attributes,
    }
    typed = {name: to_typed(value) for name, value in facts.items() if value is not None}
    return key_of(stored.workspace, stored.identifier) | typed


def _until(stored: StoredProfile, attributes_key: str | None) -> str | None:
    """Return the latest fetch in the object, None when it holds all attributes."""
    kept = stored.object
    return timestamp(kept.until) if kept is not None and kept.key == attributes_key else None


def _earlier(stored: StoredProfile) -> dict[str, list[str] | None]:
    """Return the names of fields by the time of their fetch, None for all others."""
    return {
        timestamp(group.fetched_at): None if group.fields is None else list(group.fields) for group in stored.groups[1:]
    }


def from_item(item: Mapping[str, Any], in_object: Attributes | None) -> StoredProfile:
    """Parse an item; `in_object` are the attributes of its S3 object, if it has one."""
    facts = {name: from_typed(value) for name, value in item.items() if name != "attributes"}
    is_found = facts["status"] == "found"
    fields = facts.get("fields") if is_found else None  # a user that does not exist has no unknown fields
    earlier = sorted(facts.get("earlier", {}).items(), reverse=True)
    groups = tuple(_group(written, names) for written, names in [(facts["fetched_at"], fields), *earlier])
    kept = _object(facts, in_object or {})
    own = from_typed(item["attributes"]) if "attributes" in item else {}
    attributes = own if kept is None else kept.beside(groups, own)
    return StoredProfile(
        workspace=facts["workspace"],
        identifier=identifier_of(item),
        attributes=attributes if is_found else None,
        groups=groups,
        lookup_id=facts["lookup_id"],
        changed_at=epoch(facts["changed_at"]),
        changed_fields=tuple(facts["changed_fields"]),
        replaced_fields=tuple(facts.get("replaced_fields", ())),
        not_found_at=epoch(facts["not_found_at"]) if "not_found_at" in facts else None,
        version=version_of(item),
        object=kept,
    )


def _object(facts: Mapping[str, Any], attributes: Attributes) -> StoredObject | None:
    if "attributes_key" not in facts:
        return None
    until = epoch(facts.get("attributes_key_until", facts["fetched_at"]))
    return StoredObject(facts["attributes_key"], until, attributes)


def _group(written: str, names: list[str] | None) -> FieldGroup:
    return FieldGroup(epoch(written), None if names is None else tuple(names))


def version_of(item: Mapping[str, Any]) -> Version:
    """Return the version of an item."""
    return Version(item["fetched_at"]["S"], int(item["revision"]["N"]) if "revision" in item else 0)


def condition_of(version: Version | None) -> dict[str, Any]:
    """Return the arguments of a write that replaces this version of an item alone (None: that there is none)."""
    if version is None:
        return {"ConditionExpression": "attribute_not_exists(identifier)"}
    seen = {":seen": {"S": version.fetched_at}}
    if version.revision == 0:
        without_expired = "fetched_at = :seen AND attribute_not_exists(revision)"
        return {"ConditionExpression": without_expired, "ExpressionAttributeValues": seen}
    return {
        "ConditionExpression": "fetched_at = :seen AND revision = :revision",
        "ExpressionAttributeValues": seen | {":revision": {"N": str(version.revision)}},
    }
