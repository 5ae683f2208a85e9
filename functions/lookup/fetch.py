"""The use case: fresh enough? → pack → gate → ask → pair → write → outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from lookup.asking import Asking, Reply, Vendor
from lookup.errors import InvalidInput, LookupFault
from lookup.model import Attributes, Identifier, Outcome, Profile, Source, Status, Terms
from lookup.profiles import Profiles
from lookup.settings import Settings

KeepUnmatched = Callable[[str, float, Sequence[Attributes]], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcomes that are settled and stored; `cause` says why others are missing, None when none are."""

    outcomes: Mapping[Identifier, Outcome]
    cause: LookupFault | None = None


def _nothing() -> None:
    """Let nobody know of a call."""


class Fetch:
    """Looks identifiers up under given terms. Everything found is stored before it counts as found."""

    def __init__(
        self,
        *,
        settings: Settings,
        profiles: Profiles,
        vendor_of: Callable[[str], Vendor],
        keep_unmatched: KeepUnmatched,
        writers: Executor,
    ) -> None:
        self._settings = settings
        self._profiles = profiles
        self._vendor_of = vendor_of
        self._keep_unmatched = keep_unmatched
        self._writers = writers

    def run(
        self,
        wanted: Mapping[Identifier, float],
        terms: Terms,
        *,
        until: float,
        before_sending: Callable[[], None] = _nothing,
    ) -> Fetched:
        """Look up every key of `wanted`; its value is the oldest fetch (epoch seconds) that still answers it.

        Waits for quota until `until` (epoch seconds) at most. Raises `UnknownWorkspace` and `InvalidInput` (fields
        that the workspace does not export) before anything is asked or charged.
        """
        terms, stored, outcomes = self._answered(wanted, terms)
        vendor = self._vendor_of(terms.workspace)
        missing = (one for one in wanted if one not in outcomes)
        asking = Asking(vendor, missing, terms, until=until, before_sending=before_sending)
        try:
            for reply in asking.replies():
                outcomes |= self._settled(reply, terms, stored)
        except LookupFault as cause:
            return Fetched(outcomes, cause)
        return Fetched(outcomes)

    def stored_only(self, wanted: Mapping[Identifier, float], terms: Terms) -> Fetched:
        """Answer from the store alone, as fresh as `run` would take it."""
        return Fetched(self._answered(wanted, terms)[2])

    def _answered(
        self, wanted: Mapping[Identifier, float], terms: Terms
    ) -> tuple[Terms, dict[Identifier, Profile], dict[Identifier, Outcome]]:
        """Settle the fields, read what is stored, and answer what is fresh enough."""
        terms = replace(terms, fields=self._exported(terms))
        stored = self._profiles.read(terms.workspace, list(wanted))
        fresh = (one for one in wanted if _is_fresh(stored.get(one), wanted[one], terms))
        return terms, stored, {one: _stored(stored[one], terms) for one in fresh}

    def _exported(self, terms: Terms) -> tuple[str, ...] | None:
        allowed = self._settings.workspace(terms.workspace).fields
        if allowed is None or terms.fields is None:
            return terms.fields or allowed
        barred = sorted(set(terms.fields) - set(allowed))
        if barred:
            raise InvalidInput("fields", f"{barred[0]!r} is not exported from workspace {terms.workspace!r}")
        return terms.fields

    def _settled(self, reply: Reply, terms: Terms, stored: Mapping[Identifier, Profile]) -> dict[Identifier, Outcome]:
        if reply.unmatched:
            self._keep_unmatched(terms.workspace, reply.fetched_at, reply.unmatched)
        written = self._written(reply, terms, stored)
        outcomes = {profile.identifier: _outcome(profile, Source.MOENGAGE) for profile in written}
        return outcomes | {one: Outcome(one, Status.FAILED, reason) for one, reason in reply.failed.items()}

    def _written(self, reply: Reply, terms: Terms, stored: Mapping[Identifier, Profile]) -> Iterable[Profile]:
        answers: dict[Identifier, Attributes | None] = {
            **{one: _only(user, terms.fields) for one, user in reply.found.items()},
            **dict.fromkeys(reply.not_found, None),
        }
        fetched = [
            Profile(terms.workspace, one, attributes, reply.fetched_at, terms.lookup_id, terms.fields)
            for one, attributes in answers.items()
        ]
        return list(
            self._writers.map(lambda profile: self._profiles.write(profile, stored.get(profile.identifier)), fetched)
        )


def _is_fresh(profile: Profile | None, oldest: float, terms: Terms) -> bool:
    return profile is not None and profile.fetched_at >= oldest and profile.covers(terms.fields)


def _stored(profile: Profile, terms: Terms) -> Outcome:
    """Answer with a stored profile; what changed is told only by the lookup that saw it change."""
    attributes = None if profile.attributes is None else _only(profile.attributes, terms.fields)
    changed = profile.changed_fields if profile.lookup_id == terms.lookup_id else ()
    return _outcome(replace(profile, attributes=attributes, changed_fields=changed), Source.STORED)


def _outcome(profile: Profile, source: Source) -> Outcome:
    status = Status.NOT_FOUND if profile.attributes is None else Status.FOUND
    return Outcome(profile.identifier, status, profile=profile, source=source)


def _only(attributes: Attributes, fields: tuple[str, ...] | None) -> Attributes:
    """Keep the attributes asked for; the identifiers were added for pairing."""
    return attributes if fields is None else {name: attributes[name] for name in fields if name in attributes}
