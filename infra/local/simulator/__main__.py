"""`python -m infra.local.simulator --port N [--config FILE]`: run a simulator until it is ended.

With `--config -` the configuration is the first line of standard input, and the end of standard input ends the
simulator too: it never outlives who started it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import simplejson

from infra.local.simulator.config import SimulatorConfig
from infra.local.simulator.server import SimulatorServer
from infra.local.simulator.vendor import Vendor


def main() -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.simulator", description="A simulated MoEngage.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--config", help="a JSON file with a SimulatorConfig, or - for standard input")
    arguments = parser.parse_args()
    vendor = Vendor(_configuration(arguments.config))
    signal.signal(signal.SIGTERM, _end_once)
    with contextlib.suppress(KeyboardInterrupt), SimulatorServer(arguments.port, vendor) as server:
        if arguments.config == "-":
            threading.Thread(target=_end_with_input, daemon=True).start()
        print(f"The simulated MoEngage listens on http://127.0.0.1:{arguments.port}", flush=True)
        server.serve_forever(poll_interval=0.1)


def _configuration(source: str | None) -> SimulatorConfig:
    if source is None:
        return SimulatorConfig()
    text = sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")
    return SimulatorConfig.from_json(simplejson.loads(text))


def _end_once(number: int, frame: FrameType | None) -> None:
    """End by the first signal; the end of standard input, which follows, must not interrupt the ending."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.default_int_handler(number, frame)


def _end_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
