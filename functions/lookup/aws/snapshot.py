"""What a function started from a snapshot of its memory (Lambda SnapStart) must not share with its twins.

`uuid4` and TLS take their randomness from the kernel; only the jitter of `random` would be the same in all of them.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from importlib import import_module

from urllib3 import PoolManager


def register_snapstart_hooks(prepare: Callable[[], object]) -> bool:
    """Let Lambda call `prepare` before it takes a snapshot, and `after_restore` after each start from it.

    Tells whether there is a runtime that does so: Lambda's own has the hooks, no other.
    """
    try:
        hooks = import_module("snapshot_restore_py")
    except ImportError:
        return False
    hooks.register_before_snapshot(prepare)
    hooks.register_after_restore(after_restore)
    return True


def after_restore() -> None:
    """Take new randomness, and drop the connections that were open when the snapshot was taken."""
    random.seed()
    for one in gc.get_objects():  # boto3's clients keep their connections in such pools too, out of reach
        if issubclass(type(one), PoolManager):
            one.clear()
