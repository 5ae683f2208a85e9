"""What is known of one user: of every field its newest fetch, and when that was.

A fetch of some fields says nothing of the others, so those stay as the fetch before left them. Merging is the same in
whatever order fetches arrive: each field's newest wins, and whatever is older than "no such user" is void.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from lookup import wire
from lookup.model import Attributes, Identifier, Json, Profile, epoch, timestamp

# Bounds of what an item holds beside its newest fetch, however many partners ask for however many fields.
GROUPS = 8
NAME_BYTES = 32 * 1024  # of the names in all groups but the newest
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Group:
    """Fields whose newest fetch left at `fetched_at` (epoch seconds, whole microseconds).

    `fields` of None are all that no newer group names.
    """

    fetched_at: float
    fields: tuple[str, ...] | None

    def without(self, newer: Iterable[Group]) -> Group | None:
        """Return the group less the fields of newer ones; None when nothing is left."""
        taken = list(newer)
        if any(group.fields is None for group in taken):
            return None
        if self.fields is None:
            return self
        names = _names(taken)
        left = tuple(name for name in self.fields if name not in names)
        return Group(self.fetched_at, left) if left else None


@dataclass(frozen=True, slots=True)
class Version:
    """Which of an item's states was read: a write replaces that one only. `revision` counts an item's writes."""

    fetched_at: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """One user's attributes with the times of their fetches, the newest group first; only the oldest may be "all".

    `attributes` of None means that MoEngage knew no such user. `lookup_id` and `changed_fields` are those of the
    newest fetch. `not_found_at` is when MoEngage last knew no such user, if it has known one since. `version` is None
    of what has never been written. Without groups all of it has expired.
    """

    workspace: str
    identifier: Identifier
    attributes: Attributes | None
    groups: tuple[Group, ...]
    lookup_id: str
    changed_at: float
    changed_fields: tuple[str, ...] = ()
    replaced_fields: tuple[str, ...] = ()
    not_found_at: float | None = None
    version: Version | None = None

    def answer(self, fields: tuple[str, ...] | None) -> Profile | None:
        """Return what is known of `fields` (None: all), as old as the oldest of them; None when one was never asked."""
        groups = self.groups[:1] if self.attributes is None else _deciding(self.groups, fields)
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

    def holding(self, groups: Sequence[Group]) -> StoredProfile:
        """Return the profile with no more than what these of its groups decide."""
        if self.attributes is None or not groups:
            return replace(self, attributes=None, groups=tuple(groups), replaced_fields=())
        known = _known(groups, self.attributes)
        return replace(
            self,
            attributes={name: value for name, value in self.attributes.items() if name in known},
            groups=tuple(groups),
            replaced_fields=tuple(name for name in self.replaced_fields if name in known),
        )

    def without(self, is_expired: Callable[[float], bool]) -> StoredProfile:
        """Return the profile without the fields whose fetch has expired."""
        alive = [group for group in self.groups if not is_expired(group.fetched_at)]
        return self if len(alive) == len(self.groups) else self.holding(alive)


def as_written(fetched: Profile) -> StoredProfile:
    """Return what is stored of a user after the first fetch of it."""
    return replace(_alone(fetched, None), version=Version(timestamp(fetched.fetched_at)))


def compared(fetched: Profile, previous: StoredProfile | None) -> Profile:
    """Return the fetch with what changed since the one before, over the fields that both asked for."""
    if previous is None or not previous.groups:
        return replace(fetched, changed_at=fetched.fetched_at)
    changed = _changed_fields(fetched, previous)
    same_kind = (previous.attributes is None) == (fetched.attributes is None)
    unchanged = same_kind and not changed
    return replace(fetched, changed_at=previous.changed_at if unchanged else fetched.fetched_at, changed_fields=changed)


def merged(previous: StoredProfile | None, fetched: Profile) -> StoredProfile | None:
    """Return what is known after a fetch, which `compared` has seen; None when the fetch adds nothing."""
    if previous is None or not previous.groups:
        return _alone(fetched, previous)
    at, newest = _whole(fetched.fetched_at), previous.groups[0].fetched_at
    if fetched.attributes is None:
        return _alone(fetched, previous) if at > newest else _void_before(previous, at)
    if previous.attributes is None:
        return _alone(fetched, replace(previous, not_found_at=newest)) if at > newest else None
    if previous.not_found_at is not None and at <= previous.not_found_at:
        return None
    return _joined(previous, fetched)


def _alone(fetched: Profile, previous: StoredProfile | None) -> StoredProfile:
    """Return a fetch before which nothing counts."""
    is_found = fetched.attributes is not None
    return StoredProfile(
        workspace=fetched.workspace,
        identifier=fetched.identifier,
        attributes=fetched.attributes,
        groups=(Group(_whole(fetched.fetched_at), fetched.fields if is_found else None),),
        lookup_id=fetched.lookup_id,
        changed_at=fetched.fetched_at if fetched.changed_at is None else fetched.changed_at,
        changed_fields=fetched.changed_fields,
        replaced_fields=fetched.replaced_fields,
        not_found_at=previous.not_found_at if previous and is_found and fetched.fields is not None else None,
        version=previous.version if previous else None,
    )


def _void_before(previous: StoredProfile, at: float) -> StoredProfile | None:
    """Return a profile of which all that is older than "no such user" at `at` is void, what is still to come too."""
    if previous.attributes is None or at <= (previous.not_found_at or 0.0):
        return None
    newer = [group for group in previous.groups if group.fetched_at >= at]
    if newer[-1].fields is None:
        return None
    return replace(previous.holding(newer), not_found_at=at)


def _joined(previous: StoredProfile, fetched: Profile) -> StoredProfile | None:
    """Return the profile with those of the fetch's fields that nothing newer decides."""
    at = _whole(fetched.fetched_at)
    newer = [group for group in previous.groups if group.fetched_at >= at]
    own = Group(at, fetched.fields).without(newer)
    if own is None:
        return None
    older = [group.without([own]) for group in previous.groups[len(newer) :]]
    groups = _as_one([*newer, own, *(group for group in older if group is not None)])
    attributes, replaced = _both(previous, fetched, _names(newer), own)
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
    return _bounded(joined)


