"""Record results: S3 object, event, then ledger counts. Nothing counts before it is stored and published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookup.ledger.collecting.hour_marks import HourMarks
from lookup.ledger.model import ChangedProfiles
from lookup.ledger.parts import NO_ANSWER, NO_ORIGIN, Counted, PartLedger
from lookup.model import Outcome, Part, Status
from lookup.results.files import Record, ResultFiles

REFUSED = "refused"  # why identifiers failed whose part breaks a rule of ours or of the settings


@dataclass(frozen=True, slots=True)
class Retry:
    """A part that is to be delivered again, not before `retry_at` (epoch seconds)."""

    part: Part
    retry_at: float


class CompletionRecorder:
    """Records what was done. `publish_changed` sends the event of changed profiles, again after a crash in between."""

    def __init__(
        self,
        *,
        archive: ResultFiles,
        parts: PartLedger,
        hours: HourMarks,
        publish_changed: Callable[[ChangedProfiles], None],
    ) -> None:
        self._archive = archive
        self._parts = parts
        self._hours = hours
        self._publish_changed = publish_changed

    def record(self, completions: Sequence[Counted | Retry]) -> list[Counted | Retry]:
        """Write one object for all parts that were processed together; then count them.

        Return all as they are recorded: where another delivery of the same was quicker, what it wrote is what counts.
        """
        done = [one for one in completions if isinstance(one, Counted) and one.outcomes]
        if not done:
            return list(completions)
        key, archived = self._write(done)
        changed = ChangedProfiles.of(done[0].part, key, [outcome for one in done for outcome in one.outcomes])
        if archived is not None:
            done = [_agreed_with_archive(one, archived) for one in done]
        if changed.changed:
            self._publish_changed(changed)
        self._parts.count_completed(done, key)
        recorded = iter(done)
        return [next(recorded) if isinstance(one, Counted) and one.outcomes else one for one in completions]

    def _write(self, done: Sequence[Counted]) -> tuple[str, Sequence[Mapping[str, Any]] | None]:
        parts = [one.part for one in done]
        fed_at = min(part.fed_at for part in parts)
        if parts[0].origin is None:  # of the intake queue, whose lookup has no end that would have it collected
            self._hours.note(parts[0].workspace, fed_at)
        return self._archive.write_once(
            workspace=parts[0].workspace,
            lookup_id=parts[0].lookup_id,
            name=_object_name(parts),
            fed_at=fed_at,
            records=[
                Record(one.part.number, outcome, one.part.correlation_id) for one in done for outcome in one.outcomes
            ],
            retry_round=max((part.origin or NO_ORIGIN).retry_round for part in parts),
        )


def _agreed_with_archive(one: Counted, archived: Sequence[Mapping[str, Any]]) -> Counted:
    """Return a part with the outcomes that were archived; their profiles are published and stored already."""
    own = [record for record in archived if record["part"] == one.part.number]
    if len(own) != len(one.outcomes):  # a part never changes: this message under its name is none that we sent
        return one
    outcomes = [
        Outcome(outcome.subject, Status(record["outcome"]), record["reason"])
        for outcome, record in zip(one.outcomes, own, strict=True)
    ]
    return replace(one, outcomes=outcomes, reason=unanswered(outcomes) or _refused(outcomes, one.reason))


def unanswered(outcomes: Iterable[Outcome]) -> str | None:
    """Return why the message of a part without attempts left is dead-lettered: only when something got no answer."""
    return NO_ANSWER if any(outcome.reason == NO_ANSWER for outcome in outcomes) else None


def _refused(outcomes: Iterable[Outcome], reason: str | None) -> str | None:
    """Return why the message of a part is dead-lettered that was archived as refused, in the words known here."""
    if not any(outcome.reason == REFUSED for outcome in outcomes):
        return None
    return REFUSED if reason in {None, NO_ANSWER} else reason


def _object_name(parts: Sequence[Part]) -> str:
    """Return the number of the only part, or the fingerprint of the parts' numbers."""
    if len(parts) == 1:
        return parts[0].number
    numbers = "\n".join(sorted(part.number for part in parts))
    return hashlib.sha256(numbers.encode()).hexdigest()[:32]
