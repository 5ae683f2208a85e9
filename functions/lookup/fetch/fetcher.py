"""Fetch profiles: store → payloads → gate → calls → matching → store → outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace

from lookup import exact_json
from lookup.errors import NotExported, ServiceError
from lookup.fetch.isolation import NO_SUSPECTS
from lookup.fetch.tombstones import Tombstones
from lookup.fetch.vendor_access import VendorAccess
from lookup.fetch.vendor_calls import TakeTurn, VendorCalls
from lookup.model import ERASED, Attributes, Identifier, LookupRequest, Outcome, Profile, Source, Status
from lookup.moengage.matching import ID_ATTRIBUTE_NAMES, Matches
from lookup.results.changes import with_changes
from lookup.results.profiles import ProfileStore
from lookup.results.stored_profile import StoredProfile
from lookup.settings import Settings

KeepUnmatched = Callable[[str, float, Sequence[Attributes]], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The settled outcomes; `cause` is the error for which others are missing, None when none are.

    `stale` are the answers of profiles in the store that are too old. `pending_writes` are profiles on their way into
    it: their outcomes count once `wait_until_written` has returned. `doubted` are suspects that may fail
    the calls of others, with their `unanswered_calls`: calls for each alone without a response.
    """

    outcomes: Mapping[Identifier, Outcome]
    cause: ServiceError | None = None
    stale: Mapping[Identifier, Outcome] = field(default_factory=dict)
    pending_writes: Sequence[Future[Profile]] = ()
    doubted: frozenset[Identifier] = frozenset()
    unanswered_calls: Mapping[Identifier, int] = field(default_factory=dict)

    def wait_until_written(self) -> Fetched:
        """Return the outcomes once all is in the store: as they are there, where another writer came between."""
        profiles = [write.result() for write in self.pending_writes]
        written = {profile.identifier: _outcome(profile, Source.MOENGAGE) for profile in profiles}
        return replace(self, outcomes={**self.outcomes, **written}, pending_writes=())


def _ignore(_: object) -> None:
    """Do nothing."""


