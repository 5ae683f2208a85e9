"""HTTP/1.1 for the simulated vendor: connections are kept, an answer leaves in one piece, a thread per connection."""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from infra.local.simulator import admin, answers
from infra.local.simulator.answers import Reply
from infra.local.simulator.request import HttpCall, Refusal
from infra.local.simulator.vendor import Vendor

EXPORT_PATH = "/v1/customers/export"
ADMIN_PREFIX = "/_admin/"
READ_LIMIT = 64 * 1024 * 1024  # a body that claims more is not read at all
SECONDS_IDLE = 300.0


class SimulatorServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 only."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, vendor: Vendor) -> None:
        super().__init__(("127.0.0.1", port), ExportHandler)
        self.vendor = vendor

    def handle_error(self, *_: object) -> None:
        """Log nothing: a client may disconnect."""


class ExportHandler(BaseHTTPRequestHandler):
    """One connection."""

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedMoEngage"
    disable_nagle_algorithm = True
    timeout = SECONDS_IDLE

    def do_POST(self) -> None:
        """Export users, or administrate."""
        self._dispatch()

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names http.server calls

    def log_message(self, *_: object) -> None:
        """Log nothing: the journal is the log."""

    def _dispatch(self) -> None:
        body = self._read_body()
        if body is None:
            return
        target = urlsplit(self.path)
        if target.path.startswith(ADMIN_PREFIX):
            name = target.path.removeprefix(ADMIN_PREFIX)
            self._send(admin.answer(self.server.vendor, self.command, name, body))
        elif target.path != EXPORT_PATH:
            self._refuse(404, "NotFound", "no such resource")
        elif self.command != "POST":
            self._refuse(405, "MethodNotAllowed", "use POST")
        else:
            self._export(parse_qs(target.query, keep_blank_values=True).get("app_id", [None])[0], body)

    def _export(self, app_id: str | None, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.vendor.answer(HttpCall(app_id, headers, body))
        if reply.delay > 0:
            time.sleep(reply.delay)
        self._send(reply)

    def _read_body(self) -> bytes | None:
        if self.command == "GET" and "Content-Length" not in self.headers:
            return b""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self.close_connection = True
            self._refuse(411, "LengthRequired", "Content-Length is missing")
        elif int(length) > READ_LIMIT:
            self.close_connection = True
            self._refuse(413, "PayloadTooLarge", "the request body is over 128 KB")
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
            self.close_connection = True  # the client disconnected in the middle of its request: it never arrived
        return None

    def _refuse(self, status: int, kind: str, message: str) -> None:
        self._send(answers.error(Refusal(status, kind, message), 0))

    def _send(self, reply: Reply) -> None:
        if reply.drop:
            self._hang_up()
            return
        promised = len(reply.body) if reply.promised is None else reply.promised
        headers = {
            "Server": self.server_version,
            "Date": self.date_time_string(),
            **reply.headers,
            "Content-Length": str(promised),
            **({"Connection": "close"} if self.close_connection else {}),
        }
        lines = [
            f"HTTP/1.1 {reply.status} {_phrase(reply.status)}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        interim = "".join(f"HTTP/1.1 {status} {_phrase(status)}\r\nLink: </x>\r\n\r\n" for status in reply.interim)
        self._write((interim + "\r\n".join(lines)).encode("latin-1"), reply)
        if promised != len(reply.body):
            self._hang_up()

    def _write(self, head: bytes, reply: Reply) -> None:
        """Send an answer in one piece, or dripping."""
        if reply.drip is None:
            self.wfile.write(head + reply.body)
            return
        at_once, dripping = (b"", head + reply.body) if reply.drip == "headers" else (head, reply.body)
        self.wfile.write(at_once)
        for start in range(0, len(dripping), reply.drip_bytes):
            time.sleep(reply.drip_pause)
            self.wfile.write(dripping[start : start + reply.drip_bytes])

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
