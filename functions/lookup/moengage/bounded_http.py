"""One HTTP exchange with somebody outside, bounded as a whole in seconds and bytes: connecting, sending, answer.

urllib3's timeouts hold for each read, so an answer that drips is never too slow for them. Here every wait on the socket
gets what is left of the whole call. Sockets wait in the machine's own time, so the deadline is `time.monotonic`'s.
"""

from __future__ import annotations

import io
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
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

CHUNK = 64 * 1024  # bytes read at once
SENT_AT_ONCE = 16 * 1024  # bytes: one TLS record, and what one wait is for
DIGITS_READ = 20  # of a declared length: as many are more than anybody allows
INTERIM_MOST = 10  # 1xx answers before the real one; a server may send any number (RFC 9110, 15.2)

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
Resolve = Callable[..., list[Any]]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The answer: its status, headers and body; `is_whole` is false when the body is longer than was allowed."""

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
    within: float,
    most_bytes: Callable[[int], int],
) -> HttpResponse:
    """Ask once, for `within` seconds at most in all; `timeout` bounds each step besides. Nothing is retried.

    Reads as much of the body as `most_bytes` allows an answer of that status; what is longer is cut and its connection
    closed. Raises urllib3's `HTTPError`: `ReadTimeoutError` or `ConnectTimeoutError` when the time is over.
    """
    pool.pool_classes_by_scheme = POOLS  # for whichever pool it is: connections that know nothing of it are not bounded
    token = _deadline.set(time.monotonic() + within)
    try:
        response = pool.request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        return _read(response, most_bytes(response.status))
    finally:
        _deadline.reset(token)


def _read(response: urllib3.BaseHTTPResponse, most: int) -> HttpResponse:
    declared = response.headers.get("content-length", "")
    is_whole = not (declared.isascii() and declared.isdigit() and int(declared[:DIGITS_READ]) > most)
    body = bytearray()
    try:
        while is_whole and (chunk := response.read(CHUNK)):
            body += chunk
            is_whole = len(body) <= most
    finally:
        if not is_whole:
            response.close()  # what is still to come must not be taken for the next answer
        response.release_conn()
    return HttpResponse(response.status, response.headers, bytes(body[:most]), is_whole)


def _left() -> float | None:
    """Return the seconds left of the call, None without a bound. Raise `TimeoutError` when none are."""
    deadline = _deadline.get()
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _wait_no_longer(sock: socket.socket) -> None:
    """Let the next wait on a socket end with the call."""
    left, own = _left(), sock.gettimeout()
    if left is not None and (own is None or left < own):
        sock.settimeout(left)


class _BoundedReads(io.RawIOBase):
    """A socket's bytes, each wait for them no longer than the call."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as RawIOBase has it
        _wait_no_longer(self._sock)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _FinalResponse(WireResponse):
    """The real answer: http.client skips a 100 before it, and takes any other 1xx (a 103, early hints) for it."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as http.client has it
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(_BoundedReads(self.fp.detach(), sock))

    def begin(self) -> None:
        for _ in range(INTERIM_MOST):
            super().begin()
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise HTTPException("another protocol, which nobody asked for")
            if self.status >= HTTPStatus.OK:
                return
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first answer
        raise HTTPException("too many interim answers")


class _Bounded(HTTPConnection):
    """A connection whose every wait ends with the call."""

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
        """Connect to the first address that answers; all of them share the time."""
        failure: OSError = OSError("no address")
        for address in resolved(self._dns_host, self.port or 0, within=_left()):
            waits = [seconds for seconds in (_left(), self.timeout) if isinstance(seconds, int | float)]
            try:
                sock = create_connection(
                    (address, self.port or 0), min(waits, default=None), socket_options=self.socket_options
                )
            except OSError as error:
                failure = error
                continue
            _wait_no_longer(sock)  # for what TLS has to say
            return sock
        raise failure

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client has it
        if not isinstance(data, bytes):
            super().send(data)
            return
        for start in range(0, len(data), SENT_AT_ONCE):
            if self.sock is not None:
                _wait_no_longer(self.sock)
            super().send(data[start : start + SENT_AT_ONCE])


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Bounded


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _BoundedTls


POOLS: dict[str, type[urllib3.HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}


def resolved(host: str, port: int, *, within: float | None, resolve: Resolve = socket.getaddrinfo) -> list[str]:
    """Return the addresses of a host. Raise `TimeoutError`: the system's resolver has only bounds of its own.

    A thread of its own asks, for nothing ends a question that is under way; it ends with the resolver's bounds.
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
        answer = answers.get(timeout=within)
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
