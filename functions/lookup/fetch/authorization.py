"""The one check before users are asked for: lane, workspace, fields, users of the day.

Whatever lets users be asked comes by here: an answer at once, a lookup, its dry run, resume and retry, a firing.
"""

from __future__ import annotations

from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.ledger.model import LookupRecord, LookupSpec, Reserved
from lookup.model import DAY, Clock, Lane
from lookup.partners import Partner
from lookup.settings import Settings

Fields = tuple[str, ...] | None


class Authorization:
    """Checks what a partner asks for against its grants as they are now."""

    def __init__(self, settings: Settings, daily: DailyUsageCounter, clock: Clock) -> None:
        self._settings = settings
        self._daily = daily
        self._clock = clock

    def fields(self, partner: Partner, workspace: str, wished: Fields, lane: Lane) -> Fields:
        """Return the fields to ask for: those wished, or all that are granted and exported.

        Raises `Forbidden` naming the lane, workspace or field that is not granted, `UnknownWorkspace`, and
        `NotExported` for a field that the workspace does not export. The operator needs no grant.
        """
        if partner.is_operator:
            self._settings.workspace(workspace)
            return wished
        partner.check_lane(lane)
        return partner.granted_fields(workspace, wished, self._settings)

    def users(self, partner: Partner, users: int) -> Reserved:
        """Return the charge for a new lookup of so many users. Raises `DailyLimitExceeded` when none has room."""
        return self._daily.reserve(partner, users)

    def resume(self, partner: Partner, progress: LookupRecord) -> Reserved:
        """Return the charge for a lookup that is resumed. Raises as `fields` does, and `DailyLimitExceeded`."""
        self._again(partner, progress.spec)
        failed, cursor = progress.tally.counts.failed, progress.cursor
        if cursor.retry_round and not cursor.exhausted:
            asked = self._asked_again(progress)
            if asked > failed:  # it was begun for the failures alone, while the others were still stored
                return self._daily.reserve_retry(partner, asked)
        return self._daily.resume(partner, progress.spec.charged, cursor.entries_fed, _left(progress))

    def retry(self, partner: Partner, progress: LookupRecord) -> Reserved:
        """Return the charge for asking once more for what failed. Raises as `fields` does, and `DailyLimitExceeded`."""
        self._again(partner, progress.spec)
        return self._daily.reserve_retry(partner, self._asked_again(progress))

    def _again(self, partner: Partner, spec: LookupSpec) -> None:
        """Check that a lookup that was made under other grants may ask for more users with the fields it began with."""
        partner.check_lane(Lane.BULK)
        if spec.fields is None:
            partner.check_visible(spec.workspace, None)
        else:
            partner.granted_fields(spec.workspace, spec.fields, self._settings)

    def _asked_again(self, progress: LookupRecord) -> int:
        """Return how many users a retry asks for at most.

        It sends whole parts again. What is not a failure in them is answered from the store as long as it surely lies
        there; from then on everybody in the lookup counts.
        """
        counts, spec = progress.tally.counts, progress.spec
        kept_days = min(self._settings.profile_retention_days, self._settings.not_found_retention_days)
        oldest = spec.submitted_at - spec.max_age
        is_stored = self._settings.workspace(spec.workspace).keep_profiles
        if is_stored and self._clock() <= oldest + kept_days * DAY / 2:  # the other half is for the retry's own time
            return counts.failed
        return counts.requested - counts.invalid


def _left(progress: LookupRecord) -> int:
    """Return how many users are not on the queue yet; in a retry what failed, of which some may be."""
    if progress.cursor.exhausted:
        return 0
    if progress.cursor.retry_round:
        return progress.tally.counts.failed
    return max(0, progress.requested - progress.cursor.entries_fed)
