"""The newest profile of every requested user, in DynamoDB: the newest fetch of each field wins.

One item per (workspace, identifier): key `identifier` and `scope` (`<workspace>#<identifier_type>`). A user that
MoEngage does not know is stored too, for a shorter time, so that a repeated request costs no quota.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lookup.aws.dynamodb import get_any
from lookup.errors import AwsUnavailable
from lookup.model import Clock, Identifier, Profile, Sleep, timestamp
from lookup.results.changes import with_changes
from lookup.results.oversize import Oversize, fits_item
from lookup.results.profile_item import Item, Retention, condition_of, from_item, identifier_of, key_of, to_item
from lookup.results.stored_profile import StoredProfile, after_first_write, merge

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_ATTEMPTS = 64  # of one profile, each in conflict with another writer


@dataclass(frozen=True, slots=True)
class Existing:
    """The item in conflict with a write; None when there is none."""

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
        """Read stored profiles without expired fetches. Raises `AwsUnavailable` when keys stay unanswered."""
        keys = [key_of(workspace, one) for one in identifiers]
        items = get_any(self._client, self._table, keys, sleep=self._sleep)
        stored = {identifier_of(item): self._unexpired(item) for item in items}
        return {one: profile for one, profile in stored.items() if profile.groups}

    def _unexpired(self, item: Mapping[str, Any]) -> StoredProfile:
        """Parse an item without its expired fetches; its object is read only if some of that has not expired."""
        now = self._clock()
        unexpired = self._retention.unexpired(from_item(item, None), now)
        kept = unexpired.object
        if kept is None or len(kept.newer(unexpired.groups)) == len(unexpired.groups):
            return replace(unexpired, object=None)  # it is not read: nothing may be written to it
        return self._retention.unexpired(from_item(item, self._oversize.read(kept.key)), now)

    def write(self, fetched: Profile, previous: StoredProfile | Profile | None) -> Profile:
        """Write a fetch, except fields of which a newer fetch is stored. Return it with its changes.

        `previous` is what `read` or `write` returned; after another write the stored profile is used instead. Of
        concurrent writers one always succeeds, so this takes as many attempts as there are other writes of the user.
        Raises `AwsUnavailable` after `MAX_ATTEMPTS`.
        """
        if isinstance(previous, Profile):
            previous = after_first_write(previous)
        for _ in range(MAX_ATTEMPTS):
            known = with_changes(fetched, previous)
            after = merge(previous, known)
            if after is None:
                return fetched
            existing = self._put(after)
            if existing is None or _is_own_write(existing.item, fetched):
                return known
            previous = None if existing.item is None else self._unexpired(existing.item)
        raise AwsUnavailable(f"writing a profile met conflicts {MAX_ATTEMPTS} times")

    def _put(self, stored: StoredProfile) -> Existing | None:
        """Put the item if the stored version is the one it was made of. Return the item in conflict otherwise."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=self._item(stored),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition_of(stored.version),
            )
        except self._client.exceptions.ConditionalCheckFailedException as failure:
            return Existing(failure.response.get("Item"))  # type: ignore[arg-type]  # absent from the stubs
        return None

    def _item(self, stored: StoredProfile) -> Item:
        beside = [*stored.changed_fields, *(name for group in stored.groups for name in group.fields or ())]
        if stored.attributes is None or fits_item(stored.attributes, beside=beside):
            return to_item(stored, retention=self._retention, attributes=stored.attributes)
        own, kept = stored.beside_object(), stored.object
        if kept is not None and own is not None and fits_item(own, beside=beside):
            return to_item(stored, retention=self._retention, attributes=own or None, attributes_key=kept.key)
        key = self._oversize.write(stored.workspace, stored.identifier, stored.attributes)
        return to_item(replace(stored, object=None), retention=self._retention, attributes=None, attributes_key=key)


def _is_own_write(item: Mapping[str, Any] | None, fetched: Profile) -> bool:
    """Return whether an item holds this very fetch: its write took effect though the response was lost."""
    if item is None:
        return False
    written = timestamp(fetched.fetched_at)
    if item["fetched_at"]["S"] == written:
        return bool(item["lookup_id"]["S"] == fetched.lookup_id)
    return written in item.get("earlier", {}).get("M", {})
