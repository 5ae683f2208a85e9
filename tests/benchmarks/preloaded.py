"""Processes that begin within milliseconds: forked from one that has imported what all of them need.

Every process of a benchmark would else spend half a second of a core on the same imports, and a tiny run begins two
dozen of them. Nothing runs in the process that they are forked from, so it has no threads and no connections.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def forking(*modules: str) -> ForkServerContext:
    """Return a context whose processes have imported `modules`; where they cannot be, each process imports them itself.

    The process to fork from begins with the first process that is started, and has this process's environment then.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *modules])
    return context


# Until Python 3.13 a process to fork from has the working directory only on its path.
sys.path += [entry for entry in (str(PROJECT), str(PROJECT / "functions")) if entry not in sys.path]
