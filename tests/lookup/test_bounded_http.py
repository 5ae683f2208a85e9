"""One exchange is bounded as a whole: seconds, bytes, answers before the answer; on plain connections and over TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ProtocolError, ReadTimeoutError

from lookup.bounded_http import MAX_INTERIM_RESPONSES, HttpResponse, exchange, resolve_addresses
from tests.lookup.scripted_server import Script, Scripted, request_of, scripted
from tests.waiting import GIVE_UP

PATIENT = urllib3.Timeout(connect=30.0, read=30.0)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ALLOWED, LATE = 0.4, GIVE_UP  # seconds: what a call may take, and what no bounded call takes on the slowest machine
DRIP = 0.05  # seconds between two drops


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the file of the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    own = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(own + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


@pytest.fixture(params=["http", "https"])
def way(request: pytest.FixtureRequest, certified: tuple[ssl.SSLContext, Path]) -> Iterator[Way]:
    context, path = certified
    with urllib3.PoolManager(ca_certs=str(path)) as pool:
        yield Way(request.param, pool, context if request.param == "https" else None)


class Way:
    """A URL scheme, with its server and its client."""

    def __init__(self, scheme: str, pool: urllib3.PoolManager, tls: ssl.SSLContext | None) -> None:
        self.scheme = scheme
        self.pool = pool
        self.tls = tls

    def ask(
        self, server: Scripted, *, within: float = 30.0, most: int = 1000, body: bytes = b"{}", path: str = "/"
    ) -> HttpResponse:
        return exchange(
            self.pool,
            "POST",
            f"{self.scheme}://127.0.0.1:{server.port}{path}",
            body=body,
            headers={},
            timeout=PATIENT,
            max_seconds=within,
            max_bytes=lambda _: most,
        )


def answering(*answers: bytes) -> Script:
    def script(connection: socket.socket, _: Scripted) -> None:
        for answer in answers:
            if request_of(connection):
                connection.sendall(answer)

    return script


def dripping(at_once: bytes, drop: bytes) -> Script:
    def script(connection: socket.socket, server: Scripted) -> None:
        request_of(connection)
        connection.sendall(at_once)
        while not server.over.wait(DRIP):
            connection.sendall(drop)

    return script


SLOW: dict[str, Script] = {
    "headers": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "more and more headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"a"),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "chunk sizes": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "until closed": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    "continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "silence": dripping(b"", b""),
    "silence after headers": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b""),
    "an error's body": dripping(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 900\r\n\r\n", b"a"),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW)
def test_an_answer_that_drips_ends_with_the_call(way: Way, script: Script) -> None:
    """Whatever keeps coming little by little, the call ends when its time is over, as a timeout."""
    with scripted(script, way.tls) as server:
        started = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            way.ask(server, within=ALLOWED)
        assert ALLOWED <= time.monotonic() - started < LATE


def test_a_server_that_never_reads(way: Way) -> None:
    """A request that nobody takes ends with the call too."""

    def silent(_: socket.socket, server: Scripted) -> None:
        server.over.wait(GIVE_UP)

    with scripted(silent, way.tls) as server:
        started = time.monotonic()
        with pytest.raises(HTTPError):
            way.ask(server, within=ALLOWED, body=b"x" * 50_000_000)
        assert time.monotonic() - started < LATE


def test_a_handshake_that_never_ends() -> None:
    """Who accepts and does not speak TLS is given up in time."""

    def silent(_: socket.socket, server: Scripted) -> None:
        server.over.wait(GIVE_UP)

    with scripted(silent) as server, urllib3.PoolManager() as pool:
        started = time.monotonic()
        with pytest.raises(HTTPError):
            Way("https", pool, None).ask(server, within=ALLOWED)
        assert time.monotonic() - started < LATE


def test_the_next_call_has_its_own_time(way: Way) -> None:
    """A kept connection takes nothing of one call's bound into the next, and serves both."""

    def slow_second(connection: socket.socket, server: Scripted) -> None:
        request_of(connection)
        connection.sendall(OK)
        request_of(connection)
        server.over.wait(2 * ALLOWED)
        connection.sendall(OK)

    with scripted(slow_second, way.tls) as server:
        assert way.ask(server, within=ALLOWED).body == b"ok"
        assert way.ask(server).body == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n",
    ],
    ids=["declared", "absurd", "endless", "chunked"],
)
def test_a_body_without_end(way: Way, head: bytes) -> None:
    """Of too long a body no more than what is allowed is kept, and the next call gets a connection of its own."""

    def endless(connection: socket.socket, server: Scripted) -> None:
        request_of(connection)
        if server.connections > 1:
            connection.sendall(OK)
            return
        connection.sendall(head)
        while not server.over.is_set():
            connection.sendall(b"x" * 65536)

    with scripted(endless, way.tls) as server:
        exchanged = way.ask(server)
        assert (exchanged.is_whole, len(exchanged.body) <= 1000) == (False, True)
        assert (way.ask(server).body, server.connections) == (b"ok", 2)


