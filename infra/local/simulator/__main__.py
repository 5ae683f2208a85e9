"""`python -m infra.local.simulator --port N [--config FILE]`: run a simulator until it is ended.

With `--config -` the configuration is the first line of standard input, and the end of standard input ends the
simulator too: it never outlives who started it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

import simplejson

from infra.local.processes.lifeline import end_with_input
from infra.local.simulator.config import SimulatorConfig
from infra.local.simulator.server import SimulatorServer
from infra.local.simulator.vendor import Vendor

ENDS = (signal.SIGTERM, signal.SIGINT)
POLL_SECONDS = 0.1


def main() -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.simulator", description="A simulated MoEngage.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--config", help="a JSON file with a SimulatorConfig, or - for standard input")
    arguments = parser.parse_args()
    vendor = Vendor(_configuration(arguments.config))
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # in all threads: the main one waits for them
    with SimulatorServer(arguments.port, vendor) as server:
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,)).start()
        if arguments.config == "-":
            end_with_input()
        print(f"The simulated MoEngage listens on http://127.0.0.1:{arguments.port}", flush=True)
        signal.sigwait(ENDS)
        server.shutdown()


def _configuration(source: str | None) -> SimulatorConfig:
    if source is None:
        return SimulatorConfig()
    text = sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")
    return SimulatorConfig.from_json(simplejson.loads(text))


if __name__ == "__main__":
    main()
