"""`python -m tests.attack`, `make attack`: one attack; exit status 1 when it harmed anybody.

Environment: SEED=n (default 1); SECONDS=n (default 300); HANDS=n of the adversary (default 6; 0 is peace).
"""

from __future__ import annotations

import json
import os
import sys

from infra.local.display import Display
from infra.local.ministack.process import PROJECT
from tests.attack.adversary import HANDS
from tests.attack.run import carried_out

SEED, SECONDS = 1, 300


def main() -> int:
    """Attack, show what happened, and print the figures as JSON last."""
    seed, seconds = int(os.environ.get("SEED") or SEED), int(os.environ.get("SECONDS") or SECONDS)
    hands = int(os.environ.get("HANDS") or HANDS)
    display, folder = Display(), PROJECT / f".local/attack/{seed}"
    display.heading(f"An adversary with seed {seed} plays for {seconds} s against two honest partners")
    with display.bar("seconds") as advance:
        figures = carried_out(seed, seconds, folder, advance, hands=hands)
    display.table(["What", "Count"], [[name, str(value)] for name, value in figures.detail.items()])
    display.line(f"logs: {folder.relative_to(PROJECT)}")
    print(json.dumps(figures.to_json()))  # noqa: T201 - the last line is for programs
    return 0 if figures.holds else 1


if __name__ == "__main__":
    sys.exit(main())
