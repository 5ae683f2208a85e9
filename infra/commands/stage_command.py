"""What the commands for a deployed stage share: which stage, which account, and how an error is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.stage_settings.stage import Stage
from infra.stages import stage_named
from lookup.errors import ServiceError


def run(command: Callable[[boto3.Session, Stage], bool]) -> int:
    """Run a command on STAGE with the credentials of the environment. Return the exit status: 0 if it returned True."""
    try:
        return 0 if command(boto3.Session(), stage_named(os.environ.get("STAGE", "dev"), os.environ)) else 1
    except (ServiceError, BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"{error.sender_message if isinstance(error, ServiceError) else error}\n")
        return 1


def named_or_all(workspaces: Iterable[str]) -> list[str]:
    """Return the workspace that WORKSPACE names, or all in order when it is empty."""
    return [os.environ["WORKSPACE"]] if os.environ.get("WORKSPACE") else sorted(workspaces)
