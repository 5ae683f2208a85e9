"""What became of parts, kept: archived once, told, then counted. Nothing counts before it is stored and told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookup.ledger.model import ChangedProfiles
from lookup.ledger.parts import NO_ANSWER, NO_ORIGIN, CompletedPart, PartLedger
from lookup.model import Counts, Outcome, Part, Status
from lookup.results.files import Record, ResultFiles

REFUSED = "refused"  # why identifiers failed whose part breaks a rule of ours or of the settings


@dataclass(frozen=True, slots=True)
class Completion:
    """What became of one part: its outcomes, or when to try again; a `reason` when it is to be laid aside."""

    part: Part
    outcomes: Sequence[Outcome] = ()
    retry_at: float | None = None
    reason: str | None = None


class CompletionRecorder:
    """Keeps completions. `tell_changed` is told of changed profiles, and again when its caller dies in between."""

    def __init__(
        self, *, archive: ResultFiles, ledger: PartLedger, tell_changed: Callable[[ChangedProfiles], None]
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._tell_changed = tell_changed

    def keep(self, completions: Sequence[Completion]) -> list[Completion]:
        """Archive what is complete, in one object for all that were served together; then count it.

        Gives all as they are kept: where another delivery of the same was quicker, what it archived is what counts.
        """
        done = [completion for completion in completions if completion.outcomes]
        if not done:
            return list(completions)
        first = done[0].part
        key, there = self._archived(done)
        changed = ChangedProfiles.of(first, key, [outcome for one in done for outcome in one.outcomes])
        if there is not None:
            done = [_as_archived(one, there) for one in done]
        if changed.changed:
            self._tell_changed(changed)
        self._ledger.arrive([CompletedPart(one.part, Counts.of(one.outcomes), key, one.reason) for one in done])
        kept = iter(done)
        return [next(kept) if one.outcomes else one for one in completions]

    def _archived(self, done: Sequence[Completion]) -> tuple[str, Sequence[Mapping[str, Any]] | None]:
        parts = [completion.part for completion in done]
        return self._archive.write_once(
            workspace=parts[0].workspace,
            lookup_id=parts[0].lookup_id,
            name=_name(parts),
            fed_at=min(part.fed_at for part in parts),
            records=[
                Record(one.part.number, outcome, one.part.correlation_id) for one in done for outcome in one.outcomes
            ],
            tried_in=max((part.origin or NO_ORIGIN).retry_round for part in parts),
        )


def _as_archived(one: Completion, there: Sequence[Mapping[str, Any]]) -> Completion:
    """Give a completion the outcomes that were archived; their profiles are told and stored already."""
    own = [record for record in there if record["part"] == one.part.number]
    if len(own) != len(one.outcomes):  # a part never changes: this message under its name is none that we sent
        return one
    outcomes = [
        Outcome(said.subject, Status(record["outcome"]), record["reason"])
        for said, record in zip(one.outcomes, own, strict=True)
    ]
    return replace(one, outcomes=outcomes, reason=unanswered(outcomes) or _refused(outcomes, one.reason))


def unanswered(outcomes: Iterable[Outcome]) -> str | None:
    """Say why the message of a part that had all its attempts is laid aside: only when something got no answer."""
    return NO_ANSWER if any(outcome.reason == NO_ANSWER for outcome in outcomes) else None


def _refused(outcomes: Iterable[Outcome], reason: str | None) -> str | None:
    """Say why the message of a part is laid aside that was archived as refused, in the words known here, if any."""
    if not any(outcome.reason == REFUSED for outcome in outcomes):
        return None
    return REFUSED if reason in {None, NO_ANSWER} else reason


def _name(parts: Sequence[Part]) -> str:
    """Name the object after its part, or after the fingerprint of its parts' numbers."""
    if len(parts) == 1:
        return parts[0].number
    numbers = "\n".join(sorted(part.number for part in parts))
    return hashlib.sha256(numbers.encode()).hexdigest()[:32]
