"""The newest profile of every user that was asked for, in DynamoDB: newest fetch wins, and what changed is known.

One item per (workspace, identifier): key `identifier` and `scope` (`<workspace>#<identifier_type>`). A user that
MoEngage does not know is kept too, for a shorter time, so that asking again soon costs no quota.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lookup.batch_read import batch_read
from lookup.model import Clock, Identifier, Profile, Sleep, timestamp
from lookup.oversize import Oversize, fits_an_item
from lookup.profile_item import Item, Retention, from_item, key_of, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Profiles:
    """The table of newest profiles. Times of the items are those of the fetch, not of the write."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        oversize: Oversize,
        retention: Retention,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._client = client
        self._table = table_name
        self._oversize = oversize
        self._retention = retention
        self._clock = clock
        self._sleep = sleep

    def read(self, workspace: str, identifiers: Sequence[Identifier]) -> dict[Identifier, Profile]:
        """Read what is stored and has not expired. Raises `AwsTrouble` when DynamoDB leaves keys unanswered."""
        keys = [key_of(workspace, one) for one in identifiers]
        items = batch_read(self._client, self._table, keys, sleep=self._sleep)
        alive = (item for item in items if int(item["expires_at"]["N"]) > self._clock())
        return {profile.identifier: profile for profile in map(self._profile, alive)}

    def _profile(self, item: Mapping[str, Any]) -> Profile:
        pointer = item.get("attributes_key")
        return from_item(item, self._oversize.read(pointer["S"]) if pointer else None)

    def write(self, profile: Profile, previous: Profile | None) -> Profile:
        """Store a fetched profile unless a newer fetch is stored; give it with what changed since `previous`.

        `previous` is what `read` gave; when another writer came between, theirs is taken instead.
        """
        fetched_at = timestamp(profile.fetched_at)
        while True:
            known = compared(profile, previous)
            stored = self._put(known, previous)
            if stored is None:
                return known
            if stored["lookup_id"] == {"S": profile.lookup_id} and stored["fetched_at"]["S"] == fetched_at:
                return known  # our own, written although its answer was lost
            if stored["fetched_at"]["S"] >= fetched_at:
                return profile
            previous = self._profile(stored)

    def _put(self, profile: Profile, previous: Profile | None) -> Mapping[str, Any] | None:
        """Put the item if nothing but `previous` is there; else give what is there."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(identifier)"}
        if previous is not None:
            condition["ConditionExpression"] += " OR fetched_at = :seen"
            condition["ExpressionAttributeValues"] = {":seen": {"S": timestamp(previous.fetched_at)}}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=self._item(profile),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
        except self._client.exceptions.ConditionalCheckFailedException as failure:
            stored: Mapping[str, Any] = failure.response["Item"]  # type: ignore[typeddict-item]  # absent from the stubs
            return stored
        return None

    def _item(self, profile: Profile) -> Item:
        key, beside = None, [*profile.changed_fields, *(profile.fields or ())]
        if profile.attributes is not None and not fits_an_item(profile.attributes, beside=beside):
            key = self._oversize.write(profile.workspace, profile.attributes)
        return to_item(profile, expires_at=self._retention.expires_at(profile), attributes_key=key)


def compared(profile: Profile, previous: Profile | None) -> Profile:
    """Say what changed since the previous fetch, over the fields that both asked for."""
    if previous is None:
        return replace(profile, changed_at=profile.fetched_at)
    changed = changed_fields(previous, profile)
    same_kind = (previous.attributes is None) == (profile.attributes is None)
    unchanged = same_kind and not changed
    return replace(profile, changed_at=previous.changed_at if unchanged else profile.fetched_at, changed_fields=changed)


def changed_fields(old: Profile, new: Profile) -> tuple[str, ...]:
    """Name the attributes that came, went or differ; none when either fetch found no user."""
    if old.attributes is None or new.attributes is None:
        return ()
    names = {name for name in {*old.attributes, *new.attributes} if old.covers((name,)) and new.covers((name,))}
    missing = object()
    return tuple(sorted(n for n in names if old.attributes.get(n, missing) != new.attributes.get(n, missing)))
