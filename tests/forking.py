"""Processes that begin within milliseconds: forked from one that has imported what all of them need.

Every process of a benchmark or of a chaos run would else spend half a second of a core on the same imports, and dozens
of them begin. Each is a process of its own, which can be killed. Nothing runs in the one that they are forked from:
it has no threads, no clients, no connections and no settings, so the processes share none.
"""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

PROJECT = Path(__file__).parents[1]
# What they work with, the AWS functions by their handlers. The first context decides: a test process has one to fork
# from, for all of its tests.
IMPORTED = ("boto3", "on_request", "on_queue", "on_conversion", "on_schedule")


def forking() -> ForkServerContext:
    """Return a context whose processes have imported the functions; where that fails, each imports what it needs.

    The process to fork from begins with the first process that is started, and has this process's environment then.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *IMPORTED])
    return context


# Until Python 3.13 a process to fork from has the working directory only on its path.
sys.path += [entry for entry in (str(PROJECT), str(PROJECT / "functions")) if entry not in sys.path]
