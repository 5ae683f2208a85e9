"""One attack: the honest partners begin, the adversary plays for a while, and then it is counted what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack.adversary import HANDS, Adversary
from tests.attack.caller import Caller
from tests.attack.honest import STORED, Honest, Reader
from tests.attack.measure import HONEST, Figures, measured, users_of
from tests.attack.stage import ATTACKER_SCOPES, LIMIT, SECRET, WEIGHTS, WINDOW, Field, deployed

Advance = Callable[[int, int | None], None]
LOOK = 1.0  # seconds
EXTRA_SECONDS = 300.0  # seconds beyond its time that a run waits until it shows something
SERVED = 200  # users of each honest partner without which a run shows nothing: two parts


def carried_out(seed: int, seconds: float, folder: Path, advance: Advance, *, hands: int = HANDS) -> Figures:
    """Carry an attack of `seconds` out on a stage of its own below `folder`, and return its figures.

    On a busy machine it takes longer: until every move was made and each honest partner served, within `EXTRA_SECONDS`.
    """
    with deployed(folder) as field:
        return Attack(field, seed, seconds, hands).carry_out(advance)


class Attack:
    """The participants."""

    def __init__(self, field: Field, seed: int, seconds: float, hands: int) -> None:
        self._field = field
        self._seed = seed
        self._seconds = seconds
        self._hands = hands
        names = ("large", "small")
        self._honest = [Honest(Caller(name, field.stage), self._entries(name)) for name in names]
        self._reader = Reader(Caller("small", field.stage))
        self._adversary = Adversary(Caller("attacker", field.stage, ATTACKER_SCOPES), self._honest)

    def _entries(self, name: str) -> int:
        """Return a roster's length that lasts to the end, though no other partner requested anything."""
        return round(2 * LIMIT * (self._seconds / WINDOW + 1) * WEIGHTS[name] / sum(WEIGHTS.values())) + LIMIT

    def carry_out(self, advance: Advance) -> Figures:
        """Play, and count."""
        for number in range(STORED):
            attributes = {"city": "Berlin", "secret_note": SECRET}
            self._field.simulator.set_user(f"stored-{number}", attributes)
        self._reader.fill()
        for partner in self._honest:
            partner.begin()
        first, begun = len(self._field.simulator.arrivals()), time.monotonic()
        self._play(advance, first)
        took = time.monotonic() - begun
        arrivals = self._field.simulator.arrivals(since=first)
        honest = [partner.caller for partner in self._honest]
        return measured(self._field.stage, arrivals, self._reader, self._adversary, honest, seconds=took)

    def _shows_something(self, first: int) -> bool:
        """Return whether every move was made and each honest partner served, arrivals counted from `first`."""
        if self._hands and len(self._adversary.made) < len({move.__name__ for move in self._adversary.moves}):
            return False
        users = users_of(self._field.simulator.arrivals(since=first))
        return all(users[name] >= SERVED for name in HONEST)

    def _play(self, advance: Advance, first: int) -> None:
        is_over, ends = threading.Event(), time.monotonic() + self._seconds
        with ThreadPoolExecutor(self._hands + 1) as threads:
            jobs = [threads.submit(self._reader.run, is_over)]
            jobs += [
                threads.submit(self._adversary.run, f"{self._seed}-{hand}", is_over) for hand in range(self._hands)
            ]
            try:
                while not any(job.done() for job in jobs):
                    late = time.monotonic() - ends
                    if late >= EXTRA_SECONDS or (late >= 0 and self._shows_something(first)):
                        break
                    advance(round(min(self._seconds, self._seconds + late)), round(self._seconds))
                    time.sleep(LOOK)
            finally:
                is_over.set()
            for job in jobs:
                job.result()
