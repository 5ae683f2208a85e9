"""The newest profile of every user that was asked for, in DynamoDB: newest fetch wins by field, what changed is known.

One item per (workspace, identifier): key `identifier` and `scope` (`<workspace>#<identifier_type>`). A user that
MoEngage does not know is kept too, for a shorter time, so that asking again soon costs no quota.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lookup.aws.dynamodb import batch_get
from lookup.errors import AwsUnavailable
from lookup.model import Clock, Identifier, Profile, Sleep, timestamp
from lookup.results.changes import with_changes
from lookup.results.oversize import Oversize, fits_an_item
from lookup.results.profile_item import Item, Retention, condition_of, from_item, identifier_of, key_of, to_item
from lookup.results.stored_profile import StoredProfile, as_written, merged

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES = 64  # of one profile, each met by another writer


@dataclass(frozen=True, slots=True)
class Met:
    """What is there instead of what a write was to replace; None when it is gone."""

    item: Mapping[str, Any] | None


class ProfileStore:
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

    def read(self, workspace: str, identifiers: Sequence[Identifier]) -> dict[Identifier, StoredProfile]:
        """Read what is stored and has not expired. Raises `AwsUnavailable` when DynamoDB leaves keys unanswered."""
        keys = [key_of(workspace, one) for one in identifiers]
        items = batch_get(self._client, self._table, keys, sleep=self._sleep)
        stored = {identifier_of(item): self._alive(item) for item in items}
        return {one: profile for one, profile in stored.items() if profile.groups}

    def _alive(self, item: Mapping[str, Any]) -> StoredProfile:
        """Read what has not expired of an item, and the object of what does not fit only if any of that has not."""
        now = self._clock()
        alive = self._retention.alive(from_item(item, None), now)
        kept = alive.object
        if kept is None or len(kept.newer(alive.groups)) == len(alive.groups):
            return replace(alive, object=None)  # it has not been read: nothing may be kept there
        return self._retention.alive(from_item(item, self._oversize.read(kept.key)), now)

    def write(self, fetched: Profile, previous: StoredProfile | Profile | None) -> Profile:
        """Store what was fetched, field by field unless a newer fetch is stored; give it with what changed.

        `previous` is what `read` gave, or `write`; when another writer came between, theirs is taken instead. Of
        writers that meet, one always gets on, so this needs as many tries as others write the same user meanwhile.
        Raises `AwsUnavailable` after `WRITES`.
        """
        if isinstance(previous, Profile):
            previous = as_written(previous)
        for _ in range(WRITES):
            known = with_changes(fetched, previous)
            after = merged(previous, known)
            if after is None:
                return fetched
            met = self._put(after)
            if met is None or _is_ours(met.item, fetched):
                return known
            previous = None if met.item is None else self._alive(met.item)
        raise AwsUnavailable(f"a profile met other writers {WRITES} times")

    def _put(self, stored: StoredProfile) -> Met | None:
        """Put the item if what it was made of is what is there; else give what is there."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=self._item(stored),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition_of(stored.version),
            )
        except self._client.exceptions.ConditionalCheckFailedException as failure:
            return Met(failure.response.get("Item"))  # type: ignore[arg-type]  # absent from the stubs
        return None

    def _item(self, stored: StoredProfile) -> Item:
        beside = [*stored.changed_fields, *(name for group in stored.groups for name in group.fields or ())]
        if stored.attributes is None or fits_an_item(stored.attributes, beside=beside):
            return to_item(stored, retention=self._retention, attributes=stored.attributes)
        own, kept = stored.beside_object(), stored.object
        if kept is not None and own is not None and fits_an_item(own, beside=beside):
            return to_item(stored, retention=self._retention, attributes=own or None, attributes_key=kept.key)
        key = self._oversize.write(stored.workspace, stored.attributes)
        return to_item(replace(stored, object=None), retention=self._retention, attributes=None, attributes_key=key)


def _is_ours(item: Mapping[str, Any] | None, fetched: Profile) -> bool:
    """Say whether an item holds this very fetch: it was written although its answer was lost, perhaps written over."""
    if item is None:
        return False
    written = timestamp(fetched.fetched_at)
    if item["fetched_at"]["S"] == written:
        return bool(item["lookup_id"]["S"] == fetched.lookup_id)
    return written in item.get("earlier", {}).get("M", {})
