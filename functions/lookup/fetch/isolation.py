"""The line of those to be asked for, and how many at once: halved while what they hold may be why calls fail.

So the one that spoils a payload comes to stand alone, and only it fails. A size that halves with every failure and
doubles with every answer costs about twice the users where every second one is bad, and hardly more where all are.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from lookup.errors import VendorError, VendorUnavailable
from lookup.model import PAYLOAD_LIMIT, Identifier

UNREADABLE, REFUSED_BY_VENDOR, UNANSWERABLE = "unreadable", "refused_by_vendor", "unanswerable"
# Calls in which an identifier must have met it before it fails: a broken answer may be an accident of one call. A 5xx
# and silence are accidents oftener than not, so only calls for nobody else count of them.
STRIKES = {UNREADABLE: 2, REFUSED_BY_VENDOR: 1, UNANSWERABLE: 3}
MOST_IN_VAIN = 30  # calls in a row, each for one alone, that meet trouble: then it is MoEngage's, for all that is known
NOBODY_DOUBTED: Mapping[Identifier, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RefusedContent:
    """One that was asked for alone in vain, by a call that left `at` (epoch seconds), and why it fails."""

    identifier: Identifier
    reason: str
    at: float


class CallQueue:
    """Who is still to be asked for, in order: those asked for alone once more, the others, and the suspects last."""

    def __init__(self, wanted: Iterable[Identifier], doubted: Mapping[Identifier, int] = NOBODY_DOUBTED) -> None:
        """`doubted` are those among whom somebody was searched for before, with their calls alone that met trouble.

        They are asked for one by one, at the end: what a short search learns must not be lost in the next.
        """
        wanted = list(wanted)
        self._pending = deque(one for one in wanted if one not in doubted)
        self._alone: deque[Identifier] = deque()  # in neither list of an answer: asked once more, by itself
        self._suspects = deque(one for one in wanted if one in doubted)  # asked for alone, when the others are answered
        self._cap = PAYLOAD_LIMIT
        self._size = PAYLOAD_LIMIT
        self._guilty = 0  # among so many of the first is one that spoils its payload
        self._strikes: Counter[Identifier] = Counter()
        self._in_vain = Counter(doubted)  # calls for this one alone that met trouble
        self._ready_at: dict[Identifier, float] = {}
        self._vain_in_a_row = 0
        self._borne: Sequence[Identifier] = ()  # met trouble, and nobody has been answered since
        self.blamed: list[RefusedContent] = []

    def __bool__(self) -> bool:
        return bool(len(self))

    def __len__(self) -> int:
        return len(self._alone) + len(self._pending) + len(self._suspects)

    @property
    def is_alone(self) -> bool:
        """Whether the next one is asked for by itself, after a call that did not say what it is."""
        return self._first is not self._pending

    @property
    def is_searched(self) -> bool:
        """Whether somebody who spoils the others' calls is searched for."""
        return bool(self._guilty or self._suspects)

    @property
    def is_hopeless(self) -> bool:
        """Whether so many in a row got no answer that they are not odd ones: only misses may be answered now."""
        return self._vain_in_a_row > MOST_IN_VAIN

    @property
    def ready_at(self) -> float:
        """From when on the next payload may be asked for (epoch seconds); 0 for at once."""
        return self._ready_at.get(self._suspects[0], 0.0) if self._first is self._suspects and self._suspects else 0.0

    @property
    def doubted(self) -> frozenset[Identifier]:
        """Those among whom is one that spoils its payload, as far as is known, and who has not failed yet."""
        guilty = [*self._alone, *islice(self._pending, self._guilty)]
        struck = (one for one in guilty if self._strikes[one] or self._in_vain[one])
        return frozenset([*struck, *self._suspects, *self._borne]) | {one.identifier for one in self.blamed}

    @property
    def _first(self) -> deque[Identifier]:
        """The line that is asked for now."""
        if self._alone:
            return self._alone
        return self._pending if self._pending or not self._suspects else self._suspects

    def next(self) -> Sequence[Identifier]:
        """Return the next payload; it stays in line."""
        if self.is_alone:
            return [self._first[0]]
        guilty = max(self._guilty // 2, 1) if self._guilty else PAYLOAD_LIMIT
        most = min(self._cap, self._size, guilty, len(self._pending))
        return [self._pending[index] for index in range(most)]

    def drop(self, number: int) -> None:
        """Let the first go."""
        line = self._first
        for _ in range(number):
            line.popleft()
        if line is self._pending:
            self._guilty = max(self._guilty - number, 0)

    def answered(self, number: int, unaccounted: Sequence[Identifier]) -> None:
        """Let the first go, which were answered; those without an answer are asked for alone."""
        is_alone, self._borne, self._vain_in_a_row = self.is_alone, (), 0
        self.drop(number)
        if not is_alone:
            self._alone.extend(unaccounted)
            self._size = min(2 * self._size, PAYLOAD_LIMIT)

    def split(self, number: int) -> None:
        """Ask for half as many from now on: they are too many for one call."""
        self._cap = number // 2

    def borne(self, payload: Sequence[Identifier]) -> None:
        """Learn that a payload met trouble, which is not known yet to be its own."""
        self._borne = payload
        if len(payload) == 1:
            self._in_vain.update(payload)

    def doubt(self, payload: Sequence[Identifier], fault: VendorError, at: float, *, rest: float = 0.0) -> None:
        """Learn that the first in line failed together, by a call that left `at`, perhaps because of one of them.

        One that met trouble alone is not asked for again for `rest` seconds.
        """
        reason, self._borne = _reason(fault), ()
        self._strikes.update(payload)
        if not self.is_alone:
            self._size = max(len(payload) // 2, 1)
            self._guilty = len(payload)
        if len(payload) > 1:
            return
        one = payload[0]
        self._in_vain[one] += reason == UNANSWERABLE
        self._vain_in_a_row += reason == UNANSWERABLE
        if (self._in_vain if reason == UNANSWERABLE else self._strikes)[one] >= STRIKES[reason]:
            self._isolated()
            self.blamed.append(RefusedContent(one, reason, at))
        elif reason == UNANSWERABLE:
            self._isolated()
            self._ready_at[one] = at + rest
            self._suspects.append(one)

    def in_vain(self, one: Identifier) -> int:
        """Return how many calls for one alone have met trouble."""
        return self._in_vain[one]

    def _isolated(self) -> None:
        """Let the first go, which stood alone; nobody beside it is known to be guilty."""
        if self._first is self._pending:
            self._guilty = 0
        self.drop(1)

    def absolve(self) -> None:
        """Forget all doubts: it was the account, or MoEngage."""
        self._pending.extendleft(one.identifier for one in self.blamed)
        self._pending.extend(self._suspects)
        self._borne = ()
        self._strikes.clear()
        self._in_vain.clear()
        self._suspects.clear()
        self.blamed, self._guilty, self._size, self._vain_in_a_row = [], 0, PAYLOAD_LIMIT, 0

    def condemned(self, well_at: float) -> dict[Identifier, str]:
        """Return those who fail, and why: MoEngage answered others by a call that left no earlier than theirs."""
        failed = {one.identifier: one.reason for one in self.blamed if one.at <= well_at}
        self.blamed = [one for one in self.blamed if one.at > well_at]
        return failed


def _reason(fault: VendorError) -> str:
    if not isinstance(fault, VendorUnavailable):
        return REFUSED_BY_VENDOR
    return UNREADABLE if fault.may_be_content else UNANSWERABLE
