"""`make run`: the whole service on this machine, and its main job shown to a person.

Signals are handled before anything else is imported, which takes a second or more.
"""

from __future__ import annotations

import os
import sys

from infra.local.processes import child
from infra.local.processes.interruption import Interruption
from infra.local.processes.lifeline import end_with_make


def main() -> int:
    """Run the job and return the exit status: 128 and the signal's number after a signal."""
    interruption = Interruption(child.kill_all)
    interruption.install_handlers()
    end_with_make(lambda: interruption.is_noted)
    from infra.local.job import run  # noqa: PLC0415 - see above

    status = run(os.environ, interruption.sleep)
    if interruption.is_noted:
        _leave(status)
    return status


def _leave(status: int) -> None:
    """End without waiting for what libraries do at an interpreter's end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
