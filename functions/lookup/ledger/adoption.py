"""Lookups of release 0.1, brought into the shape that shares need: once each, whoever comes first.

They lie under `active#<workspace>`, with a tag each, and the parts of theirs that are out beside their own items.
"""

from __future__ import annotations

from typing import Any

from lookup.ledger.items import lookup_key, out_key, plain, typed, unfinished_item
from lookup.ledger.lookups import Ledger
from lookup.ledger.model import LookupSpec, LookupState, Progress
from lookup.ledger.table import LedgerTable

TOGETHER = 40  # parts moved in one transaction: two actions each, of a hundred


class LedgerAdoption:
    """Takes over what an earlier release wrote."""

    def __init__(self, table: LedgerTable, ledger: Ledger) -> None:
        self._table = table
        self._ledger = ledger

    def old(self, workspace: str, *, limit: int) -> list[str]:
        """Read the ids of lookups that have the old shape."""
        return [str(plain(item)["sk"]) for item in self._table.query(f"active#{workspace}", limit=limit)]

    def adopt(self, spec: LookupSpec) -> bool:
        """Bring a lookup into the new shape; True when it has it now, False when it never had the old one."""
        if not self._table.read([_old_key(spec.workspace, spec.lookup_id)]):
            return False
        return self.adopt_named(spec.workspace, spec.lookup_id)

    def adopt_named(self, workspace: str, lookup_id: str) -> bool:
        """Bring a lookup into the new shape, as it stands; one that has expired is forgotten."""
        progress = self._ledger.progress(lookup_id)
        if progress is None:
            self._table.write(self._table.delete(_old_key(workspace, lookup_id)))
            return False
        self._move_parts(progress.spec)
        return self._table.written(*self._adopting(progress))

    def _move_parts(self, spec: LookupSpec) -> None:
        old = self._table.query(f"lookup#{spec.lookup_id}", prefix="sent#")
        for start in range(0, len(old), TOGETHER):
            some = old[start : start + TOGETHER]
            new = [item | out_key(spec.workspace, spec.lookup_id, _number(item)) for item in some]
            removed = [self._table.delete(lookup_key(spec.lookup_id, item["sk"]["S"])) for item in some]
            self._table.write(*(self._table.put(item) for item in new), *removed)

    def _adopting(self, progress: Progress) -> list[dict[str, Any]]:
        spec, cursor, shares = progress.spec, progress.cursor, self._ledger.shares
        gains = {"unfinished": 1} | ({"running": 1} if progress.state is LookupState.ACTIVE else {})
        if progress.is_ready:
            gains |= {"ready": 1, "users": progress.left}
        old = self._table.delete(_old_key(spec.workspace, spec.lookup_id))
        old["Delete"] |= {"ConditionExpression": "attribute_exists(pk)"}
        return [
            old,
            self._table.put(unfinished_item(spec), absent=True),
            self._table.check(lookup_key(spec.lookup_id, "state"), "#is = :was", {"was": progress.state.value}),
            self._table.check(
                lookup_key(spec.lookup_id, "cursor"),
                "#parts_fed = :fed AND #round = :round AND #exhausted = :exhausted",
                {"fed": cursor.parts_fed, "round": cursor.round, "exhausted": cursor.exhausted},
            ),
            shares.changed(spec, gains, settings={"weight": spec.weight}),
            shares.entering(spec, progress.left) if progress.is_ready else shares.look(spec),
        ]


def _number(item: dict[str, Any]) -> str:
    return str(item["sk"]["S"]).removeprefix("sent#")


def _old_key(workspace: str, lookup_id: str) -> dict[str, Any]:
    return typed({"pk": f"active#{workspace}", "sk": lookup_id})
