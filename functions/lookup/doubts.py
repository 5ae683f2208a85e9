"""The line of those to be asked for, and how many at once: halved while what they hold may be why calls fail.

So the one that spoils a payload comes to stand alone, and only it fails. A size that halves with every failure and
doubles with every answer costs about twice the users where every second one is bad, and hardly more where all are.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from lookup.errors import VendorFault, VendorTrouble
from lookup.model import PAYLOAD_LIMIT, Identifier

UNREADABLE, REFUSED_BY_VENDOR = "unreadable", "refused_by_vendor"
# Calls in which an identifier must have met it before it fails: a broken answer may be an accident of one call.
STRIKES = {UNREADABLE: 2, REFUSED_BY_VENDOR: 1}


@dataclass(frozen=True, slots=True)
class Blamed:
    """One that was asked for alone in vain, by a call that left `at` (epoch seconds), and why it fails."""

    identifier: Identifier
    reason: str
    at: float


class Line:
    """Who is still to be asked for, in order."""

    def __init__(self, wanted: Iterable[Identifier]) -> None:
        self._pending = deque(wanted)
        self._alone: deque[Identifier] = deque()  # in neither list of an answer: asked once more, by itself
        self._cap = PAYLOAD_LIMIT
        self._size = PAYLOAD_LIMIT
        self._guilty = 0  # among so many of the first is one that spoils its payload
        self._strikes: Counter[Identifier] = Counter()
        self.blamed: list[Blamed] = []

    def __bool__(self) -> bool:
        return bool(self._pending or self._alone)

    def __len__(self) -> int:
        return len(self._pending) + len(self._alone)

    @property
    def is_alone(self) -> bool:
        """Whether the next one is asked for a second time, by itself."""
        return bool(self._alone)

    @property
    def doubted(self) -> frozenset[Identifier]:
        """Those among whom is one that spoils its payload, as far as is known, and who has not failed yet."""
        guilty = [*self._alone, *islice(self._pending, self._guilty)]
        return frozenset(one for one in guilty if self._strikes[one]) | {one.identifier for one in self.blamed}

    def next(self) -> Sequence[Identifier]:
        """Return the next payload; it stays in line."""
        if self._alone:
            return [self._alone[0]]
        guilty = max(self._guilty // 2, 1) if self._guilty else PAYLOAD_LIMIT
        most = min(self._cap, self._size, guilty, len(self._pending))
        return [self._pending[index] for index in range(most)]

    def drop(self, number: int) -> None:
        """Let the first go."""
        line = self._alone or self._pending
        for _ in range(number):
            line.popleft()
        if line is self._pending:
            self._guilty = max(self._guilty - number, 0)

    def answered(self, number: int, unaccounted: Sequence[Identifier]) -> None:
        """Let the first go, which were answered; those without an answer are asked for alone."""
        is_alone = self.is_alone
        self.drop(number)
        if not is_alone:
            self._alone.extend(unaccounted)
            self._size = min(2 * self._size, PAYLOAD_LIMIT)

    def split(self, number: int) -> None:
        """Ask for half as many from now on: they are too many for one call."""
        self._cap = number // 2

    def doubt(self, payload: Sequence[Identifier], fault: VendorFault, at: float) -> None:
        """Learn that the first in line failed together, by a call that left `at`, perhaps because of one of them."""
        reason = UNREADABLE if isinstance(fault, VendorTrouble) else REFUSED_BY_VENDOR
        self._strikes.update(payload)
        if not self.is_alone:
            self._size = max(len(payload) // 2, 1)
            self._guilty = len(payload)
        if len(payload) == 1 and self._strikes[payload[0]] >= STRIKES[reason]:
            self.drop(1)
            self._guilty = 0
            self.blamed.append(Blamed(payload[0], reason, at))

    def absolve(self) -> None:
        """Forget all doubts: it was the account, or MoEngage."""
        self._pending.extendleft(one.identifier for one in self.blamed)
        self._strikes.clear()
        self.blamed, self._guilty, self._size = [], 0, PAYLOAD_LIMIT

    def condemned(self, well_at: float) -> dict[Identifier, str]:
        """Return those who fail, and why: MoEngage answered others by a call that left no earlier than theirs."""
        failed = {one.identifier: one.reason for one in self.blamed if one.at <= well_at}
        self.blamed = [one for one in self.blamed if one.at > well_at]
        return failed
