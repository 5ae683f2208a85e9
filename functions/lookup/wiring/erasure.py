"""What the handler of erasures adds; beside that of results the only wiring that loads PyArrow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from botocore.config import Config

from lookup.erasure.copies.collected import Collected
from lookup.erasure.copies.lines import AT_ONCE, part_objects, query_results, unmatched_users
from lookup.erasure.copies.profiles import Profiles
from lookup.erasure.copies.rosters import Rosters
from lookup.erasure.objects import Objects
from lookup.erasure.queue import ErasureQueue
from lookup.erasure.steps import Store
from lookup.erasure.worker import DRAIN, Eraser, ErasureWorker
from lookup.fetch.tombstones import hash_of
from lookup.ledger.collecting.collected_hours import HourLedger
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.model import Identifier
from lookup.results.oversize import Oversize
from lookup.rosters.decompression import Bounds
from lookup.rosters.references import RosterReferences
from lookup.rosters.retention import RosterRetention
from lookup.wiring.clients import S3_CONFIG
from lookup.wiring.pipeline.erased import ErasedServices
from lookup.wiring.pipeline.feeding import FeedingServices

PATIENT = S3_CONFIG.merge(Config(read_timeout=60, max_pool_connections=AT_ONCE + 2))  # of files of 256 MB

KEYS_CACHED_SECONDS = 60.0


class ErasureServices(FeedingServices, ErasedServices):
    """The services of `on_erasure`."""

    drain = DRAIN
    _keys: Sequence[bytes] = ()
    _keys_read_at = float("-inf")

    @cached_property
    def objects(self) -> Objects:
        return Objects(self._client("s3", PATIENT), self.settings.bucket_name)

    @cached_property
    def roster_store(self) -> Rosters:
        references = RosterReferences(self.table)
        retention = RosterRetention(
            self.s3,
            self.settings.bucket_name,
            references=references,
            ledger=self.lookups,
            is_named=lambda *_: True,  # a schedule that is recorded may need it
        )
        return Rosters(
            self.objects,
            retention=retention,
            references=references,
            ledger=self.lookups,
            bounds=Bounds(self.settings.unpacked_roster_megabytes),
            scheduled=self.settings.scheduled_rosters,
            clock=self.clock,
        )

    @cached_property
    def stores(self) -> Sequence[Store]:
        """Where data of people may be; parts before the files by which is decided which of them are read."""
        oversize = Oversize(self.s3, self.settings.bucket_name, self.hash_keys.owner_of)
        profiles = Profiles(self.dynamodb, self.settings.profiles_table_name, self.objects, oversize, self._owners_of)
        return (
            profiles,
            unmatched_users(self.objects, profiles.erase_others),
            part_objects(self.objects, self.collections, profiles.erase_others),
            Collected(self.objects, self.collections, HourLedger(self.table), profiles.erase_others),
            query_results(self.objects),
            self.roster_store,
        )

    @cached_property
    def eraser(self) -> Eraser:
        return Eraser(
            ledger=self.erasures,
            queue=self.erasure_queue,
            objects=self.objects,
            stores=self.stores,
            rosters=self.roster_store,
            hashes_of=lambda workspace, people: sorted(
                self._owners_of(workspace, one)[0] for one in people.identifiers
            ),
            clock=self.clock,
            drain=self.drain,
        )

    @cached_property
    def erasure_queue(self) -> ErasureQueue:
        return ErasureQueue(self.sqs, self.settings.erasure_queue_url, self.settings.erasure_dead_letter_queue_url)

    @cached_property
    def erasure_worker(self) -> ErasureWorker:
        return ErasureWorker(self.eraser, self.erasure_queue)

    def _owners_of(self, workspace: str, identifier: Identifier) -> list[str]:
        """Return a user's hashes: with the newest key first, then with each that a tombstone was made with."""
        return list(dict.fromkeys(hash_of(key, workspace, identifier).hex() for key in self._all_keys()))

    def _all_keys(self) -> Sequence[bytes]:
        """Return the keys that hashes may have been made with, the newest first; they are read once in a search."""
        now = self.clock()
        if now > self._keys_read_at + KEYS_CACHED_SECONDS:
            versions = sorted({one.key_version for one in self.erasures.tombstones()})
            previous = self.hash_keys.previous()
            former = [*(self.hash_keys.of(version) for version in versions), *([] if previous is None else [previous])]
            self._keys = [self.hash_keys.current()[1], *former]
            self._keys_read_at = now
        return self._keys

    @cached_property
    def collections(self) -> CollectionLedger:
        return CollectionLedger(self.table)
