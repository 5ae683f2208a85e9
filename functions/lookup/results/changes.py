"""The fields in which a fetch differs from the one before, as JSON: 1 equals 1.0, but not true."""

from __future__ import annotations

from dataclasses import replace

from lookup import exact_json
from lookup.model import Profile
from lookup.results.field_groups import names_of, to_microseconds
from lookup.results.stored_profile import StoredProfile

_MISSING = object()


def with_changes(fetched: Profile, previous: StoredProfile | None) -> Profile:
    """Return the fetch with its changes since the one before, over the fields that both requested."""
    if previous is None or not previous.groups:
        return replace(fetched, changed_at=fetched.fetched_at)
    changed = _changed_fields(fetched, previous)
    same_kind = (previous.attributes is None) == (fetched.attributes is None)
    unchanged = same_kind and not changed
    return replace(fetched, changed_at=previous.changed_at if unchanged else fetched.fetched_at, changed_fields=changed)


def _changed_fields(new: Profile, old: StoredProfile) -> tuple[str, ...]:
    """Return the attributes added, removed or changed since an older fetch; none when either found no user."""
    if old.attributes is None or new.attributes is None:
        return ()
    newer = [group for group in old.groups if group.fetched_at >= to_microseconds(new.fetched_at)]
    if newer and newer[-1].fields is None:
        return ()
    names = {*old.attributes, *new.attributes} - names_of(newer)
    if old.groups[-1].fields is not None:
        names &= names_of(old.groups)
    if not new.covers(None):
        names &= set(new.fields or ())
    return tuple(
        sorted(one for one in names if not _equal(old.attributes.get(one, _MISSING), new.attributes.get(one, _MISSING)))
    )


def _equal(old: object, new: object) -> bool:
    """Return whether two values are the same JSON at any depth: 1 and 1.0 are, 1 and true are not."""
    if old != new or isinstance(old, bool) != isinstance(new, bool):
        return False
    is_scalar = old is None or old is _MISSING or isinstance(old, str | bool | int)
    return is_scalar or exact_json.fingerprint(old) == exact_json.fingerprint(new)  # type: ignore[arg-type]  # JSON, as neither is missing
