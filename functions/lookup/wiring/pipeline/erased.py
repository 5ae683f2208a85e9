"""People who must not be fetched, and the keys by which they are recognised: for what fetches and for what erases."""

from __future__ import annotations

from functools import cached_property

from lookup.fetch.tombstones import HashKeys, Tombstones
from lookup.ledger.erasures import ErasureLedger
from lookup.wiring.services import Services


class ErasedServices(Services):
    """Erasures and their tombstones."""

    @cached_property
    def erasures(self) -> ErasureLedger:
        return ErasureLedger(self.table)

    @cached_property
    def hash_keys(self) -> HashKeys:
        return HashKeys(self.secretsmanager, self.settings.erasure_secret_id)

    @cached_property
    def tombstones(self) -> Tombstones:
        return Tombstones(self.erasures, self.hash_keys, self.clock)
