"""AWS's clients of a test process wait for the embedded AWS, however busy the machine is.

A deployed function's timeouts (the gate's client: one second, and one try) are figures for AWS; tests assert them as
figures, and cut connections and time out by botocore's events. An emulator that is starved for a second is neither.
"""

from __future__ import annotations

from typing import Any

from botocore.httpsession import URLLib3Session

from tests.waiting import GIVE_UP


def be_patient() -> None:
    """Set the timeouts of all clients made from now on to those of a test."""
    make = URLLib3Session.__init__

    def made(self: URLLib3Session, *args: Any, **settings: Any) -> None:
        make(self, *args, **settings | {"timeout": (GIVE_UP, GIVE_UP)})

    URLLib3Session.__init__ = made  # type: ignore[method-assign]  # the library's, as the doc of this module says
