"""What MoEngage says to a workspace's credentials, and what to do about it: a few calls through the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import urllib3

from lookup.errors import GateClosed, RetryLater, VendorBadRequest, VendorError, VendorWrongShape
from lookup.fetch.neutral_calls import NOBODY
from lookup.gate.limiter import QuotaGate
from lookup.model import Clock, Identifier, IdentifierType, Lane
from lookup.moengage.client import HOSTS, ExportRequest, MoEngage
from lookup.moengage.credentials import Credentials
from lookup.moengage.responses import ExportResponse
from lookup.settings import Workspace

NO_ID = "0" * 24  # the same of MoEngage's own ids
PATIENCE = 10.0  # seconds for a grant
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
TROUBLE = "MoEngage is in trouble, or the connection ended early: wait, and try again"
SERVER_ERROR = 500
FORBIDDEN_STATUS = 403


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is well, or what to do about it."""

    is_well: bool
    text: str


def well(text: str) -> Finding:
    """Say that something is well."""
    return Finding(is_well=True, text=text)


def ill(text: str) -> Finding:
    """Say what is not, and what helps."""
    return Finding(is_well=False, text=text)


def whence(address: str | None) -> Finding:
    """Say who asks here, and from where the functions do: `address` if the stage has a fixed one."""
    here = "asked from this machine, not from where the functions are"
    if address is None:
        return well(f"{here}: without fixed_egress no list of allowed addresses at MoEngage can hold theirs")
    return well(f"{here}: they call from {address}, which a list of allowed addresses at MoEngage must hold")


class Listening(urllib3.PoolManager):
    """Connections that remember the headers of the last answer."""

    headers_seen: Mapping[str, str] = MappingProxyType({})

    def request(self, *args: Any, **kwargs: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401 - urllib3's own
        """Ask as ever."""
        answer = super().request(*args, **kwargs)
        self.headers_seen = answer.headers
        return answer


@dataclass
class Patient:
    """One workspace, about to be asked. `endpoint_url` is another address than MoEngage's, or None.

    `address` is where the functions call from, if it is fixed; `patience` in seconds is for a grant.
    """

    workspace: Workspace
    credentials: Credentials
    gate: QuotaGate
    endpoint_url: str | None
    clock: Clock
    address: str | None = None
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        self._pool = Listening()

    def findings(self, identifier: str) -> Iterator[Finding]:
        """Ask for one customer, then for one of MoEngage's own ids; four users of quota at most."""
        host = self.endpoint_url or HOSTS[self.credentials.data_center]
        client = self._client(self.workspace.moengage_id_name)
        try:
            shape, answer = self._in_either_shape(client, Identifier(IdentifierType.CUSTOMER_ID, identifier))
        except GateClosed as closed:
            yield ill(f"the gate is closed ({closed.reason}), so nobody is asked: make gate OPEN=1 first")
            return
        except RetryLater:
            yield ill(f"the quota leaves no room within {self.patience:g} s: try again when less is going on")
            return
        except VendorError as fault:
            yield ill(f"{host}: {told(fault, self.address)}")
            return
        yield well(f"{host} answers and takes the credentials; the body's shape is {shape}")
        known = "knows" if answer.users else "does not know"
        yield well(f"MoEngage {known} the customer {'nobody has' if identifier == NOBODY else 'that was named'}")
        yield self._quota()
        yield self._own_ids(client)

    def _client(self, id_name: str) -> MoEngage:
        return MoEngage(self._pool, endpoint_url=self.endpoint_url, moengage_id_name=id_name, clock=self.clock)

    def _in_either_shape(self, client: MoEngage, one: Identifier) -> tuple[str, ExportResponse]:
        try:
            return "the wrapper `data`", self._ask(client, one)
        except VendorWrongShape:
            return "the root", self._ask(client, one)

    def _ask(self, client: MoEngage, one: Identifier) -> ExportResponse:
        """Ask with a grant; a fault closes nothing, unless the gate waits for just this answer."""
        grant = self.gate.admit(1, lane=Lane.ON_DEMAND, wait_until=self.clock() + self.patience)
        try:
            answer = client.export(ExportRequest([one]), self.credentials)
        except VendorError as fault:
            if grant.probe:
                self.gate.report(grant, fault)
            raise
        self.gate.report(grant, None)
        return answer

    def _quota(self) -> Finding:
        seen = [f"{name}: {self._pool.headers_seen[name]}" for name in QUOTA_HEADERS if name in self._pool.headers_seen]
        limit = (
            f"the gate goes by quota.limit = {self.workspace.quota.limit} users in {self.workspace.quota.window:g} s"
        )
        return well(f"{', '.join(seen) or 'no quota headers'}; {limit}")

    def _own_ids(self, client: MoEngage) -> Finding:
        """Find out how MoEngage spells its own identifier type here."""
        own, name = Identifier(IdentifierType.ID, NO_ID), self.workspace.moengage_id_name
        other = "moengage_id" if name == "id" else "id"
        try:
            self._in_either_shape(client, own)
        except VendorBadRequest:
            try:
                self._in_either_shape(self._client(other), own)
            except (VendorError, RetryLater):
                return ill("MoEngage takes neither id nor moengage_id: ask only for customer ids")
            return ill(f"MoEngage's own ids are called {other} here: set moengage_id_name={other!r}, deploy")
        except VendorError as fault:
            return ill(f"asked for one of MoEngage's own ids: {told(fault, self.address)}")
        except RetryLater:
            return ill("the quota left no room to ask for one of MoEngage's own ids: try again")
        return well(f"MoEngage's own ids are called {name}, as the settings say")


def told(fault: VendorError, address: str | None = None) -> str:
    """Say what to do about a fault; `address` is where the functions call from, if it is fixed."""
    what = f"HTTP {fault.status}" if fault.status else fault.reason
    request = f" (request id {fault.request_id})" if fault.request_id else ""
    known = BY_STATUS.get(fault.status or 0) or BY_REASON.get(fault.reason)
    if fault.status == FORBIDDEN_STATUS:
        known = FORBIDDEN + (UNLISTED if address is None else LISTED.format(address=address)) + HERE
    if known is None and isinstance(fault, VendorBadRequest):
        known = "MoEngage cannot read the call in either shape of its body: report this as a defect"
    if known is None:
        known = OTHER_4XX if fault.status and fault.status < SERVER_ERROR else TROUBLE
    return f"{what}{request}: {known}"
