"""The use case: fresh enough? → pack → gate → ask → pair → write → outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace

from lookup import exact_json
from lookup.errors import NotExported, ServiceError
from lookup.fetch.isolation import NOBODY_DOUBTED
from lookup.fetch.vendor_access import VendorAccess
from lookup.fetch.vendor_calls import CallResult, Turn, VendorCalls
from lookup.model import Attributes, FetchOptions, Identifier, Outcome, Profile, Source, Status
from lookup.moengage.matching import NAMES
from lookup.results.changes import with_changes
from lookup.results.profiles import ProfileStore
from lookup.results.stored_profile import StoredProfile
from lookup.settings import Settings

KeepUnmatched = Callable[[str, float, Sequence[Attributes]], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcomes that are settled; `cause` says why others are missing, None when none are.

    `older` are stored profiles that would answer, were they not too old. `writes` are profiles on their way into the
    store: their outcomes count once `stored` has seen them there. Among the `doubted` somebody was still searched for
    who spoils the others' calls; `in_vain` are calls for one of these alone that met trouble.
    """

    outcomes: Mapping[Identifier, Outcome]
    cause: ServiceError | None = None
    older: Mapping[Identifier, Outcome] = field(default_factory=dict)
    writes: Sequence[Future[Profile]] = ()
    doubted: frozenset[Identifier] = frozenset()
    in_vain: Mapping[Identifier, int] = field(default_factory=dict)

    def stored(self) -> Fetched:
        """Wait until all is stored. What changed is told anew where another writer came between."""
        written = [write.result() for write in self.writes]
        told = {profile.identifier: _outcome(profile, Source.MOENGAGE) for profile in written}
        return replace(self, outcomes={**self.outcomes, **told}, writes=())


def _nothing(_: Sequence[Identifier]) -> None:
    """Let nobody know of a payload."""


def _anything(_: int) -> None:
    """Let any number of users be asked for."""


