"""Receivers of webhooks on loopback: TLS servers with a certificate that a test made, and how to reach them."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lookup.bounded_http import Resolve
from lookup.webhooks.sender import Sender

HOST = "hooks.example.com"


@dataclass(frozen=True)
class Authority:
    """A self-signed certificate for some names, and who trusts it."""

    pem: Path

    @classmethod
    def of(cls, folder: Path, *names: str) -> Authority:
        """Make a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receivers of a test")])
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(own, own, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
        form = serialization.Encoding.PEM
        private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = folder / "receivers.pem"
        path.write_bytes(private + certificate.public_bytes(form))
        return cls(path)

    @cached_property
    def server(self) -> ssl.SSLContext:
        """The context of a server that has the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        return context

    @cached_property
    def client(self) -> ssl.SSLContext:
        """The context of a client that trusts it and nothing else."""
        return ssl.create_default_context(cafile=str(self.pem))


@dataclass(frozen=True)
class Received:
    """One request of a receiver."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A receiver that answers by `answer`, a status and headers for each request, and keeps what it got."""

    port: int = 0
    answer: Callable[[Received], tuple[int, dict[str, str]]] = lambda _: (204, {})
    received: list[Received] = field(default_factory=list)
    body: bytes = b""


@contextmanager
def receiver(authority: Authority, address: str = "127.0.0.1", port: int = 0) -> Iterator[Receiver]:
    """Serve one receiver."""
    one = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            one.received.append(got)
            status, headers = one.answer(got)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(one.body)))
            self.end_headers()
            self.wfile.write(one.body)

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def finish_request(self, request: Any, client_address: Any) -> None:
            """Shake hands in the request's own thread: a client that does not must not keep the next one waiting."""
            with authority.server.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

        def handle_error(self, *_: object) -> None: ...  # a client that went away

    with Server((address, port), Handler) as server:
        one.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield one
        finally:
            server.shutdown()
            thread.join()


def resolving(*addresses: str) -> Resolve:
    """Return a resolver by which every name has these addresses."""

    def resolve(_: str, port: int, **__: object) -> Sequence[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return lambda *args, **kwargs: list(resolve(*args, **kwargs))


def sender_to(port: int, tls: ssl.SSLContext, *, resolve: Resolve | None = None, max_seconds: float = 60.0) -> Sender:
    """Return a sender that may call loopback, at a port of a test's receivers."""
    return Sender(
        "test",
        resolve=resolve or resolving("127.0.0.1"),
        is_allowed=lambda address: address.startswith("127."),
        port=port,
        tls=tls,
        max_seconds=max_seconds,
    )
