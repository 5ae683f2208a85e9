"""Free ports of the loopback interface, below the kernel's ephemeral range so that no client socket takes one first."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 20000, 32000


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on now."""
    for _ in range(200):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - no secret, only spread between parallel runs
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} on 127.0.0.1")
