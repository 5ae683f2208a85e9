"""The honest partners: each has a roster under way, and one reads stored profiles all the while."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.attack.caller import Answer, Caller

STORED = 50  # profiles that are read again and again
READ_EVERY = 0.25  # seconds
HOUR = 3600


def roster_of(name: str, entries: int) -> bytes:
    """Write a plain roster whose identifiers name their owner."""
    return "".join(f"{name}-{number:06}\n" for number in range(entries)).encode()


def profile_path(identifier: str, **query: object) -> str:
    """Write the address of one profile."""
    return "/v1/profiles?" + urlencode({"identifier_type": "customer_id", "identifier": identifier, **query})


@dataclass
class Honest:
    """A partner with a roster of `entries`."""

    caller: Caller
    entries: int
    lookup_id: str = ""
    roster_id: str = ""

    def begin(self) -> None:
        """Upload the roster and submit its lookup."""
        self.roster_id = self.caller.upload(roster_of(self.caller.name, self.entries)) or ""
        answer = self.caller.call("POST", "/v1/lookups", {"roster_id": self.roster_id})
        self.lookup_id = str(answer.json()["lookup_id"])


@dataclass
class Reader:
    """Reads profiles from the store, one every quarter of a second, and keeps the answers."""

    caller: Caller
    reads: list[Answer] = field(default_factory=list)

    def fill(self) -> None:
        """Make the profiles be fetched."""
        names = [f"stored-{number}" for number in range(STORED)]
        answer = self.caller.call("POST", "/v1/lookups", {"identifiers": names, "max_age": HOUR})
        if answer.status != 200:
            raise OSError(f"the profiles to be read were not stored (HTTP {answer.status})")

    def run(self, is_over: threading.Event) -> None:
        """Read until it is over."""
        number = 0
        while not is_over.wait(READ_EVERY):
            self.reads.append(self.caller.call("GET", profile_path(f"stored-{number % STORED}", max_age=HOUR)))
            number += 1