def test_a_compressed_bomb(way: Way) -> None:
    """What is compressed counts by what it unpacks to."""
    import gzip  # noqa: PLC0415 - of this test only

    packed = gzip.compress(b"x" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    with scripted(answering(head.encode() + packed), way.tls) as server:
        exchanged = way.ask(server, most=100_000)
        assert (exchanged.is_whole, len(exchanged.body)) == (False, 100_000)


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"


@pytest.mark.parametrize(
    "before",
    [
        EARLY,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 100 Continue\r\n\r\n" + EARLY,
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["103", "100", "102 thrice", "both", "with a length"],
)
def test_answers_before_the_answer(way: Way, before: bytes) -> None:
    """Interim answers are passed over, and the connection serves the next call, each with its own answer."""
    other = OK.replace(b"ok", b"no")
    with scripted(answering(before + OK, before + other), way.tls) as server:
        assert [(one.status, one.body) for one in (way.ask(server), way.ask(server))] == [(200, b"ok"), (200, b"no")]
        assert server.connections == 1


@pytest.mark.parametrize("before", [EARLY * (MAX_INTERIM_RESPONSES + 1), EARLY])
def test_only_interim_answers(way: Way, before: bytes) -> None:
    """A server that has nothing but interim answers, or ends after one, has not answered."""

    def script(connection: socket.socket, _: Scripted) -> None:
        request_of(connection)
        connection.sendall(before)

    with scripted(script, way.tls) as server, pytest.raises(HTTPError):
        way.ask(server)


def test_other_protocols_are_not_spoken(way: Way) -> None:
    """An unrequested 101 is no response, and its connection is not used again."""
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"

    def script(connection: socket.socket, server: Scripted) -> None:
        request_of(connection)
        connection.sendall(switching if server.connections == 1 else OK)
        server.over.wait(GIVE_UP)

    with scripted(script, way.tls) as server:
        with pytest.raises(ProtocolError):
            way.ask(server)
        assert (way.ask(server).status, server.connections) == (200, 2)


def test_a_name_that_is_not_resolved_in_time() -> None:
    """A resolver that takes its time is not waited for."""
    over = threading.Event()

    def slow(*_: object, **__: object) -> list[object]:
        over.wait(GIVE_UP)
        return []

    with pytest.raises(TimeoutError):
        resolve_addresses("host.invalid", 443, max_seconds=0.05, resolve=slow)
    over.set()


def test_a_name_that_nobody_has() -> None:
    """An unknown host name is reported at once as such."""
    with pytest.raises(socket.gaierror):
        resolve_addresses("host.invalid", 443, max_seconds=30.0, resolve=_unknown)


def _unknown(*_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


def test_no_time_at_all(way: Way) -> None:
    """Without any time nothing is begun."""
    with scripted(answering(OK), way.tls) as server:
        with pytest.raises(ConnectTimeoutError):
            way.ask(server, within=0.0)
        assert server.connections == 0
