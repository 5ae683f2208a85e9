"""A partner who wants every lookup as CSV, and asks for it again and again until it is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.clock import REAL_SLEEP, FastClock
from tests.chaos.http_events import export_of
from tests.chaos.processes import ProcessSlot
from tests.chaos.traffic import TrafficLog

ROUND = 1.0  # real seconds between two rounds of requests
OWN = "lookup-"  # how the ids of a partner's lookups begin; those of the stage's schedules are nobody's
FORMATS = ("csv", "csv_bom")  # in turn
ACCEPTED = 202
LATER = {409, 429}  # its results are not ready yet; ten exports are under way


@dataclass
class ExportPartner:
    """Asks for an export of each lookup that was accepted; `are_all_accepted` says that no other comes."""

    slot: ProcessSlot
    clock: FastClock
    traffic: TrafficLog
    are_all_accepted: Callable[[], bool]
    made: set[str] = field(default_factory=set)

    def run(self, is_over: threading.Event) -> None:
        """Ask until all are made, or the run is over."""
        while not is_over.is_set():
            is_last_round = self.are_all_accepted()
            accepted = dict.fromkeys(name for name, _ in self.traffic.accepted if name.startswith(OWN))
            wanted = [name for name in accepted if name not in self.made]
            if is_last_round and not wanted:
                return
            for lookup_id in wanted:
                self._ask(lookup_id)
            REAL_SLEEP(ROUND)

    def _ask(self, lookup_id: str) -> None:
        written_as = self.traffic.exported.get(lookup_id) or FORMATS[len(self.traffic.exported) % len(FORMATS)]
        reply = self.slot.invoke(export_of(lookup_id, written_as))
        answer = reply and reply.get("answer")
        if answer is None or answer["statusCode"] >= 500 or answer["statusCode"] in LATER:
            return
        if answer["statusCode"] != ACCEPTED:
            raise ValueError(f"a valid request for an export got {answer['statusCode']}: {answer['body']}")
        self.traffic.exported[lookup_id] = written_as
        (export,) = json.loads(answer["body"])["results"]["exports"]
        if export["state"] != "collecting":
            self.made.add(lookup_id)