class Fetcher:
    """Looks identifiers up under given terms. Everything found is stored before it counts as found.

    The last profiles are still being written when `begin` gives its outcomes, so that the caller writes beside them.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        profiles: ProfileStore,
        vendor_of: Callable[[str], VendorAccess],
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
        terms: FetchOptions,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None] = _nothing,
        turn: Turn | None = None,
        doubted: Mapping[Identifier, int] = NOBODY_DOUBTED,
    ) -> Fetched:
        """Do as `begin` does, and wait until all is stored."""
        begun = self.begin(wanted, terms, until=until, before_sending=before_sending, turn=turn, doubted=doubted)
        return begun.stored()

    def begin(
        self,
        wanted: Mapping[Identifier, float],
        terms: FetchOptions,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None] = _nothing,
        allow: Callable[[int], object] = _anything,
        turn: Turn | None = None,
        doubted: Mapping[Identifier, int] = NOBODY_DOUBTED,
    ) -> Fetched:
        """Look up every key of `wanted`; its value is the oldest fetch (epoch seconds) that still answers it.

        Waits for quota until `until` (epoch seconds) at most. Raises `UnknownWorkspace` and `NotExported` (fields
        that the workspace does not export) before anything is asked or charged. `allow` hears how many users are to
        be asked for, if any are; what it raises is raised. `doubted` are those that an earlier run doubted, with what
        it gave as `in_vain`.
        """
        terms, stored, outcomes = self._answered(wanted, terms)
        missing = [one for one in wanted if one not in outcomes]
        if not missing:
            return Fetched(outcomes)
        allow(len(missing))
        answers = _answers({one: stored[one] for one in missing if one in stored}, terms)
        older = {one: _stored(profile, terms, Source.STALE) for one, profile in answers.items()}
        asking = VendorCalls(
            self._vendor_of(terms.workspace),
            missing,
            terms,
            until=until,
            before_sending=before_sending,
            turn=turn,
            doubted=doubted,
        )
        writes: list[Future[Profile]] = []
        try:
            for reply in asking.replies():
                outcomes |= self._settled(reply, terms, stored, writes)
                if len(outcomes) < len(wanted):  # a grant must be used at once: nothing else may run beside it
                    wait(writes)
        except ServiceError as cause:
            return Fetched(outcomes, cause, older, writes, frozenset(asking.doubted), asking.doubted)
        return Fetched(outcomes, None, older, writes)

    def stored_only(self, wanted: Mapping[Identifier, float], terms: FetchOptions) -> Fetched:
        """Answer from the store alone, as fresh as `run` would take it."""
        return Fetched(self._answered(wanted, terms)[2])

    def _answered(
        self, wanted: Mapping[Identifier, float], terms: FetchOptions
    ) -> tuple[FetchOptions, dict[Identifier, StoredProfile], dict[Identifier, Outcome]]:
        """Settle the fields, read what is stored, and answer what is fresh enough."""
        terms = replace(terms, fields=self._exported(terms))
        stored = self._profiles.read(terms.workspace, list(wanted)) if self._keeps(terms.workspace) else {}
        answers = _answers(stored, terms).items()
        return terms, stored, {one: _stored(known, terms) for one, known in answers if known.fetched_at >= wanted[one]}

    def _keeps(self, workspace: str) -> bool:
        """Return whether profiles are stored; where they are not, results in S3 are all there is."""
        return self._settings.workspace(workspace).keep_profiles

    def _exported(self, terms: FetchOptions) -> tuple[str, ...] | None:
        allowed = self._settings.workspace(terms.workspace).fields
        if allowed is None or terms.fields is None:
            return allowed if terms.fields is None else terms.fields
        if not set(terms.fields) <= set(allowed):
            raise NotExported
        return terms.fields

    def _settled(
        self,
        reply: CallResult,
        terms: FetchOptions,
        stored: Mapping[Identifier, StoredProfile],
        writes: list[Future[Profile]],
    ) -> dict[Identifier, Outcome]:
        if reply.unmatched:
            named = None if terms.fields is None else (*terms.fields, *NAMES)
            unmatched = [_only(user, named) for user in reply.unmatched]
            self._keep_unmatched(terms.workspace, reply.fetched_at, unmatched)
        outcomes = {one: Outcome(one, Status.FAILED, reason) for one, reason in reply.failed.items()}
        for profile in _profiles(reply, terms):
            previous = stored.get(profile.identifier)
            if self._keeps(terms.workspace):
                writes.append(self._writers.submit(self._profiles.write, profile, previous))
            outcomes[profile.identifier] = _outcome(with_changes(profile, previous), Source.MOENGAGE)
        return outcomes


def _profiles(reply: CallResult, terms: FetchOptions) -> list[Profile]:
    answers: dict[Identifier, Attributes | None] = {
        **{one: _only(user, terms.fields) for one, user in reply.found.items()},
        **dict.fromkeys(reply.not_found, None),
    }
    return [_profile(one, attributes, reply.fetched_at, terms) for one, attributes in answers.items()]


def _profile(one: Identifier, attributes: Attributes | None, fetched_at: float, terms: FetchOptions) -> Profile:
    """Make a profile of what MoEngage holds; what UTF-8 cannot hold is replaced, and said to be."""
    text, replaced = (None, ()) if attributes is None else exact_json.well_formed(attributes)
    return Profile(terms.workspace, one, text, fetched_at, terms.lookup_id, terms.fields, replaced_fields=replaced)


def _answers(stored: Mapping[Identifier, StoredProfile], terms: FetchOptions) -> dict[Identifier, Profile]:
    """Return what is known of the wanted fields, where all of them are."""
    known = {one: profile.answer(terms.fields) for one, profile in stored.items()}
    return {one: profile for one, profile in known.items() if profile is not None}


def _stored(profile: Profile, terms: FetchOptions, source: Source = Source.STORED) -> Outcome:
    """Answer with a stored profile; what changed is told only by the lookup that saw it change."""
    changed = profile.changed_fields if profile.lookup_id == terms.lookup_id else ()
    return _outcome(replace(profile, changed_fields=changed), source)


def _outcome(profile: Profile, source: Source) -> Outcome:
    status = Status.NOT_FOUND if profile.attributes is None else Status.FOUND
    return Outcome(profile.identifier, status, profile=profile, source=source)


def _only(attributes: Attributes, fields: tuple[str, ...] | None) -> Attributes:
    """Keep the attributes asked for; the identifiers were added for pairing."""
    return attributes if fields is None else {name: attributes[name] for name in fields if name in attributes}
