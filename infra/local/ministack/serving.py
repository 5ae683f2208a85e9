"""MiniStack's HTTP: uvicorn with httptools instead of Hypercorn, whose parser is written in Python.

A request costs half the processor time (see `docs/decisions/0047-quick-local-aws.md`). MiniStack is an ASGI
application; nothing here uses its WebSockets or TLS.
"""

from __future__ import annotations

import os
import resource
import sys

import uvicorn
from ministack import app  # type: ignore[import-untyped]  # ships no types

IDLE_SECONDS = 75  # that a connection stays open without a request, as MiniStack's own server does


class _Server(uvicorn.Server):
    """Ends at once: whoever started it waits for no request that is still open."""

    def handle_exit(self, sig: int, frame: object) -> None:  # noqa: ARG002 - uvicorn's names
        sys.exit(0)


def serve() -> None:
    """Serve on `BIND_HOST` and `GATEWAY_PORT` until SIGTERM or SIGINT; exit with 1 if the port is used."""
    _allow_many_connections()
    config = uvicorn.Config(
        app.app,
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # MiniStack sends its own
        timeout_keep_alive=IDLE_SECONDS,
    )
    _Server(config).run()


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as it may: bursts of connections pass the usual 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
