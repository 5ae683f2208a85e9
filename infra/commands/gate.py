"""`make gate`: show the state of a stage's gates, and open them by hand (`OPEN=1`)."""

from __future__ import annotations

import os
import sys
import time

import boto3

from infra.commands.stack_outputs import outputs_of
from infra.commands.stage_command import named_or_all, run
from infra.stage_settings.stage import Stage
from lookup.gate.limiter import GateState, WorkspaceGates, gate_client
from lookup.model import timestamp


def main() -> int:
    """Show the gates of STAGE (WORKSPACE: one of them), and open them with OPEN=1. Return 0 when that worked."""
    return run(_show_gates)


def _show_gates(session: boto3.Session, stage: Stage) -> bool:
    workspaces = {name: workspace.settings("unused") for name, workspace in stage.workspaces.items()}
    table = outputs_of(session, stage.name, "LedgerTableName")["LedgerTableName"]
    gates = WorkspaceGates(gate_client(session), table, workspaces, time.time, time.sleep)
    for name in named_or_all(workspaces):
        if os.environ.get("OPEN") == "1":
            result = "opened" if gates.of(name).open() else "changed by another process: run the command again"
            sys.stdout.write(f"{name}: {result}\n")
        sys.stdout.write(f"{name}: {described(gates.of(name).state())}\n")
    return True


def described(state: GateState) -> str:
    """Return a gate's state in one line."""
    granted = ", ".join(f"{users} {lane.value}" for lane, users in state.granted.items())
    usage = f"users in the last {state.window:g} s: {granted}; limit {state.limit} of {state.full_limit}"
    if not state.is_closed:
        return f"open; {usage}"
    until = timestamp(state.closed_until or 0.0)
    return f"CLOSED until {until} ({state.closed_reason}); {usage}; open it with OPEN=1 once the cause is mended"


if __name__ == "__main__":
    sys.exit(main())
