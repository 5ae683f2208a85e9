"""`make doctor`: check with a few calls whether a deployed stage can call MoEngage, and print what to do if not."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import boto3
import urllib3
from botocore.exceptions import ClientError

from infra.commands.stack_outputs import all_outputs, outputs_of
from infra.commands.stage_command import named_or_all, run
from infra.stage_settings.stage import Stage
from lookup.errors import GateClosed, Misconfigured, RetryLater, VendorBadRequest, VendorError, VendorWrongShape
from lookup.fetch.neutral_calls import NEUTRAL_ID
from lookup.gate.limiter import QuotaGate, WorkspaceGates, gate_client
from lookup.model import Clock, Identifier, IdentifierType, Lane
from lookup.moengage.client import HOSTS, MoEngage
from lookup.moengage.credential_store import parse_secret
from lookup.moengage.credentials import Credentials
from lookup.moengage.matching import Matches
from lookup.settings import Settings, Workspace

PUT = "put it with aws secretsmanager put-secret-value (docs/deploy.md)"
NO_ID = "0" * 24  # the same of MoEngage's own ids
GRANT_SECONDS = 10.0  # to wait for a grant
QUOTA_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")

BY_STATUS: Mapping[int, str] = {
    401: "the key is not accepted: put workspace_id and data_api_key of one workspace into the secret; if they are "
    "right, data_center is wrong: the address of the MoEngage dashboard names it",
    404: "there is no Get User here: data_center is wrong, or MoEngage has not enabled the call for this workspace",
    408: "MoEngage was too slow: try again, then look at its status page",
    409: "workspace_id and data_api_key are of different workspaces: put those of one workspace into the secret",
    429: "the quota is used up, and not by us: find out who else asks MoEngage for this workspace",
}
BY_REASON: Mapping[str, str] = {
    "NameResolutionError": "the name of the host cannot be resolved: look at DNS, and at MOENGAGE_ENDPOINT_URL",
    "SSLError": "the certificate is not accepted: a proxy in between must not open the connection",
    "ConnectTimeoutError": "no connection within 2 s: a firewall, a VPC without a way out, or the wrong address",
    "ReadTimeoutError": "connected, but no answer within 10 s: try again, then look at MoEngage's status page",
    "NewConnectionError": "the connection is refused: nobody listens at this address",
    "not_a_success": "HTTP 200 without a success: something else answers at this address, or MoEngage is in trouble",
    "broken_body": "HTTP 200 with a body that is not Get User's: something else answers at this address (a proxy?)",
}
FORBIDDEN = "refused: the workspace is suspended, its key is without the scope for Get User, or MoEngage has a list of "
LISTED = "allowed addresses. Such a list must hold {address}, where the functions call from, and for this command "
UNLISTED = (
    "allowed addresses. None can hold those of the functions: switch it off or set fixed_egress; for this command "
)
HERE = "this machine's address too. Metric VendorRefused tells whether the functions are refused"
OTHER_4XX = "refused: a firewall, or a call that is not enabled; ask MoEngage with the request id"
UNAVAILABLE = "MoEngage is in trouble, or the connection ended early: wait, and try again"
SERVER_ERROR = 500
FORBIDDEN_STATUS = 403


def main() -> int:
    """Check the workspaces of STAGE (WORKSPACE: one of them), looking IDENTIFIER up. Return 0 when all checks pass."""
    return run(_check_stage)


def _check_stage(session: boto3.Session, stage: Stage) -> bool:
    settings = settings_of(session, stage.name)
    address = all_outputs(session, stage.name).get("EgressAddress")
    _print(stage.name, origin(address))
    names = named_or_all(settings.workspaces)
    passed_all = True
    for name in names:
        for finding in examined(session, settings, name, address):
            passed_all &= _print(name, finding)
    return passed_all


def settings_of(session: boto3.Session, stage_name: str) -> Settings:
    """Read the settings of the deployed functions. Raises `OSError` when the stack has no such function."""
    name = outputs_of(session, stage_name, "OnQueueFunctionName")["OnQueueFunctionName"]
    found = session.client("lambda").get_function_configuration(FunctionName=name)
    environment: Mapping[str, str] = found.get("Environment", {}).get("Variables", {})
    return Settings.from_environment(environment)


def examined(session: boto3.Session, settings: Settings, name: str, address: str | None = None) -> Iterator[Finding]:
    """Check one workspace: its secret, then MoEngage. `address` is the functions' fixed egress address, if any."""
    workspace = settings.workspace(name)
    try:
        text = session.client("secretsmanager").get_secret_value(SecretId=workspace.secret_id)["SecretString"]
        credentials = parse_secret(text, setting="the secret")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        help_ = f"has no value: {PUT}" if code == "ResourceNotFoundException" else f"cannot be read ({code})"
        yield failed(f"the secret {workspace.secret_id} {help_}")
        return
    except KeyError:
        yield failed(f"the secret {workspace.secret_id} is binary, not text: {PUT}")
        return
    except Misconfigured as error:
        yield failed(f"{error}: {PUT}")
        return
    yield passed(f"the secret is well-formed: data centre {credentials.data_center}")
    gates = WorkspaceGates(gate_client(session), settings.ledger_table_name, settings.workspaces, time.time, time.sleep)
    check = WorkspaceCheck(workspace, credentials, gates.of(name), settings.moengage_endpoint_url, time.time, address)
    yield from check.findings(os.environ.get("IDENTIFIER") or NEUTRAL_ID)


