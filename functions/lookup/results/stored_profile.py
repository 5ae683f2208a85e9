"""The stored profile of one user: the newest fetch of every field, with its time.

A fetch of some fields leaves the others unchanged. The order in which fetches arrive does not matter: the newest of
each field wins, and whatever is older than "no such user" is invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from lookup.model import Attributes, Identifier, Json, Profile, timestamp
from lookup.results.field_groups import (
    FieldGroup,
    groups_holding,
    join_simultaneous,
    known_names,
    names_of,
    to_microseconds,
    within_bounds,
)


@dataclass(frozen=True, slots=True)
class Version:
    """The version of an item that was read: a write replaces that alone. `revision` counts an item's writes."""

    fetched_at: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Attributes in S3, of fetches up to `until` (epoch seconds); the item holds those of newer ones."""

    key: str
    until: float
    attributes: Attributes

    def beside(self, groups: Sequence[FieldGroup], own: Attributes) -> Attributes:
        """Return the attributes of an item of these groups that holds `own` beside the object."""
        newer = self.newer(groups)
        if len(newer) == len(groups):  # nothing of the object is left
            return own
        rest = set(known_names(groups, self.attributes)) - names_of(newer)
        return {name: one for name, one in self.attributes.items() if name in rest} | dict(own)

    def newer(self, groups: Sequence[FieldGroup]) -> list[FieldGroup]:
        """Return the groups whose attributes are not in the object."""
        return [group for group in groups if group.fetched_at > self.until]


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """One user's attributes with the times of their fetches, the newest group first; only the oldest may be "all".

    `attributes` of None means that MoEngage knew no such user. `lookup_id` and `changed_fields` are those of the
    newest fetch. `not_found_at` is when MoEngage last knew no such user, if it has known one since. `version` is None
    before the first write. Without groups all of it has expired. `object` has the attributes that the item does not
    hold.
    """

    workspace: str
    identifier: Identifier
    attributes: Attributes | None
    groups: tuple[FieldGroup, ...]
    lookup_id: str
    changed_at: float
    changed_fields: tuple[str, ...] = ()
    replaced_fields: tuple[str, ...] = ()
    not_found_at: float | None = None
    version: Version | None = None
    object: StoredObject | None = None

    def beside_object(self) -> Attributes | None:
        """Return the attributes of the item beside its object; None when the object lacks some of the rest."""
        if self.object is None or self.attributes is None:
            return None
        newer = names_of(self.object.newer(self.groups))
        own = {name: value for name, value in self.attributes.items() if name in newer}
        return own if self.object.beside(self.groups, own) == self.attributes else None

    def select(self, fields: tuple[str, ...] | None) -> Profile | None:
        """Return the profile of `fields` (None: all), as old as the oldest of them; None when one was never fetched."""
        groups = self.groups[:1] if self.attributes is None else groups_holding(self.groups, fields)
        if not groups:
            return None
        attributes = self.attributes
        if attributes is not None and fields is not None:
            attributes = {name: attributes[name] for name in fields if name in attributes}
        return Profile(
            workspace=self.workspace,
            identifier=self.identifier,
            attributes=attributes,
            fetched_at=min(group.fetched_at for group in groups),
            lookup_id=self.lookup_id,
            fields=fields,
            changed_at=self.changed_at,
            changed_fields=_among(self.changed_fields, fields),
            replaced_fields=_among(self.replaced_fields, fields),
        )

    def restricted_to(self, groups: Sequence[FieldGroup]) -> StoredProfile:
        """Return the profile with the fields of these of its groups alone."""
        if self.attributes is None or not groups:
            return replace(self, attributes=None, groups=tuple(groups), replaced_fields=())
        known = known_names(groups, self.attributes)
        return replace(
            self,
            attributes={name: value for name, value in self.attributes.items() if name in known},
            groups=tuple(groups),
            replaced_fields=tuple(name for name in self.replaced_fields if name in known),
        )

    def without_expired(self, is_expired: Callable[[float], bool]) -> StoredProfile:
        """Return the profile without the fields whose fetch has expired."""
        alive = [group for group in self.groups if not is_expired(group.fetched_at)]
        return self if len(alive) == len(self.groups) else self.restricted_to(alive)


def after_first_write(fetched: Profile) -> StoredProfile:
    """Return the stored profile after the first fetch of a user."""
    return replace(_single_fetch(fetched, None), version=Version(timestamp(fetched.fetched_at)))


def merge(previous: StoredProfile | None, fetched: Profile) -> StoredProfile | None:
    """Return the profile after a fetch from `with_changes`; None when the fetch adds nothing."""
    if previous is None or not previous.groups:
        return _single_fetch(fetched, previous)
    at, newest = to_microseconds(fetched.fetched_at), previous.groups[0].fetched_at
    if fetched.attributes is None:
        return _single_fetch(fetched, previous) if at > newest else _invalidated_before(previous, at)
    if previous.attributes is None:
        return _single_fetch(fetched, replace(previous, not_found_at=newest)) if at > newest else None
    if previous.not_found_at is not None and at <= previous.not_found_at:
        return None
    return _merged(previous, fetched)


def _single_fetch(fetched: Profile, previous: StoredProfile | None) -> StoredProfile:
    """Return the profile of one fetch that replaces all before it."""
    is_found = fetched.attributes is not None
    own = FieldGroup(to_microseconds(fetched.fetched_at), fetched.fields if is_found else None)
    return StoredProfile(
        workspace=fetched.workspace,
        identifier=fetched.identifier,
        attributes=fetched.attributes,
        groups=within_bounds((own,), fetched.attributes or {}),
        lookup_id=fetched.lookup_id,
        changed_at=fetched.fetched_at if fetched.changed_at is None else fetched.changed_at,
        changed_fields=fetched.changed_fields,
        replaced_fields=fetched.replaced_fields,
        not_found_at=previous.not_found_at if previous and is_found and fetched.fields is not None else None,
        version=previous.version if previous else None,
    )


def _invalidated_before(previous: StoredProfile, at: float) -> StoredProfile | None:
    """Return a profile without fetches older than "no such user" at `at`, which later merges drop as well."""
    if previous.attributes is None or at <= (previous.not_found_at or 0.0):
        return None
    newer = [group for group in previous.groups if group.fetched_at >= at]
    if newer[-1].fields is None:
        return None
    return replace(previous.restricted_to(newer), not_found_at=at)


def _merged(previous: StoredProfile, fetched: Profile) -> StoredProfile | None:
    """Return the profile with those of the fetch's fields that have no newer fetch."""
    at = to_microseconds(fetched.fetched_at)
    newer = [group for group in previous.groups if group.fetched_at >= at]
    own = FieldGroup(at, fetched.fields).without(newer)
    if own is None:
        return None
    older = [group.without([own]) for group in previous.groups[len(newer) :]]
    groups = join_simultaneous([*newer, own, *(group for group in older if group is not None)])
    attributes, replaced = _merged_attributes(previous, fetched, names_of(newer), own)
    is_newest = at > previous.groups[0].fetched_at
    changed_at = previous.changed_at if fetched.changed_at is None else fetched.changed_at
    joined = replace(
        previous,
        attributes=attributes,
        groups=groups,
        lookup_id=fetched.lookup_id if is_newest else previous.lookup_id,
        changed_at=max(previous.changed_at, changed_at),
        changed_fields=fetched.changed_fields if is_newest else previous.changed_fields,
        replaced_fields=replaced,
        not_found_at=None if groups[-1].fields is None else previous.not_found_at,
    )
    within = within_bounds(groups, attributes)
    return joined if within == groups else joined.restricted_to(within)


def _merged_attributes(
    previous: StoredProfile, fetched: Profile, newer: Collection[str], own: FieldGroup
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the attributes of both, those of `own` from the fetch, and the names of the replaced ones."""
    theirs = newer if own.fields is None else (previous.attributes or {}).keys() - set(own.fields)
    ours = (fetched.attributes or {}).keys() - set(newer)
    if own.fields is not None:
        ours &= set(own.fields)
    attributes = {name: value for name, value in (previous.attributes or {}).items() if name in theirs}
    attributes |= {name: value for name, value in (fetched.attributes or {}).items() if name in ours}
    replaced = {*(set(previous.replaced_fields) & set(theirs)), *(set(fetched.replaced_fields) & ours)}
    return attributes, tuple(sorted(replaced))


def _among(names: tuple[str, ...], fields: tuple[str, ...] | None) -> tuple[str, ...]:
    if fields is None:
        return names
    wanted = set(fields)
    return tuple(name for name in names if name in wanted)
