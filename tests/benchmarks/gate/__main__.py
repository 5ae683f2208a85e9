"""`python -m tests.benchmarks.gate`: run it all, write the report, print the figures as JSON last.

Environment: SCALE=1 for unscaled time (default 10: quota seconds in a real second); WINDOWS=n measured windows of each
kind (default 10, unscaled 5); CONTENDERS=name,… for fewer peers. Only a whole run is written to docs/benchmarks.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.benchmarks.disturbance import watched
from tests.benchmarks.gate.contenders import CONTENDERS, THIS, Contender
from tests.benchmarks.gate.report import Report, write
from tests.benchmarks.gate.rounds import Size, board, measure_gate, measure_peers
from tests.benchmarks.gate.stage import embedded_aws

PROJECT = Path(__file__).parents[3]
WINDOWS = {True: 5.0, False: 10.0}  # unscaled or not


@dataclass(frozen=True, slots=True)
class Wish:
    """The options from the environment."""

    size: Size
    peers: tuple[Contender, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the report belongs into the documentation."""
        enough = self.size.windows >= WINDOWS[self.size.factor == 1]
        return enough and self.size.factor in {1, 10} and len(self.peers) == len(CONTENDERS) - 1


def wish() -> Wish:
    """Read the environment. Exits with the reason when it makes no sense."""
    try:
        factor = float(os.environ.get("SCALE") or 10)
        windows = float(os.environ.get("WINDOWS") or WINDOWS[factor == 1])
        names = [name for name in (os.environ.get("CONTENDERS") or ",".join(CONTENDERS)).split(",") if name]
        peers = tuple(CONTENDERS[name.strip()] for name in names if name.strip() != THIS.name)
        return Wish(Size(factor, windows), peers)
    except (KeyError, ValueError) as error:
        sys.exit(f"SCALE and WINDOWS are numbers, CONTENDERS some of {', '.join(CONTENDERS)}: {error}")


def main() -> None:
    """Run the benchmark."""
    wanted, console, started = wish(), Console(), time.time()
    console.print(f"The gate and its peers, {wanted.size.factor:g} quota seconds a second; unfinished runs show a bar.")
    with watched() as watch, embedded_aws(PROJECT / ".local/benchmarks/embedded_aws.log"), board(console) as shown:
        gate = measure_gate(shown, wanted.size)
        peers = measure_peers(shown, wanted.size, wanted.peers)
    report = Report(gate, peers, wanted.size, started, time.time() - started)
    folder = PROJECT / ("docs/benchmarks" if wanted.is_whole else ".local/benchmarks")
    page = write(report, folder)
    console.print(f"Written to {page.relative_to(PROJECT)}.")
    for target in report.targets:
        console.print(f"  {'reached' if target.reached else 'MISSED ':<8} {target.what}: {target.measured}")
    print(watch.last_line(report.to_json(), page))  # noqa: T201 - the last line is for programs


if __name__ == "__main__":
    main()
