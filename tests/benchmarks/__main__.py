"""`python -m tests.benchmarks`: all benchmarks in a short form; the last line is one JSON with all figures.

Each prints its own JSON, too. What only the long forms can show (targets, pages below docs/benchmarks) is theirs.
The gate's model is left out: it is exact, has no short form, and depends on no machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

# The environment that makes each short.
SHORT: Mapping[str, Mapping[str, str]] = {
    "gate": {"SCALE": "20", "WINDOWS": "3", "CONTENDERS": "this"},
    "feeder": {"SCALE": "20", "LINES": "100000"},
    "api": {"REQUESTS": "300"},
    "results": {"RECORDS": "50000"},
    "webhooks": {"EVENTS": "100"},
    "erasure": {"RECORDS": "2000"},
    "light": {"SHORT": "1"},
}


MOST_SECONDS = 700.0  # of all: what has not ended by then, on a busy machine, is stopped and says so


def main() -> int:
    """Run them one after the other; 1 when one failed."""
    figures: dict[str, object] = {}
    until = time.monotonic() + MOST_SECONDS
    for name, environment in SHORT.items():
        print(f"bench-{name} …", file=sys.stderr, flush=True)  # noqa: T201 - progress
        command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
        figures[name] = figures_of(command, environment, until - time.monotonic())
        print(json.dumps({name: figures[name]}), flush=True)  # noqa: T201 - for programs
    print(json.dumps(figures))  # noqa: T201 - the last line is for programs
    return int(any(isinstance(one, dict) and "failed" in one for one in figures.values()))


def figures_of(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> object:
    """Run one benchmark, for so long at most; return its figures, or why there are none.

    When it is stopped, all that it has started ends with it (`infra/local/processes/`).
    """
    try:
        ran = subprocess.run(  # noqa: S603 - our own command line
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=max(seconds, 1.0),
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {max(seconds, 1.0):.0f} s"}
    return last_json(ran.stdout) if ran.returncode == 0 else {"failed": ran.returncode}


def last_json(output: str) -> object:
    """Return what the last line of an output holds as JSON."""
    return json.loads(output.strip().splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
