"""`make doctor`: is a deployed stage ready to ask MoEngage, and if not, what is to be done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.commands.diagnosis import Finding, Patient, ill, well, whence
from infra.commands.stack_outputs import all_outputs, outputs_of
from infra.stages import stage_named
from lookup.errors import Misconfigured, ServiceError
from lookup.fetch.neutral_calls import NOBODY
from lookup.gate.limiter import gate_client
from lookup.gate.workspaces import WorkspaceGates
from lookup.moengage.credential_store import parse_secret
from lookup.settings import Settings

PUT = "put it with aws secretsmanager put-secret-value (docs/deploy.md)"


def main() -> int:
    """Examine the workspaces of STAGE (WORKSPACE: one of them), asking for IDENTIFIER; 0 when all is well."""
    try:
        stage = stage_named(os.environ.get("STAGE", "dev"), os.environ)
        session = boto3.Session()
        settings = settings_of(session, stage.name)
        address = all_outputs(session, stage.name).get("EgressAddress")
        _told(stage.name, whence(address))
        names = [os.environ["WORKSPACE"]] if os.environ.get("WORKSPACE") else sorted(settings.workspaces)
        told = [_told(name, finding) for name in names for finding in examined(session, settings, name, address)]
    except (ServiceError, BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"{error.sender_message if isinstance(error, ServiceError) else error}\n")
        return 1
    return 0 if all(told) else 1


def settings_of(session: boto3.Session, stage_name: str) -> Settings:
    """Read what the deployed functions are told. Raises `OSError` when the stack has no such function."""
    name = outputs_of(session, stage_name, "OnQueueFunctionName")["OnQueueFunctionName"]
    found = session.client("lambda").get_function_configuration(FunctionName=name)
    environment: Mapping[str, str] = found.get("Environment", {}).get("Variables", {})
    return Settings.from_environment(environment)


def examined(session: boto3.Session, settings: Settings, name: str, address: str | None = None) -> Iterator[Finding]:
    """Examine one workspace: its secret, then MoEngage. `address` is where the functions call from, if it is fixed."""
    workspace = settings.workspace(name)
    try:
        text = session.client("secretsmanager").get_secret_value(SecretId=workspace.secret_id)["SecretString"]
        credentials = parse_secret(text, setting="the secret")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        help_ = f"has no value: {PUT}" if code == "ResourceNotFoundException" else f"cannot be read ({code})"
        yield ill(f"the secret {workspace.secret_id} {help_}")
        return
    except KeyError:
        yield ill(f"the secret {workspace.secret_id} is binary, not text: {PUT}")
        return
    except Misconfigured as fault:
        yield ill(f"{fault}: {PUT}")
        return
    yield well(f"the secret is well-formed: data centre {credentials.data_center}")
    gates = WorkspaceGates(gate_client(session), settings.ledger_table_name, settings.workspaces, time.time, time.sleep)
    patient = Patient(workspace, credentials, gates.of(name), settings.moengage_endpoint_url, time.time, address)
    yield from patient.findings(os.environ.get("IDENTIFIER") or NOBODY)


def _told(subject: str, finding: Finding) -> bool:
    sys.stdout.write(f"{subject}: {'ok ' if finding.is_well else 'NOT'} {finding.text}\n")
    return finding.is_well


if __name__ == "__main__":
    sys.exit(main())
