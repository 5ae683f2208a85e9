"""Erasures as partners and operators ask for them: tombstones first, in one transaction with the erasure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from lookup.erasure.queue import ErasureQueue, ErasureStep
from lookup.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from lookup.fetch.tombstones import HashKeys, Tombstones, hash_of
from lookup.ledger.erasures import Erasure, ErasureLedger, ErasureState, TombstoneSet, begun_again
from lookup.model import DAY, Clock, Identifier

IDENTIFIERS_LIMIT = 100  # of one request
TOMBSTONES_LIMIT = 100_000  # of a stage: what every function that fetches keeps in its memory
FIRST_DELAY = 5.0  # seconds before the first search: the message is sent before the erasure is written
ASK_AGAIN = 900.0  # seconds after which a step that nobody is at is sent once more


class ErasureRequests:
    """Begins erasures, and lifts tombstones."""

    def __init__(
        self,
        *,
        ledger: ErasureLedger,
        tombstones: Tombstones,
        keys: HashKeys,
        queue: ErasureQueue,
        days: int,
        clock: Clock,
    ) -> None:
        """`days` is how long a tombstone counts."""
        self._ledger = ledger
        self._tombstones = tombstones
        self._keys = keys
        self._queue = queue
        self._days = days
        self._clock = clock

    def begin(
        self, partner: str, workspace: str, identifiers: Sequence[Identifier], *, per_day: int | None = None
    ) -> Erasure:
        """Begin an erasure; one of the same people that has not ended is returned as it is.

        `per_day` is how many identifiers a partner may name in a day. Raises `LimitExceeded` and `InvalidInput`.
        """
        people = tuple(dict.fromkeys(identifiers))
        if not 1 <= len(people) <= IDENTIFIERS_LIMIT:
            raise InvalidInput("identifiers", f"must be 1 to {IDENTIFIERS_LIMIT}")
        version, key = self._keys.current()
        hashes = {one: hash_of(key, workspace, one) for one in people}
        fresh = self._fresh(_id_of(key, partner, workspace, hashes.values()), partner, workspace, len(people))
        for _ in range(2):
            seen = self._ledger.read(fresh.erasure_id)
            if seen is not None and seen.state is not ErasureState.COMPLETED:
                self._ask_again(seen, people)
                return seen
            begun = fresh if seen is None else begun_again(seen, fresh)
            self._check_room(partner, len(people), per_day)
            self._queue.send(ErasureStep(begun.erasure_id, begun.step, people), after=FIRST_DELAY)
            stones = TombstoneSet(
                begun.erasure_id, workspace, version, frozenset(hashes.values()), begun.tombstone_until
            )
            if self._ledger.begin(begun, stones, seen=seen, per_day=per_day):
                return begun
        raise Conflict("the same erasure is being asked for by somebody else")

    def read(self, partner: str, erasure_id: str) -> Erasure:
        """Return a partner's erasure. Raises `NotFound` for another's, too."""
        found = self._ledger.read(erasure_id)
        if found is None or found.partner != partner:
            raise NotFound("there is no such erasure")
        return found

    def lift(self, workspace: str, identifiers: Iterable[Identifier]) -> int:
        """Lift the tombstones of people; return how many there were."""
        sets = [one for one in self._tombstones.current() if one.workspace == workspace]
        lifted = set[Identifier]()
        for one in sets:
            key = self._keys.of(one.key_version)
            hashes = {hash_of(key, workspace, person): person for person in identifiers}
            held = one.hashes & hashes.keys()
            if held:
                self._ledger.lift([one], frozenset(held))
                lifted |= {hashes[found] for found in held}
        return len(lifted)

    def _ask_again(self, seen: Erasure, people: tuple[Identifier, ...]) -> None:
        """Send the step of an erasure once more that nobody goes on with: its message may have been dead-lettered.

        Not for every request: a message comes again until its erasure has ended, and the next step follows each.
        """
        now = self._clock()
        if now < max(seen.requested_at, seen.due_at, seen.held_until) + ASK_AGAIN:
            return
        if self._ledger.write(replace(seen, due_at=now, token=uuid4().hex), seen=seen):
            self._queue.send(ErasureStep(seen.erasure_id, seen.step, people))

    def _check_room(self, partner: str, people: int, per_day: int | None) -> None:
        """Refuse before a message is sent: nobody is to fill the queue, or put identifiers on it, with refusals."""
        if per_day is not None:
            self._ledger.check_room(partner, people, per_day)
        if sum(len(one.hashes) for one in self._tombstones.current()) + people > TOMBSTONES_LIMIT:
            raise LimitExceeded("tombstones", TOMBSTONES_LIMIT)

    def _fresh(self, erasure_id: str, partner: str, workspace: str, people: int) -> Erasure:
        now = self._clock()
        return Erasure(erasure_id, partner, workspace, people, now, now + self._days * DAY)


def _id_of(key: bytes, partner: str, workspace: str, hashes: Iterable[bytes]) -> str:
    """Return the id that the same people have in every request of a partner; nobody without the key can guess it."""
    digest = hashlib.sha256(key + f"{partner}\x1f{workspace}".encode())
    for one in sorted(hashes):
        digest.update(one)
    return f"erasure-{digest.hexdigest()[:32]}"
