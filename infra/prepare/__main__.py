"""`python -m infra.prepare environment FOLDER`, or `quietly TITLE COMMAND…`: exit status 1 after a line of advice."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.local.processes import child
from infra.local.processes.interruption import Interrupted, Interruption
from infra.local.processes.lifeline import end_with_make
from infra.prepare.environment import bring_to_lock, environment_for, scratch
from infra.prepare.line import Line, SetupError


def main(what: str, *arguments: str) -> int:
    """Run one of both, and return the exit status."""
    interruption = Interruption(child.kill_all)
    interruption.install_handlers()
    end_with_make(lambda: interruption.is_noted)
    title = f"Preparing {arguments[0]} (about a minute on a fresh machine)" if what == "environment" else arguments[0]
    line = Line(title, interruption)
    try:
        if what == "environment":
            bring_to_lock(Path(arguments[0]), line)
        else:
            with scratch() as folder:
                line.run(arguments[1:], environment_for(os.environ, folder))
    except SetupError as error:
        line.broken()
        sys.stderr.write(f"{error}\n")
        return 1
    except Interrupted as end:
        line.broken()
        return end.status
    line.done()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
