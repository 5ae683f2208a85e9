"""The one check before users are requested: lane, workspace, fields, users of the day.

All requests pass here: a synchronous response, a lookup, its dry run, resume and retry, a firing.
"""

from __future__ import annotations

from lookup.ledger.model import LookupRecord, LookupSpec, Reserved
from lookup.ledger.usage.daily_usage import DailyUsageCounter
from lookup.model import DAY, Clock, Lane
from lookup.partners import Partner
from lookup.settings import Settings

Fields = tuple[str, ...] | None


class Authorization:
    """Checks requests of a partner against its present grants."""

    def __init__(self, settings: Settings, daily: DailyUsageCounter, clock: Clock) -> None:
        self._settings = settings
        self._daily = daily
        self._clock = clock

    def fields(self, partner: Partner, workspace: str, requested: Fields, lane: Lane) -> Fields:
        """Return the fields to request: `requested`, or all that are granted and exported.

        Raises `Forbidden` naming the lane, workspace or field that is not granted, `UnknownWorkspace`, and
        `NotExported` for a field that the workspace does not export. The operator needs no grant.
        """
        if partner.is_operator:
            self._settings.workspace(workspace)
            return requested
        partner.check_lane(lane)
        return partner.granted_fields(workspace, requested, self._settings)

    def reserve_users(self, partner: Partner, users: int) -> Reserved:
        """Return the charge for a new lookup of so many users. Raises `DailyLimitExceeded` when none has room."""
        return self._daily.reserve(partner, users)

    def reserve_resumed(self, partner: Partner, progress: LookupRecord) -> Reserved:
        """Return the charge for a lookup that is resumed. Raises as `fields` does, and `DailyLimitExceeded`."""
        self._check_again(partner, progress.spec)
        failed, cursor = progress.tally.counts.failed, progress.cursor
        if cursor.retry_round and not cursor.exhausted:
            users = self._retry_users(progress)
            if users > failed:  # it was begun for the failures alone, while the others were still stored
                return self._daily.reserve_retry(partner, users)
        return self._daily.resume(partner, progress.spec.charged, cursor.entries_fed, _left(progress))

    def reserve_retry(self, partner: Partner, progress: LookupRecord) -> Reserved:
        """Return the charge for a retry of failed identifiers. Raises as `fields` does, and `DailyLimitExceeded`."""
        self._check_again(partner, progress.spec)
        return self._daily.reserve_retry(partner, self._retry_users(progress))

    def _check_again(self, partner: Partner, spec: LookupSpec) -> None:
        """Check that the present grants allow a lookup made under other grants to continue with its fields."""
        partner.check_lane(Lane.BULK)
        if spec.fields is None:
            partner.check_visible(spec.workspace, None)
        else:
            partner.granted_fields(spec.workspace, spec.fields, self._settings)

    def _retry_users(self, progress: LookupRecord) -> int:
        """Return how many users a retry requests at most.

        It sends whole parts again. While the store surely holds the other identifiers, the failed ones count; after
        that all users of the lookup do.
        """
        counts, spec = progress.tally.counts, progress.spec
        kept_days = min(self._settings.profile_retention_days, self._settings.not_found_retention_days)
        oldest = spec.submitted_at - spec.max_age
        is_stored = self._settings.workspace(spec.workspace).keep_profiles
        if is_stored and self._clock() <= oldest + kept_days * DAY / 2:  # the other half is for the retry's duration
            return counts.failed
        return counts.requested - counts.invalid


def _left(progress: LookupRecord) -> int:
    """Return how many users are not on the queue yet; in a retry the failed ones, of which some may be."""
    if progress.cursor.exhausted:
        return 0
    if progress.cursor.retry_round:
        return progress.tally.counts.failed
    return max(0, progress.requested - progress.cursor.entries_fed)
