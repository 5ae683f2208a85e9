"""AWS's clients of a test process wait for the embedded AWS, however busy the machine is.

What a deployed function gives AWS (the gate's client one second, and one try) is a figure for AWS; tests assert it as a
figure, and cut connections and time out by botocore's events. An emulator that is starved for a second is neither.
"""

from __future__ import annotations

from typing import Any

from botocore.httpsession import URLLib3Session

from tests.waiting import GIVE_UP


def be_patient() -> None:
    """Let all clients made from now on wait for a connection and an answer until a test gives up."""
    make = URLLib3Session.__init__

    def made(self: URLLib3Session, *args: Any, **settings: Any) -> None:
        make(self, *args, **settings | {"timeout": (GIVE_UP, GIVE_UP)})

    URLLib3Session.__init__ = made  # type: ignore[method-assign]  # the library's, as the doc of this module says
