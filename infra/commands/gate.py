"""`make gate`: what a stage's gate says, and opening it by hand (`OPEN=1`)."""

from __future__ import annotations

import os
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.commands.stack_outputs import outputs_of
from infra.stages import stage_named
from lookup.errors import ServiceError
from lookup.gate.limiter import GateState, gate_client
from lookup.gate.workspaces import WorkspaceGates
from lookup.model import timestamp


def main() -> int:
    """Show the gates of STAGE (WORKSPACE: one of them), and open them with OPEN=1; 0 when that worked."""
    try:
        stage = stage_named(os.environ.get("STAGE", "dev"), os.environ)
        session = boto3.Session()
        workspaces = {name: workspace.settings("unused") for name, workspace in stage.workspaces.items()}
        table = outputs_of(session, stage.name, "LedgerTableName")["LedgerTableName"]
        gates = WorkspaceGates(gate_client(session), table, workspaces, time.time, time.sleep)
        for name in [os.environ["WORKSPACE"]] if os.environ.get("WORKSPACE") else sorted(workspaces):
            if os.environ.get("OPEN") == "1":
                sys.stdout.write(
                    f"{name}: {'opened' if gates.of(name).open() else 'somebody else changed it: look again'}\n"
                )
            sys.stdout.write(f"{name}: {described(gates.of(name).state())}\n")
    except (ServiceError, BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"{error.sender_message if isinstance(error, ServiceError) else error}\n")
        return 1
    return 0


def described(state: GateState) -> str:
    """Say in one line how a gate stands."""
    used = ", ".join(f"{users} {lane.value}" for lane, users in state.granted.items())
    spent = f"users in the last {state.window:g} s: {used}; limit {state.limit} of {state.full_limit}"
    if not state.is_closed:
        return f"open; {spent}"
    until = timestamp(state.closed_until or 0.0)
    return f"CLOSED until {until} ({state.closed_reason}); {spent}; open it with OPEN=1 once the cause is mended"


if __name__ == "__main__":
    sys.exit(main())
