"""`python -m tests.benchmarks.light`: run it all, write docs/benchmarks/light.md, print the figures as JSON last.

Environment: SHORT=1 measures less of everything, for a look; its page goes to .local/benchmarks.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from infra.local.ministack.process import EmbeddedAws
from tests.benchmarks.disturbance import watched
from tests.benchmarks.gate.stage import embedded_aws
from tests.benchmarks.light import cold_start, growth, memory, payload, side_by_side
from tests.benchmarks.light.report import Report, write
from tests.benchmarks.light.stage import ROOT, ample_stage


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; `factor` is quota seconds in a real second."""

    starts: int = cold_start.SAMPLES
    parts: int = payload.PARTS
    identifiers: int = 10_000
    factor: float = 10.0
    sizes: tuple[int, ...] = growth.SIZES
    lookups: tuple[int, ...] = growth.LOOKUPS
    lines: int = memory.LINES

    def __str__(self) -> str:
        return (
            f"{self.starts} starts of each function, {self.parts} parts of 100, {self.identifiers:,} identifiers side "
            f"by side with at most {self.factor:g} quota seconds in a second, rosters up to {self.sizes[-1]:,} lines, "
            f"up to {self.lookups[-1]:,} lookups"
        )


LOG_SHOWN = 5_000  # characters
SHORT = Size(5, 6, 1_100, 10.0, (1_000, 10_000), (1, 30), 100_000)


def measured(server: EmbeddedAws, size: Size) -> Report:
    """Measure everything, one after the other; the embedded AWS runs already."""
    started = time.time()
    _tell("cold starts …")
    with ample_stage(server) as deployed:
        starts = cold_start.measured(deployed, size.starts)
    _tell("memory …")
    peak_mb = memory.measured(server, size.lines)
    _tell("side by side …")
    peers = side_by_side.measured(server, identifiers=size.identifiers, factor=size.factor)
    with _logs_kept_back():
        _tell("CPU of a payload …")
        payloads = payload.measured(server, size.parts)
        _tell("growth …")
        grown = growth.measured(server, size.sizes, size.lookups)
    return Report(starts, payloads, peers, grown, peak_mb, started, time.time() - started, str(size))


@contextlib.contextmanager
def _logs_kept_back() -> Iterator[None]:
    """Keep what handlers of this process log and count off the terminal; show the last of it if something fails."""
    logs = io.StringIO()
    try:
        with contextlib.redirect_stdout(logs):
            yield
    except Exception:
        _tell(logs.getvalue()[-LOG_SHOWN:])
        raise


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress


def main() -> None:
    """Run, write, print."""
    size = SHORT if os.environ.get("SHORT") else Size()
    with watched() as watch, embedded_aws(ROOT / ".local/benchmarks/embedded_aws.log") as server:
        report = measured(server, size)
    page = write(report, ROOT / ("docs/benchmarks" if size == Size() else ".local/benchmarks"))
    last = watch.last_line(report.to_json(), page)
    print(f"Written to {page.relative_to(ROOT)}.")  # noqa: T201 - for the terminal
    print(last)  # noqa: T201 - the last line is for programs


if __name__ == "__main__":
    main()
