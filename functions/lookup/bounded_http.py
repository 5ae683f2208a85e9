"""One HTTP exchange, bounded as a whole in seconds and bytes: connecting, sending, response.

urllib3's timeouts hold for each read, so a slow drip of bytes never meets them. Here every wait on the socket gets what
is left of the whole call. Sockets wait in real time, so the deadline is `time.monotonic`'s.
"""

from __future__ import annotations

import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from http.client import HTTPResponse as WireResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

READ_CHUNK = 64 * 1024  # bytes read at once
SEND_CHUNK = 16 * 1024  # bytes: one TLS record, sent in one wait
MAX_LENGTH_DIGITS = 20  # of Content-Length: more are above any bound
MAX_INTERIM_RESPONSES = 10  # 1xx before the final one; a server may send any number (RFC 9110, 15.2)

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
Resolve = Callable[..., list[Any]]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; `is_whole` is false when its body is longer than `max_bytes` and cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool


def exchange(
    pool: urllib3.PoolManager,
    method: str,
    url: str,
    *,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout: urllib3.Timeout,
    max_seconds: float,
    max_bytes: Callable[[int], int],
) -> HttpResponse:
    """Send a request once, for `max_seconds` in all; `timeout` bounds each step besides. Nothing is retried.

    `max_bytes` bounds the body by the status; a longer one is cut and its connection closed. Raises urllib3's
    `HTTPError`: `ReadTimeoutError` or `ConnectTimeoutError` when the time is over.
    """
    pool.pool_classes_by_scheme = POOLS  # in any pool given: other connections are not bounded
    with _within(max_seconds):
        response = _opened(pool, method, url, body=body, headers=headers, timeout=timeout)
        return _read(response, max_bytes(response.status))


def post_to_address(
    address: str,
    port: int,
    target: str,
    *,
    host: str,
    tls: ssl.SSLContext,
    body: bytes,
    headers: Mapping[str, str],
    max_seconds: float,
) -> HttpResponse:
    """Post to one address over TLS, whose certificate must be `host`'s; no name is resolved, no redirect followed.

    Return status and headers: of the body nothing is read. Raise urllib3's `HTTPError` as `exchange` does.
    """
    pool = _TlsPool(address, port, maxsize=1, ssl_context=tls, server_hostname=host)
    try:
        with _within(max_seconds):
            wait = urllib3.Timeout(total=max_seconds)
            response = _opened(pool, "POST", target, body=body, headers={**headers, "Host": host}, timeout=wait)
            response.close()
        return HttpResponse(response.status, response.headers, b"", is_whole=False)
    finally:
        pool.close()


@contextmanager
def _within(max_seconds: float) -> Iterator[None]:
    """Limit all waits inside to the seconds of one call."""
    token = _deadline.set(time.monotonic() + max_seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _opened(
    pool: urllib3.PoolManager | urllib3.HTTPConnectionPool,
    method: str,
    url: str,
    *,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout: urllib3.Timeout,
) -> urllib3.BaseHTTPResponse:
    return pool.request(
        method,
        url,
        body=body,
        headers=headers,
        timeout=timeout,
        retries=False,
        redirect=False,
        preload_content=False,
    )


def _read(response: urllib3.BaseHTTPResponse, max_bytes: int) -> HttpResponse:
    declared = response.headers.get("content-length", "")
    is_whole = not (declared.isascii() and declared.isdigit() and int(declared[:MAX_LENGTH_DIGITS]) > max_bytes)
    body = bytearray()
    try:
        while is_whole and (chunk := response.read(READ_CHUNK)):
            body += chunk
            is_whole = len(body) <= max_bytes
    finally:
        if not is_whole:
            response.close()  # the rest must not be read as the next response
        response.release_conn()
    return HttpResponse(response.status, response.headers, bytes(body[:max_bytes]), is_whole)


def _seconds_left() -> float | None:
    """Return the seconds left of the call, None without a bound. Raises `TimeoutError` when none are."""
    deadline = _deadline.get()
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _limit_wait(sock: socket.socket) -> None:
    """Limit the next wait on a socket to the seconds left of the call."""
    left, own = _seconds_left(), sock.gettimeout()
    if left is not None and (own is None or left < own):
        sock.settimeout(left)


class _BoundedReads(io.RawIOBase):
    """A socket's bytes, each wait limited to the seconds left of the call."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as RawIOBase has it
        _limit_wait(self._sock)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _FinalResponse(WireResponse):
    """The final response: http.client skips a 100, but returns any other 1xx (103, early hints) as the response."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as http.client has it
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(_BoundedReads(self.fp.detach(), sock))

    def begin(self) -> None:
        for _ in range(MAX_INTERIM_RESPONSES):
            super().begin()
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise HTTPException("a switch of protocols that was not requested")
            if self.status >= HTTPStatus.OK:
                return
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first response
        raise HTTPException("too many interim responses")


class _Bounded(HTTPConnection):
    """A connection whose waits are all limited to the seconds left of the call."""

    response_class = _FinalResponse

    def _new_conn(self) -> socket.socket:
        try:
            return self._connected()
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from None
        except TimeoutError:
            raise ConnectTimeoutError(self, "connection timed out") from None
        except OSError as error:
            raise NewConnectionError(self, type(error).__name__) from None

    def _connected(self) -> socket.socket:
        """Connect to the first address that accepts; all of them share the seconds left."""
        failure: OSError = OSError("no address")
        for address in resolve_addresses(self._dns_host, self.port or 0, max_seconds=_seconds_left()):
            waits = [seconds for seconds in (_seconds_left(), self.timeout) if isinstance(seconds, int | float)]
            try:
                sock = create_connection(
                    (address, self.port or 0), min(waits, default=None), socket_options=self.socket_options
                )
            except OSError as error:
                failure = error
                continue
            _limit_wait(sock)  # for the TLS handshake
            return sock
        raise failure

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client has it
        if not isinstance(data, bytes):
            super().send(data)
            return
        for start in range(0, len(data), SEND_CHUNK):
            if self.sock is not None:
                _limit_wait(self.sock)
            super().send(data[start : start + SEND_CHUNK])


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Bounded


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _BoundedTls


POOLS: dict[str, type[urllib3.HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}


def resolve_addresses(
    host: str, port: int, *, max_seconds: float | None, resolve: Resolve = socket.getaddrinfo
) -> list[str]:
    """Return the addresses of a host. Raises `TimeoutError`.

    A thread resolves, for a running query cannot be cancelled: it ends with the system resolver's own timeout.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = resolve(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(one[4][0]) for one in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else socket.gaierror(type(error).__name__))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max_seconds)
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