def _print(subject: str, finding: Finding) -> bool:
    sys.stdout.write(f"{subject}: {'ok ' if finding.is_passed else 'NOT'} {finding.text}\n")
    return finding.is_passed


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `text` holds the advice when it failed."""

    is_passed: bool
    text: str


def passed(text: str) -> Finding:
    """Return the finding of a check that passed."""
    return Finding(is_passed=True, text=text)


def failed(text: str) -> Finding:
    """Return the finding of a check that failed; `text` is what to do about it."""
    return Finding(is_passed=False, text=text)


def origin(address: str | None) -> Finding:
    """Return from where this command calls MoEngage, and from where the functions do: `address` if it is fixed."""
    here = "asked from this machine, not from where the functions are"
    if address is None:
        return passed(f"{here}: without fixed_egress no list of allowed addresses at MoEngage can hold theirs")
    return passed(f"{here}: they call from {address}, which a list of allowed addresses at MoEngage must hold")


class HeaderRecorder(urllib3.PoolManager):
    """Connections that keep the headers of the last response."""

    headers_seen: Mapping[str, str] = MappingProxyType({})

    def request(self, *args: Any, **kwargs: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401 - urllib3's own
        """Send a request, and keep the headers of its response."""
        answer = super().request(*args, **kwargs)
        self.headers_seen = answer.headers
        return answer


@dataclass
class WorkspaceCheck:
    """Calls MoEngage for one workspace. `endpoint_url` replaces MoEngage's address unless it is None.

    `address` is the functions' fixed egress address, if any; `grant_seconds` is how long to wait for a grant.
    """

    workspace: Workspace
    credentials: Credentials
    gate: QuotaGate
    endpoint_url: str | None
    clock: Clock
    address: str | None = None
    grant_seconds: float = GRANT_SECONDS

    def __post_init__(self) -> None:
        self._pool = HeaderRecorder()

    def findings(self, identifier: str) -> Iterator[Finding]:
        """Look up one customer, then one of MoEngage's own ids; four users of quota at most."""
        host = self.endpoint_url or HOSTS[self.credentials.data_center]
        client = self._client(self.workspace.moengage_id_name)
        try:
            shape, answer = self._in_either_shape(client, Identifier(IdentifierType.CUSTOMER_ID, identifier))
        except GateClosed as closed:
            yield failed(f"the gate is closed ({closed.reason}), so nobody is asked: make gate OPEN=1 first")
            return
        except RetryLater:
            yield failed(f"the quota leaves no room within {self.grant_seconds:g} s: try again when less is going on")
            return
        except VendorError as error:
            yield failed(f"{host}: {advice(error, self.address)}")
            return
        yield passed(f"{host} answers and takes the credentials; the body's shape is {shape}")
        known = "knows" if answer.found else "does not know"
        yield passed(f"MoEngage {known} the customer {'nobody has' if identifier == NEUTRAL_ID else 'that was named'}")
        yield self._quota()
        yield self._own_ids(client)

    def _client(self, id_name: str) -> MoEngage:
        return MoEngage(self._pool, endpoint_url=self.endpoint_url, moengage_id_name=id_name, clock=self.clock)

    def _in_either_shape(self, client: MoEngage, one: Identifier) -> tuple[str, Matches]:
        try:
            return "the wrapper `data`", self._call(client, one)
        except VendorWrongShape:
            return "the root", self._call(client, one)

    def _call(self, client: MoEngage, one: Identifier) -> Matches:
        """Call MoEngage with a grant. Report an error to the gate only for its own probe: nothing else is closed."""
        grant = self.gate.admit(1, lane=Lane.ON_DEMAND, wait_until=self.clock() + self.grant_seconds)
        try:
            answer = client.export([one], self.credentials)
        except VendorError as error:
            if grant.probe:
                self.gate.report(grant, error)
            raise
        self.gate.report(grant, None)
        return answer

    def _quota(self) -> Finding:
        seen = [f"{name}: {self._pool.headers_seen[name]}" for name in QUOTA_HEADERS if name in self._pool.headers_seen]
        limit = (
            f"the gate goes by quota.limit = {self.workspace.quota.limit} users in {self.workspace.quota.window:g} s"
        )
        return passed(f"{', '.join(seen) or 'no quota headers'}; {limit}")

    def _own_ids(self, client: MoEngage) -> Finding:
        """Check under which name MoEngage takes its own identifier type here."""
        own, name = Identifier(IdentifierType.ID, NO_ID), self.workspace.moengage_id_name
        other = "moengage_id" if name == "id" else "id"
        try:
            self._in_either_shape(client, own)
        except VendorBadRequest:
            try:
                self._in_either_shape(self._client(other), own)
            except (VendorError, RetryLater):
                return failed("MoEngage takes neither id nor moengage_id: ask only for customer ids")
            return failed(f"MoEngage's own ids are called {other} here: set moengage_id_name={other!r}, deploy")
        except VendorError as error:
            return failed(f"asked for one of MoEngage's own ids: {advice(error, self.address)}")
        except RetryLater:
            return failed("the quota left no room to ask for one of MoEngage's own ids: try again")
        return passed(f"MoEngage's own ids are called {name}, as the settings say")


def advice(error: VendorError, address: str | None = None) -> str:
    """Return what to do about an error; `address` is the functions' fixed egress address, if any."""
    what = f"HTTP {error.status}" if error.status else error.reason
    request = f" (request id {error.request_id})" if error.request_id else ""
    known = BY_STATUS.get(error.status or 0) or BY_REASON.get(error.reason)
    if error.status == FORBIDDEN_STATUS:
        known = FORBIDDEN + (UNLISTED if address is None else LISTED.format(address=address)) + HERE
    if known is None and isinstance(error, VendorBadRequest):
        known = "MoEngage cannot read the call in either shape of its body: report this as a defect"
    if known is None:
        known = OTHER_4XX if error.status and error.status < SERVER_ERROR else UNAVAILABLE
    return f"{what}{request}: {known}"


if __name__ == "__main__":
    sys.exit(main())
