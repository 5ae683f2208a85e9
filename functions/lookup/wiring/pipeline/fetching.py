"""What fetches profiles or reads them where they are kept: for callers who wait, and for the queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial

import urllib3

from lookup.fetch import call_metrics as vendor_metrics
from lookup.fetch.fetcher import Fetcher
from lookup.fetch.neutral_calls import SharedCalls
from lookup.fetch.vendor_access import VendorAccess
from lookup.model import Attributes
from lookup.moengage.client import MoEngage
from lookup.results.files import ResultFiles
from lookup.results.oversize import Oversize
from lookup.results.profile_item import Retention
from lookup.results.profiles import ProfileStore
from lookup.telemetry import Metric, count
from lookup.wiring.clients import WRITERS
from lookup.wiring.pipeline.erased import ErasedServices


class FetchingServices(ErasedServices):
    """Profiles and the vendor's API."""

    @cached_property
    def pool(self) -> urllib3.PoolManager:
        """Connections to MoEngage; certificates are verified, which is urllib3's default."""
        return urllib3.PoolManager(maxsize=4)

    @cached_property
    def vendor_of(self) -> Callable[[str], VendorAccess]:
        """One access to the vendor's API per workspace. Raises `UnknownWorkspace`."""
        return cache(self._vendor)

    def _vendor(self, workspace: str) -> VendorAccess:
        client = MoEngage(
            self.pool,
            endpoint_url=self.settings.moengage_endpoint_url,
            moengage_id_name=self.settings.workspace(workspace).moengage_id_name,
            clock=self.clock,
        )
        return VendorAccess(
            gate=self.gates.of(workspace),
            client=client,
            credentials=self.credentials,
            clock=self.clock,
            sleep=self.shutdown.sleep,
            on_call=vendor_metrics.publish,
            on_unused_grant=partial(count, Metric.USERS_GRANTED_UNUSED),
            is_stopping=lambda: self.shutdown.is_requested,
            neutral_calls=SharedCalls(self.table, workspace),
        )

    @cached_property
    def archive(self) -> ResultFiles:
        return ResultFiles(self.s3, self.settings.bucket_name)

    def _keep_unmatched(self, workspace: str, fetched_at: float, users: Sequence[Attributes]) -> None:
        count(Metric.USERS_UNMATCHED, len(users))
        self.archive.write_unmatched(workspace, fetched_at, users)

    @cached_property
    def profiles(self) -> ProfileStore:
        return ProfileStore(
            self.dynamodb,
            self.settings.profiles_table_name,
            oversize=Oversize(self.s3, self.settings.bucket_name, self.hash_keys.owner_of),
            retention=Retention(self.settings.profile_retention_days, self.settings.not_found_retention_days),
            clock=self.clock,
            sleep=self.sleep,
        )

    @cached_property
    def fetch(self) -> Fetcher:
        return Fetcher(
            settings=self.settings,
            profiles=self.profiles,
            vendor_of=self.vendor_of,
            keep_unmatched=self._keep_unmatched,
            writers=ThreadPoolExecutor(WRITERS),
            tombstones=self.tombstones,
        )
