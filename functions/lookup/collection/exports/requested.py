"""Exports as partners ask for them: what is there already, or under way, is not made again."""

from __future__ import annotations

from collections.abc import Callable

from lookup.collection.files import Format
from lookup.collection.published import PublishedResults
from lookup.errors import Conflict
from lookup.ledger.collecting.collections import Collection, CollectionState
from lookup.ledger.collecting.export_ledger import ExportLedger
from lookup.ledger.collecting.exports import Export, ExportState
from lookup.ledger.model import LookupRecord
from lookup.model import Clock

ASK_AGAIN = 900.0  # seconds after which an export that nobody is at is asked for once more


class ExportRequests:
    """Asks for exports; `publish` sends the event that has one made."""

    def __init__(
        self,
        *,
        published: PublishedResults,
        exports: ExportLedger,
        publish: Callable[[LookupRecord, str], None],
        clock: Clock,
    ) -> None:
        self._published = published
        self._exports = exports
        self._publish = publish
        self._clock = clock

    def request(self, progress: LookupRecord, written_as: Format) -> None:
        """Have a format made of the files of a lookup, unless it is there or under way.

        Raises `Conflict` when its files are not ready, `Expired` when they are deleted, and `LimitExceeded` when its
        partner has as many exports under way as it may.
        """
        collection = self._published.of(progress)
        if collection is None:
            raise Conflict("this lookup has not ended")
        if collection.state is not CollectionState.READY:
            raise Conflict(f"the files of this lookup are not ready: {collection.state.value}")
        self._published.files(progress.spec.lookup_id, collection)
        if written_as.value in progress.spec.formats:
            return  # it was asked for with the lookup, and lies beside the others
        export = collection.exports.get(written_as.value)
        if export is not None and export.state is not ExportState.FAILED:
            if self._is_left(collection, export) and self._exports.ask_again(progress, collection, written_as.value):
                self._publish(progress, written_as.value)
            return
        if not self._exports.request(progress, collection, written_as.value):
            raise Conflict("this lookup is being changed: ask again")
        self._publish(progress, written_as.value)

    def _is_left(self, collection: Collection, export: Export) -> bool:
        """Return whether nobody is at an export, whose event may be lost: its caller died before it was sent."""
        now = self._clock()
        is_waiting = export.state is ExportState.COLLECTING and collection.claimed_until <= now
        return is_waiting and now >= export.requested_at + ASK_AGAIN
