"""A server that sends, byte for byte, what a test scripts, at the scripted pace."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Script = Callable[[socket.socket, "Scripted"], None]


@dataclass
class Scripted:
    """A listening server; `connections` is how many came. `over` is set when the test ends: who waits stops."""

    port: int
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Serve every connection of 127.0.0.1 by the script, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        served = Scripted(listener.getsockname()[1])

        def accept() -> None:
            while not served.over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    continue
                served.connections += 1
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                connection.settimeout(60)
                if tls is None:
                    script(connection, served)
                    return
                with tls.wrap_socket(connection, server_side=True) as wrapped:
                    script(wrapped, served)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield served
        finally:
            served.over.set()
            accepting.join()


def request_of(connection: socket.socket) -> bytes:
    """Read one request whose body has a Content-Length; empty when the client is gone."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = connection.recv(65536)
        if not more:
            return b""
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1]
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