class Fetcher:
    """Looks identifiers up. Everything found is written to the store before it counts as found.

    The last profiles are still being written when `start` returns, so that the caller writes beside them.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        profiles: ProfileStore,
        vendor_of: Callable[[str], VendorAccess],
        keep_unmatched: KeepUnmatched,
        writers: Executor,
        tombstones: Tombstones,
    ) -> None:
        self._settings = settings
        self._tombstones = tombstones
        self._profiles = profiles
        self._vendor_of = vendor_of
        self._keep_unmatched = keep_unmatched
        self._writers = writers

    def fetch(
        self,
        wanted: Mapping[Identifier, float],
        request: LookupRequest,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None] = _ignore,
        turn: TakeTurn | None = None,
        doubted: Mapping[Identifier, int] = NO_SUSPECTS,
    ) -> Fetched:
        """Do as `start` does, and wait until all is written."""
        started = self.start(wanted, request, until=until, before_sending=before_sending, turn=turn, doubted=doubted)
        return started.wait_until_written()

    def start(
        self,
        wanted: Mapping[Identifier, float],
        request: LookupRequest,
        *,
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None] = _ignore,
        on_charge: Callable[[int], object] = _ignore,
        turn: TakeTurn | None = None,
        doubted: Mapping[Identifier, int] = NO_SUSPECTS,
    ) -> Fetched:
        """Look up every key of `wanted`; its value is the oldest fetch (epoch seconds) that still answers it.

        Waits for quota until `until` (epoch seconds) at most. Raises `UnknownWorkspace` and `NotExported` (fields
        that the workspace does not export) before any call or charge. `on_charge` is called with how many users
        are to be requested, if any are; what it raises is raised. `doubted` are the suspects of an earlier run, with
        its `unanswered_calls`.
        """
        request, stored, outcomes = self._read_fresh(wanted, request)
        missing = [one for one in wanted if one not in outcomes]
        if not missing:
            return Fetched(outcomes)
        on_charge(len(missing))
        too_old = _with_fields({one: stored[one] for one in missing if one in stored}, request)
        stale = {one: _outcome_from_store(profile, request, Source.STALE) for one, profile in too_old.items()}
        calls = VendorCalls(
            self._vendor_of(request.workspace),
            missing,
            request,
            until=until,
            before_sending=before_sending,
            turn=turn,
            doubted=doubted,
        )
        writes: list[Future[Profile]] = []
        try:
            for matches in calls.results():
                outcomes |= self._settle(matches, request, stored, writes) | _failures(calls.failed)
                if len(outcomes) < len(wanted):  # a grant must be used at once: nothing else may run beside it
                    wait(writes)
        except ServiceError as cause:
            outcomes |= _failures(calls.failed)
            return Fetched(outcomes, cause, stale, writes, frozenset(calls.doubted), calls.doubted)
        return Fetched(outcomes | _failures(calls.failed), None, stale, writes)

    def from_store(self, wanted: Mapping[Identifier, float], request: LookupRequest) -> Fetched:
        """Answer from the store alone, as fresh as `fetch` would take it."""
        return Fetched(self._read_fresh(wanted, request)[2])

    def _read_fresh(
        self, wanted: Mapping[Identifier, float], request: LookupRequest
    ) -> tuple[LookupRequest, dict[Identifier, StoredProfile], dict[Identifier, Outcome]]:
        """Return the request with checked fields, what is in the store, and the answers that are fresh enough."""
        request = replace(request, fields=self._checked_fields(request))
        erased = self._tombstones.outcomes(request.workspace, wanted)
        left = [one for one in wanted if one not in erased]
        stored = self._profiles.read(request.workspace, left) if left and self._uses_store(request.workspace) else {}
        hidden = [one for one, known in stored.items() if self._names_erased(request.workspace, known)]
        erased |= {one: Outcome(one, Status.INVALID, ERASED) for one in hidden}
        stored = {one: known for one, known in stored.items() if one not in erased}
        answers = _with_fields(stored, request).items()
        fresh = {one: _outcome_from_store(known, request) for one, known in answers if known.fetched_at >= wanted[one]}
        return request, stored, erased | fresh

    def _names_erased(self, workspace: str, known: StoredProfile) -> bool:
        """Return whether a stored user is somebody erased under another identifier, as in a table that was restored."""
        return known.attributes is not None and self._tombstones.names_erased(workspace, known.attributes)

    def _uses_store(self, workspace: str) -> bool:
        """Return whether profiles are written to the store; where they are not, results in S3 are all there is."""
        return self._settings.workspace(workspace).keep_profiles

    def _checked_fields(self, request: LookupRequest) -> tuple[str, ...] | None:
        allowed = self._settings.workspace(request.workspace).fields
        if allowed is None or request.fields is None:
            return allowed if request.fields is None else request.fields
        if not set(request.fields) <= set(allowed):
            raise NotExported
        return request.fields

    def _settle(
        self,
        matches: Matches,
        request: LookupRequest,
        stored: Mapping[Identifier, StoredProfile],
        writes: list[Future[Profile]],
    ) -> dict[Identifier, Outcome]:
        """Return the outcomes of one call, and begin to write its profiles."""
        matches, outcomes = self._without_erased(matches, request.workspace)
        if matches.unmatched:
            named = None if request.fields is None else (*request.fields, *ID_ATTRIBUTE_NAMES)
            unmatched = [_select(user, named) for user in matches.unmatched]
            self._keep_unmatched(request.workspace, matches.fetched_at, unmatched)
        for profile in _profiles(matches, request):
            previous = stored.get(profile.identifier)
            if self._uses_store(request.workspace):
                writes.append(self._writers.submit(self._profiles.write, profile, previous))
            outcomes[profile.identifier] = _outcome(with_changes(profile, previous), Source.MOENGAGE)
        return outcomes

    def _without_erased(self, matches: Matches, workspace: str) -> tuple[Matches, dict[Identifier, Outcome]]:
        """Return the matches without users who were erased under another identifier, and the outcomes of these."""
        erased = {one for one, user in matches.found.items() if self._tombstones.names_erased(workspace, user)}
        found = {one: user for one, user in matches.found.items() if one not in erased}
        unmatched = tuple(one for one in matches.unmatched if not self._tombstones.names_erased(workspace, one))
        outcomes = {one: Outcome(one, Status.INVALID, ERASED) for one in erased}
        return replace(matches, found=found, unmatched=unmatched), outcomes


def _failures(failed: Mapping[Identifier, str]) -> dict[Identifier, Outcome]:
    return {one: Outcome(one, Status.FAILED, reason) for one, reason in failed.items()}


def _profiles(matches: Matches, request: LookupRequest) -> list[Profile]:
    answers: dict[Identifier, Attributes | None] = {
        **{one: _select(user, request.fields) for one, user in matches.found.items()},
        **dict.fromkeys(matches.not_found, None),
    }
    return [_profile(one, attributes, matches.fetched_at, request) for one, attributes in answers.items()]


def _profile(one: Identifier, attributes: Attributes | None, fetched_at: float, request: LookupRequest) -> Profile:
    """Make a profile of what MoEngage holds; what UTF-8 cannot hold is replaced, and listed as replaced."""
    text, replaced = (None, ()) if attributes is None else exact_json.well_formed(attributes)
    return Profile(
        request.workspace, one, text, fetched_at, request.lookup_id, request.fields, replaced_fields=replaced
    )


def _with_fields(stored: Mapping[Identifier, StoredProfile], request: LookupRequest) -> dict[Identifier, Profile]:
    """Return the profiles of which all wanted fields are in the store."""
    known = {one: profile.select(request.fields) for one, profile in stored.items()}
    return {one: profile for one, profile in known.items() if profile is not None}


def _outcome_from_store(profile: Profile, request: LookupRequest, source: Source = Source.STORED) -> Outcome:
    """Answer with a profile from the store; only the lookup that saw it change lists what changed."""
    changed = profile.changed_fields if profile.lookup_id == request.lookup_id else ()
    return _outcome(replace(profile, changed_fields=changed), source)


def _outcome(profile: Profile, source: Source) -> Outcome:
    status = Status.NOT_FOUND if profile.attributes is None else Status.FOUND
    return Outcome(profile.identifier, status, profile=profile, source=source)


def _select(attributes: Attributes, fields: tuple[str, ...] | None) -> Attributes:
    """Return the requested attributes; the identifiers were added for matching."""
    return attributes if fields is None else {name: attributes[name] for name in fields if name in attributes}
