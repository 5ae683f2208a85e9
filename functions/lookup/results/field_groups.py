"""Fields of a user in groups of one latest fetch each: the newest first; only the oldest may be "all"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from lookup.model import Attributes, epoch, timestamp

# Bounds of an item beside its attributes, for any number of partners and fields: each read pays for its size.
GROUPS = 8
NAME_BYTES = 8 * 1024  # of the names in all groups but the newest, and of those in the newest that have no attribute


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields whose latest fetch was sent at `fetched_at` (epoch seconds, whole microseconds).

    `fields` of None are all that no newer group names.
    """

    fetched_at: float
    fields: tuple[str, ...] | None

    def without(self, newer: Iterable[FieldGroup]) -> FieldGroup | None:
        """Return the group without the fields of newer ones; None when nothing is left."""
        newer_groups = list(newer)
        if any(group.fields is None for group in newer_groups):
            return None
        if self.fields is None:
            return self
        names = names_of(newer_groups)
        left = tuple(name for name in self.fields if name not in names)
        return FieldGroup(self.fetched_at, left) if left else None


def to_microseconds(at: float) -> float:
    """Return a time rounded as it is stored: whole microseconds."""
    return epoch(timestamp(at))


def join_simultaneous(groups: Sequence[FieldGroup]) -> tuple[FieldGroup, ...]:
    """Return groups with those of the same time joined."""
    joined: list[FieldGroup] = []
    for group in groups:
        if joined and joined[-1].fetched_at == group.fetched_at:
            joined[-1] = _union(joined[-1], group)
        else:
            joined.append(group)
    return tuple(joined)


def within_bounds(groups: Sequence[FieldGroup], attributes: Attributes) -> tuple[FieldGroup, ...]:
    """Return groups, newest first, within the bounds.

    The oldest two groups are joined with the older time; with too many names, those without an attribute are dropped,
    and then the oldest group. A dropped field is fetched again, never wrong.
    """
    newest, *older = groups
    while len(older) >= GROUPS:
        older[-2:] = [_union(*older[-2:])]
    if _names_bytes(older) > NAME_BYTES:
        older = [group for group in (_present(group, attributes) for group in older) if group is not None]
    while _names_bytes(older) > NAME_BYTES:
        older[-2:] = older[-2:-1] if older[-1].fields is not None else [_union(*older[-2:])]
    return _fitting(newest, attributes), *older


def _fitting(group: FieldGroup, attributes: Attributes) -> FieldGroup:
    """Return the group less those of its names that have no attribute and take too much together."""
    kept, size = [], 0
    for name in group.fields or ():
        size += 0 if name in attributes else len(name.encode())
        if name in attributes or size <= NAME_BYTES:
            kept.append(name)
    return group if group.fields is None else FieldGroup(group.fetched_at, tuple(kept))


def _union(newer: FieldGroup, older: FieldGroup) -> FieldGroup:
    """Return two groups as one with the older time."""
    if newer.fields is None or older.fields is None:
        return FieldGroup(older.fetched_at, None)
    return FieldGroup(older.fetched_at, tuple(sorted({*newer.fields, *older.fields})))


def _present(group: FieldGroup, attributes: Attributes) -> FieldGroup | None:
    """Return the group without the names that have no attribute; None when nothing is left."""
    if group.fields is None:
        return group
    names = tuple(name for name in group.fields if name in attributes)
    return FieldGroup(group.fetched_at, names) if names else None


def _names_bytes(groups: Iterable[FieldGroup]) -> int:
    return sum(len(name.encode()) for name in names_of(groups))


def groups_holding(groups: Sequence[FieldGroup], fields: tuple[str, ...] | None) -> Sequence[FieldGroup]:
    """Return the groups that hold `fields`; none unless they hold all of them."""
    is_whole = bool(groups) and groups[-1].fields is None
    if fields is None:
        return groups if is_whole else ()
    if not fields:
        return groups[:1]
    left, holders = set(fields), []
    for group in groups:
        own = left if group.fields is None else left.intersection(group.fields)
        if own:
            holders.append(group)
            left = left - own
    return () if left else holders


def known_names(groups: Sequence[FieldGroup], names: Iterable[str]) -> Collection[str]:
    """Return those of `names` that are in the groups."""
    return set(names) if groups[-1].fields is None else names_of(groups)


def names_of(groups: Iterable[FieldGroup]) -> set[str]:
    """Return the names in groups; "all" has none."""
    return {name for group in groups for name in group.fields or ()}
