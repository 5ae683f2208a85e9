"""Once a minute, in each workspace: a gate is probed after a key rotation, lost work recovered, the rest fed.

After that hours that are due are asked for, and parts deleted whose time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from lookup.bulk.conversion.requests import ConversionRequests
from lookup.bulk.estimates import Backlog, minutes
from lookup.bulk.feeder import Feeder
from lookup.bulk.hour_requests import HourRequests
from lookup.errors import ServiceError
from lookup.gate.breaker import CREDENTIALS
from lookup.gate.limiter import WorkspaceGates
from lookup.gate.state import GateState
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.moengage.credential_store import CredentialStore
from lookup.schedules.part_expiry import PartExpiry
from lookup.schedules.sweep import Sweep
from lookup.settings import Settings, Workspace
from lookup.telemetry import Metric, logger


class Maintenance:
    """Maintains all workspaces."""

    def __init__(
        self,
        *,
        settings: Settings,
        sample: Callable[[str], GateState],
        reopening: Reopening,
        sweep: Sweep,
        feeder: Feeder,
        conversions: ConversionRequests,
        part_expiry: PartExpiry,
        hours: HourRequests,
    ) -> None:
        """`sample` records what a workspace's gate has granted by now, and returns its state."""
        self._settings = settings
        self._sample = sample
        self._reopening = reopening
        self._sweep = sweep
        self._feeder = feeder
        self._conversions = conversions
        self._part_expiry = part_expiry
        self._hours = hours

    def run(self) -> int:
        """Maintain every workspace; return how many identifiers went on the queue.

        An error in one workspace keeps no other from its turn: the first error is raised after all of them.
        """
        fed, errors = 0, list[Exception]()
        for workspace in self._settings.workspaces:
            try:
                fed += self._maintain(workspace)
            except (ServiceError, BotoCoreError, ClientError) as error:
                logger.error("workspace not maintained", workspace=workspace, error=type(error).__name__)
                errors.append(error)
        self._conversions.resend_lost()
        self._hours.ask_for_settled()
        self._part_expiry.run()
        if errors:
            raise errors[0]
        return fed

    def _maintain(self, workspace: str) -> int:
        state = self._sample(workspace)
        self._reopening.probe_if_key_rotated(workspace, state)
        self._sweep.run(workspace)
        return self._feeder.feed(workspace)


class Reopening:
    """Opens gates that a rejected key closed. The ledger keeps which version of a secret was tried last."""

    def __init__(self, *, gates: WorkspaceGates, credentials: CredentialStore, table: LedgerTable) -> None:
        self._gates = gates
        self._credentials = credentials
        self._table = table

    def probe_if_key_rotated(self, workspace: str, state: GateState) -> bool:
        """Allow one probe if the gate is closed for its key and the secret has changed; return whether it did.

        A version is written down after its probe was allowed: a crash in between leaves one probe too many, never too
        few.
        """
        if state.closed_reason != CREDENTIALS:
            return False
        gate = self._gates.of(workspace)
        version = self._credentials.current_version(workspace)
        if version is None or version == self._tried(workspace) or not gate.probe_now(CREDENTIALS):
            return False
        self._table.write(self._table.put(_key(workspace) | serialize({"tried": version})))
        logger.info("secret has changed: a probe is allowed", workspace=workspace)
        return True

    def _tried(self, workspace: str) -> str | None:
        items = self._table.read([_key(workspace)])
        return str(deserialize(items[0])["tried"]) if items else None


def _key(workspace: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"gate#{workspace}"}, "sk": {"S": "secret"}}


class Gauges:
    """Measures all workspaces together: users and lookups are summed, minutes and a shut gate are the worst of them."""

    def __init__(
        self,
        *,
        workspaces: Mapping[str, Workspace],
        backlog_of: Callable[[str], Backlog],
        is_shut: Callable[[str], bool],
        has_secret: Callable[[str], bool],
        record: Callable[[Metric, float], None],
    ) -> None:
        self._workspaces = workspaces
        self._backlog_of = backlog_of
        self._is_shut = is_shut
        self._has_secret = has_secret
        self._record = record

    def publish(self) -> None:
        """Measure, and record each gauge once."""
        waiting = {name: self._backlog_of(name) for name in self._workspaces}
        users = {name: float(backlog.users) for name, backlog in waiting.items()}
        self._record(Metric.BACKLOG_USERS, sum(users.values()))
        self._record(Metric.BACKLOG_MINUTES, max(self._minutes(name, left) for name, left in users.items()))
        self._record(Metric.LOOKUPS_IN_PROGRESS, sum(backlog.lookups for backlog in waiting.values()))
        self._record(Metric.GATE_IS_CLOSED, float(any(self._is_shut(name) for name in self._workspaces)))
        self._record(Metric.SECRETS_MISSING, sum(not self._has_secret(name) for name in self._workspaces))

    def _minutes(self, workspace: str, users: float) -> float:
        quota = self._workspaces[workspace].quota
        return minutes(users, quota.limit, quota.window)
