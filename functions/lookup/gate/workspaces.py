"""The gates of all workspaces, each made when first used."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from lookup.errors import UnknownWorkspace
from lookup.gate.grant import ignore
from lookup.gate.limiter import Observe, QuotaGate
from lookup.gate.table import GateTable
from lookup.model import Clock, Sleep
from lookup.settings import Workspace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class WorkspaceGates:
    """The gates of all configured workspaces, each made once per process."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        workspaces: Mapping[str, Workspace],
        clock: Clock,
        sleep: Sleep,
        *,
        observe: Observe = ignore,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._table = partial(GateTable, client, table_name, clock=clock)
        self._gate = partial(QuotaGate, clock=clock, sleep=sleep, observe=observe, jitter=jitter)
        self._workspaces = workspaces
        self._made: dict[str, QuotaGate] = {}

    def of(self, workspace: str) -> QuotaGate:
        """Return the named workspace's gate. Raises `UnknownWorkspace`, before anything is charged."""
        if workspace not in self._workspaces:
            raise UnknownWorkspace(workspace)
        if workspace not in self._made:
            quota = self._workspaces[workspace].quota
            self._made[workspace] = self._gate(self._table(workspace, quota), quota)
        return self._made[workspace]
