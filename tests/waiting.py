"""How tests wait: until what they wait for is there, however slow the machine is.

Whatever may have to wait (for a process, a thread, an answer, a page) is given up after `GIVE_UP` and not before: a
test that fails by it has found something that never comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
GIVE_UP = 300.0  # seconds
LOOK = 0.05  # seconds between two looks


def until(look: Callable[[], T | None], clock: Callable[[], float] = time.monotonic) -> T:
    """Call until the result is neither None nor False, and return it. Raises `AssertionError` after `GIVE_UP`."""
    deadline = clock() + GIVE_UP
    while (seen := look()) is None or seen is False:
        assert clock() < deadline, f"nothing within {GIVE_UP:.0f} s"
        time.sleep(LOOK)
    return seen
