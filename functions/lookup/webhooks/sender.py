"""One call of a receiver: to an address that is checked, over TLS, ten seconds in all, and nothing of its body read."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from lookup.bounded_http import HttpResponse, Resolve, post_to_address
from lookup.webhook_settings import WebhookAddress
from lookup.webhooks.addresses import AddressRefused, IsAllowed, allowed_addresses, is_public

MAX_SECONDS = 10.0  # of a call, from the name's resolution to the last header
HTTPS = 443
MAX_ADDRESSES = 3  # that are tried while connections are refused
# What became of a call without a status, as the list of deliveries has it.
TIMED_OUT, NOT_RESOLVED, NOT_ALLOWED = "timeout", "name_not_resolved", "address_not_allowed"
NOT_TRUSTED, NOT_CONNECTED, NO_RESPONSE = "tls_failed", "connection_failed", "no_response"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: a status and headers, or why there is none. `seconds` is how long that took."""

    status: int | None
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Sender:
    """Calls receivers. `resolve`, `is_allowed`, `port` and `tls` are others only where a test has its own receivers."""

    def __init__(
        self,
        stage: str,
        *,
        resolve: Resolve = socket.getaddrinfo,
        is_allowed: IsAllowed = is_public,
        port: int = HTTPS,
        tls: ssl.SSLContext | None = None,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._agent = f"moengage-lookup/{stage}"
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._port = port
        self._tls = tls or ssl.create_default_context()
        self._max_seconds = max_seconds

    def post(self, to: WebhookAddress, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body once."""
        begun = time.monotonic()
        own = {"User-Agent": self._agent, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        try:
            response = self._posted(to, body, own | dict(headers), begun + self._max_seconds)
        except (HTTPError, OSError, AddressRefused) as error:
            return Answer(None, _name_of(error), seconds=time.monotonic() - begun)
        return Answer(response.status, headers=response.headers, seconds=time.monotonic() - begun)

    def _posted(self, to: WebhookAddress, body: bytes, headers: Mapping[str, str], until: float) -> HttpResponse:
        found = allowed_addresses(
            to.host,
            self._port,
            max_seconds=until - time.monotonic(),
            resolve=self._resolve,
            is_allowed=self._is_allowed,
        )
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        *others, last = found[:MAX_ADDRESSES]
        for address in others:
            try:
                return self._once(address, to, body, headers, until)
            except NewConnectionError:  # nothing was sent: the next address may accept
                continue
        return self._once(last, to, body, headers, until)

    def _once(
        self, address: str, to: WebhookAddress, body: bytes, headers: Mapping[str, str], until: float
    ) -> HttpResponse:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return post_to_address(
            address, self._port, to.target, host=to.host, tls=self._tls, body=body, headers=headers, max_seconds=left
        )


def _name_of(error: Exception) -> str:
    """Name an error without a word of the receiver's."""
    match error:
        case AddressRefused():
            return NOT_ALLOWED
        case NewConnectionError():  # to urllib3 a kind of time-out
            return NOT_CONNECTED
        case ReadTimeoutError() | ConnectTimeoutError() | TimeoutError():
            return TIMED_OUT
        case socket.gaierror():
            return NOT_RESOLVED
        case SSLError():
            return NOT_TRUSTED
        case _:
            return NO_RESPONSE
