"""The queue of identifiers to send, and the payload's size: halved while the content may be why calls fail.

So a bad identifier is isolated, and only it fails. A size that halves with every failure and doubles with every success
costs about twice the users when every second one is bad, and hardly more when all are.
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
# Failed calls before an identifier fails: a broken response may be an accident of one call. A 5xx or a timeout mostly
# is, so of these only calls for the identifier alone count.
STRIKES = {UNREADABLE: 2, REFUSED_BY_VENDOR: 1, UNANSWERABLE: 3}
MAX_UNANSWERED = 30  # calls for one identifier in a row without a response: then the cause is MoEngage
NO_SUSPECTS: Mapping[Identifier, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RefusedContent:
    """An identifier that a call for it alone, sent `at` (epoch seconds), failed for, and the reason."""

    identifier: Identifier
    reason: str
    at: float


class CallQueue:
    """The identifiers to send, in order: those sent alone once more, the others, and the suspects last."""

    def __init__(self, wanted: Iterable[Identifier], doubted: Mapping[Identifier, int] = NO_SUSPECTS) -> None:
        """`doubted` are the suspects of an earlier run, with the number of unanswered calls for each alone.

        They are sent one by one at the end, so that the next run continues the search.
        """
        wanted = list(wanted)
        self._pending = deque(one for one in wanted if one not in doubted)
        self._alone: deque[Identifier] = deque()  # in neither list of a response: sent once more, alone
        self._suspects = deque(one for one in wanted if one in doubted)  # sent alone after the others
        self._cap = PAYLOAD_LIMIT
        self._size = PAYLOAD_LIMIT
        self._searched = 0  # of the first so many one is bad
        self._strikes: Counter[Identifier] = Counter()
        self._unanswered_calls = Counter(doubted)  # unanswered calls for one alone
        self._ready_at: dict[Identifier, float] = {}
        self._unanswered_in_a_row = 0
        self._unanswered: Sequence[Identifier] = ()  # the last payload, if it was unanswered
        self.refused: list[RefusedContent] = []

    def __bool__(self) -> bool:
        return bool(len(self))

    def __len__(self) -> int:
        return len(self._alone) + len(self._pending) + len(self._suspects)

    @property
    def is_alone(self) -> bool:
        """Whether the next identifier is sent alone."""
        return self._first is not self._pending

    @property
    def is_searched(self) -> bool:
        """Whether a bad identifier is searched for."""
        return bool(self._searched or self._suspects)

    @property
    def is_exhausted(self) -> bool:
        """Whether so many calls in a row for one alone were unanswered that the content is not the cause."""
        return self._unanswered_in_a_row > MAX_UNANSWERED

    @property
    def ready_at(self) -> float:
        """The earliest time of the next payload (epoch seconds); 0 for at once."""
        return self._ready_at.get(self._suspects[0], 0.0) if self._first is self._suspects and self._suspects else 0.0

    @property
    def doubted(self) -> frozenset[Identifier]:
        """The identifiers that may be bad and have not failed yet."""
        searched = [*self._alone, *islice(self._pending, self._searched)]
        struck = (one for one in searched if self._strikes[one] or self._unanswered_calls[one])
        return frozenset([*struck, *self._suspects, *self._unanswered]) | {one.identifier for one in self.refused}

    @property
    def _first(self) -> deque[Identifier]:
        """The queue to send from."""
        if self._alone:
            return self._alone
        return self._pending if self._pending or not self._suspects else self._suspects

    def next(self) -> Sequence[Identifier]:
        """Return the next payload; it stays in the queue."""
        if self.is_alone:
            return [self._first[0]]
        searched = max(self._searched // 2, 1) if self._searched else PAYLOAD_LIMIT
        most = min(self._cap, self._size, searched, len(self._pending))
        return [self._pending[index] for index in range(most)]

    def drop(self, number: int) -> None:
        """Remove the first `number`."""
        queue = self._first
        for _ in range(number):
            queue.popleft()
        if queue is self._pending:
            self._searched = max(self._searched - number, 0)

    def answered(self, number: int, unaccounted: Sequence[Identifier]) -> None:
        """Remove the first, which were answered; the unaccounted ones are sent alone."""
        is_alone, self._unanswered, self._unanswered_in_a_row = self.is_alone, (), 0
        self.drop(number)
        if not is_alone:
            self._alone.extend(unaccounted)
            self._size = min(2 * self._size, PAYLOAD_LIMIT)

    def split(self, number: int) -> None:
        """Halve the size of payloads from now on: the last was too large."""
        self._cap = number // 2

    def mark_unanswered(self, payload: Sequence[Identifier]) -> None:
        """Record an unanswered payload, whose content may not be the cause."""
        self._unanswered = payload
        if len(payload) == 1:
            self._unanswered_calls.update(payload)

    def doubt(self, payload: Sequence[Identifier], error: VendorError, at: float, *, rest: float = 0.0) -> None:
        """Record that the payload of a call sent `at` failed, perhaps because of one identifier in it.

        One that was unanswered alone is not sent again for `rest` seconds.
        """
        reason, self._unanswered = _reason(error), ()
        self._strikes.update(payload)
        if not self.is_alone:
            self._size = max(len(payload) // 2, 1)
            self._searched = len(payload)
        if len(payload) > 1:
            return
        one = payload[0]
        self._unanswered_calls[one] += reason == UNANSWERABLE
        self._unanswered_in_a_row += reason == UNANSWERABLE
        if (self._unanswered_calls if reason == UNANSWERABLE else self._strikes)[one] >= STRIKES[reason]:
            self._drop_isolated()
            self.refused.append(RefusedContent(one, reason, at))
        elif reason == UNANSWERABLE:
            self._drop_isolated()
            self._ready_at[one] = at + rest
            self._suspects.append(one)

    def unanswered_calls(self, one: Identifier) -> int:
        """Return the number of unanswered calls for one alone."""
        return self._unanswered_calls[one]

    def _drop_isolated(self) -> None:
        """Remove the first, which was sent alone, and end the search."""
        if self._first is self._pending:
            self._searched = 0
        self.drop(1)

    def clear_suspects(self) -> None:
        """Clear all suspects: the cause is the account or MoEngage."""
        self._pending.extendleft(one.identifier for one in self.refused)
        self._pending.extend(self._suspects)
        self._unanswered = ()
        self._strikes.clear()
        self._unanswered_calls.clear()
        self._suspects.clear()
        self.refused, self._searched, self._size, self._unanswered_in_a_row = [], 0, PAYLOAD_LIMIT, 0

    def settle_refused(self, succeeded_at: float) -> dict[Identifier, str]:
        """Return the identifiers that fail, with reasons: a call sent no earlier than theirs has succeeded."""
        failed = {one.identifier: one.reason for one in self.refused if one.at <= succeeded_at}
        self.refused = [one for one in self.refused if one.at > succeeded_at]
        return failed


def _reason(error: VendorError) -> str:
    if not isinstance(error, VendorUnavailable):
        return REFUSED_BY_VENDOR
    return UNREADABLE if error.may_be_content else UNANSWERABLE
