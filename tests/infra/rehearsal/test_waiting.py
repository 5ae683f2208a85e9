"""The rehearsal's requests end in time, tokens included, however slow the response."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from infra.rehearsal.api import Api
from infra.rehearsal.platform import Platform
from infra.rehearsal.report import Failed
from infra.stages import stage_named
from tests.lookup.scripted_server import Scripted, request_of, scripted
from tests.waiting import GIVE_UP

DRIP = 0.05  # seconds between two bytes


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
def test_an_answer_that_drips_is_none(head: bytes, tmp_path: Path) -> None:
    """Headers or a body that come little by little are given up when the time is over."""

    def drip(connection: socket.socket, server: Scripted) -> None:
        request_of(connection)
        connection.sendall(head)
        while not server.over.wait(DRIP):
            connection.sendall(b"a")

    with scripted(drip) as server:
        api = Api(Platform("dev", {}, tmp_path), stage_named("dev", {}), {}, max_seconds=0.3)
        started = time.monotonic()
        with pytest.raises(Failed, match="gave no answer"):
            api.send("POST", f"http://127.0.0.1:{server.port}/oauth2/token", b"grant_type=client_credentials")
        assert time.monotonic() - started < GIVE_UP