def _both(
    previous: StoredProfile, fetched: Profile, newer: Collection[str], own: Group
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the attributes of both, and which of them were replaced: those of `own` as they were fetched."""
    theirs = newer if own.fields is None else (previous.attributes or {}).keys() - set(own.fields)
    ours = (fetched.attributes or {}).keys() - set(newer)
    if own.fields is not None:
        ours &= set(own.fields)
    attributes = {name: value for name, value in (previous.attributes or {}).items() if name in theirs}
    attributes |= {name: value for name, value in (fetched.attributes or {}).items() if name in ours}
    replaced = {*(set(previous.replaced_fields) & set(theirs)), *(set(fetched.replaced_fields) & ours)}
    return attributes, tuple(sorted(replaced))


def _as_one(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Return groups with those of the same moment joined."""
    joined: list[Group] = []
    for group in groups:
        if joined and joined[-1].fetched_at == group.fetched_at:
            joined[-1] = _union(joined[-1], group)
        else:
            joined.append(group)
    return tuple(joined)


def _union(newer: Group, older: Group) -> Group:
    """Return two groups as one, as old as the older."""
    if newer.fields is None or older.fields is None:
        return Group(older.fetched_at, None)
    return Group(older.fetched_at, tuple(sorted({*newer.fields, *older.fields})))


def _bounded(stored: StoredProfile) -> StoredProfile:
    """Return the profile within its bounds.

    The oldest two groups are taken for as old as the older; where names are too many, those that hold nothing are
    forgotten, and then the oldest group. To forget a field is to ask for it once more, never to answer wrongly.
    """
    groups = list(stored.groups)
    while len(groups) > GROUPS:
        groups[-2:] = [_union(*groups[-2:])]
    if _bytes(groups[1:]) > NAME_BYTES:
        held = stored.attributes or {}
        groups[1:] = [group for group in (_holding(group, held) for group in groups[1:]) if group is not None]
    while _bytes(groups[1:]) > NAME_BYTES:
        groups[-2:] = groups[-2:-1] if groups[-1].fields is not None else [_union(*groups[-2:])]
    return stored if tuple(groups) == stored.groups else stored.holding(groups)


def _holding(group: Group, attributes: Attributes) -> Group | None:
    if group.fields is None:
        return group
    names = tuple(name for name in group.fields if name in attributes)
    return Group(group.fetched_at, names) if names else None


def _bytes(groups: Iterable[Group]) -> int:
    return sum(len(name.encode()) for name in _names(groups))


def _deciding(groups: Sequence[Group], fields: tuple[str, ...] | None) -> Sequence[Group]:
    """Return the groups that hold `fields`; none unless they hold all of them."""
    is_whole = bool(groups) and groups[-1].fields is None
    if fields is None:
        return groups if is_whole else ()
    if not fields:
        return groups[:1]
    left, deciding = set(fields), []
    for group in groups:
        own = left if group.fields is None else left.intersection(group.fields)
        if own:
            deciding.append(group)
            left = left - own
    return () if left else deciding


def _known(groups: Sequence[Group], names: Iterable[str]) -> Collection[str]:
    """Return those of `names` that the groups decide."""
    return set(names) if groups[-1].fields is None else _names(groups)


def _names(groups: Iterable[Group]) -> set[str]:
    return {name for group in groups for name in group.fields or ()}


def _among(names: tuple[str, ...], fields: tuple[str, ...] | None) -> tuple[str, ...]:
    if fields is None:
        return names
    wanted = set(fields)
    return tuple(name for name in names if name in wanted)


def _whole(at: float) -> float:
    """Return a time as it is written: whole microseconds."""
    return epoch(timestamp(at))


def _changed_fields(new: Profile, old: StoredProfile) -> tuple[str, ...]:
    """Return the attributes that came, went or differ since an older fetch; none when either found no user."""
    if old.attributes is None or new.attributes is None:
        return ()
    at = _whole(new.fetched_at)
    names = {*old.attributes, *new.attributes} - _names(group for group in old.groups if group.fetched_at >= at)
    if old.groups[-1].fields is not None:
        names &= _names(old.groups)
    if not new.covers(None):
        names &= set(new.fields or ())
    return tuple(
        sorted(one for one in names if not _equal(old.attributes.get(one, _MISSING), new.attributes.get(one, _MISSING)))
    )


def _equal(old: object, new: object) -> bool:
    """Say whether two values are the same JSON: 1 and 1.0 are, 1 and true are not, however deep they lie."""
    if old != new or isinstance(old, bool) != isinstance(new, bool):
        return False
    is_scalar = old is None or old is _MISSING or isinstance(old, str | bool | int)
    return is_scalar or wire.fingerprint(old) == wire.fingerprint(new)  # type: ignore[arg-type]  # JSON, as neither is missing
