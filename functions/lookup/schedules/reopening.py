"""A gate that a rejected key closed tries again as soon as the secret holds another version."""

from __future__ import annotations

from lookup.gate.breaker import CREDENTIALS
from lookup.gate.workspaces import WorkspaceGates
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.moengage.credential_store import CredentialStore
from lookup.telemetry import logger


class Reopening:
    """Looks after closed gates. The ledger keeps which version of a secret was tried last, beside the gate's item."""

    def __init__(self, *, gates: WorkspaceGates, credentials: CredentialStore, table: LedgerTable) -> None:
        self._gates = gates
        self._credentials = credentials
        self._table = table

    def look(self, workspace: str) -> bool:
        """Let one probe through if the gate is closed for its key and the secret has changed; tell whether it did.

        A version is noted after it was let through: who dies in between leaves one probe too many, never too few.
        """
        gate = self._gates.of(workspace)
        if gate.state().closed_reason != CREDENTIALS:
            return False
        version = self._credentials.current_version(workspace)
        if version is None or version == self._tried(workspace) or not gate.probe_now(CREDENTIALS):
            return False
        self._table.write(self._table.put(_key(workspace) | serialize({"tried": version})))
        logger.info("secret has changed: a probe is let through", workspace=workspace)
        return True

    def _tried(self, workspace: str) -> str | None:
        items = self._table.read([_key(workspace)])
        return str(deserialize(items[0])["tried"]) if items else None


def _key(workspace: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"gate#{workspace}"}, "sk": {"S": "secret"}}
