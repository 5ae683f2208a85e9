"""`make interruptions`: runs that are interrupted at random moments of their whole way.

It prints each, then how long they took to end; the exit status is 1 when one of them did not end as promised.
Environment: MOMENTS=n (default 50); SEED=n (default 1); FRESH=n, how many of them are first commands (default a tenth).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.interruptions.interrupting import Ending, interrupted
from tests.interruptions.moments import moments
from tests.signals import as_at_a_terminal

MOMENTS, SEED = 50, 1
LONGEST = 10.0  # seconds to end in


def main() -> int:
    """Interrupt, one run after the other."""
    as_at_a_terminal()
    number, seed = int(os.environ.get("MOMENTS") or MOMENTS), int(os.environ.get("SEED") or SEED)
    fresh = int(os.environ.get("FRESH") or number // 10)
    endings = []
    for moment in moments(seed, number, fresh=fresh):
        with tempfile.TemporaryDirectory() as folder:
            endings.append(interrupted(moment, Path(folder)))
        _show(endings[-1])
    broken = [one for one in endings if not one.is_as_promised or one.seconds > LONGEST]
    seconds = sorted(one.seconds for one in endings)
    middle, late = statistics.median(seconds), seconds[round(0.9 * (len(seconds) - 1))]
    print(  # noqa: T201 - the command's figures
        f"{len(endings)} interrupted, {len(broken)} not as promised; seconds to the end: "
        f"median {middle:.1f}, 90 % within {late:.1f}, longest {seconds[-1]:.1f}"
    )
    return 1 if broken else 0


def _show(ending: Ending) -> None:
    words = "as promised" if ending.is_as_promised else f"LEFT {ending.left}\n{ending.output}"
    print(f"{ending.seconds:5.1f} s, status {ending.status:4}: {ending.moment}; {words}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
