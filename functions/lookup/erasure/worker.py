"""One step of an erasure: claimed, searched store by store, and gone on with until a second search finds nothing.

A search finds what is there. What comes behind it is of two kinds: functions that read the tombstones before they were
written (they end within `DRAIN`), and files that were begun from records read before the search, which are unfinished
uploads until somebody completes them. So an erasure is done when a search that began after both finds nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.queues import Delivery, try_dead_letter, try_delay
from lookup.erasure.copies.rosters import Rosters
from lookup.erasure.objects import Objects
from lookup.erasure.people import People
from lookup.erasure.progress import KEPT, totals
from lookup.erasure.queue import LONGEST_DELAY, ErasureQueue, ErasureStep, parse_step
from lookup.erasure.steps import Finding, Store
from lookup.errors import InvalidInput, ServiceError
from lookup.ledger.erasures import Erasure, ErasureLedger, ErasureState, Found
from lookup.model import Clock, timestamp
from lookup.telemetry import Metric, count, logger

# Lambda's longest time, for which a function may go on that read the tombstones before, and how long they are cached.
DRAIN = 15 * 60 + 90.0
UPLOAD_WAIT = 15 * 60.0  # seconds between two looks at unfinished uploads; after a day S3 removes them
ROSTER_WAIT = 12 * 3600.0  # seconds between two looks at rosters that are needed
# What was there before the tombstone is gone after the second search, and what was made of it meanwhile after the
# third. Whoever goes on sending a name, as text that is no identifier or in rosters, must keep no erasure from its end.
SEARCHES_MOST = 5
SAVED = 20.0  # seconds of work that an invocation may do twice after another ended without a word
DELIVERIES = 30  # of one step
UNKNOWN_DELIVERIES = 4  # of a step whose erasure was never written
RECEIPTS = "erasures/"


@dataclass(frozen=True, slots=True)
class Later:
    """The message comes again after so many seconds."""

    seconds: float


class Unknown:
    """There is no such erasure, yet."""


class Done:
    """Nothing is left to do with this message."""


class Superseded(Exception):
    """Somebody else went on with the erasure."""


class Eraser:
    """Serves steps. `drain` is how long writers may go on that have not seen the tombstones."""

    def __init__(
        self,
        *,
        ledger: ErasureLedger,
        queue: ErasureQueue,
        objects: Objects,
        stores: Sequence[Store],
        rosters: Rosters,
        hashes_of: Callable[[str, People], Sequence[str]],
        clock: Clock,
        drain: float = DRAIN,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._objects = objects
        self._stores = stores
        self._rosters = rosters
        self._hashes_of = hashes_of
        self._clock = clock
        self._drain = drain

    def serve(self, step: ErasureStep, *, until: float) -> Later | Unknown | Done:
        """Do one step, until then at most (epoch seconds)."""
        seen = self._ledger.read(step.erasure_id)
        if seen is None or not _is_of(step, seen):
            return Unknown()
        if seen.step != step.step:
            self._send_again(seen, step)
            return Done()
        wait = max(seen.due_at, seen.held_until) - self._clock()
        if wait > LONGEST_DELAY:  # a message that is hidden for hours would look like work that nobody does
            self._queue.send(step, after=LONGEST_DELAY)
            return Done()
        return Later(wait) if wait > 0 else self._claimed(step, seen, until)

    def _claimed(self, step: ErasureStep, seen: Erasure, until: float) -> Later | Done:
        claim = replace(seen, token=uuid4().hex, held_until=until + 60)
        if not self._ledger.write(claim, seen=seen):
            return Later(1.0)
        try:
            if seen.state is ErasureState.COMPLETED:
                self._look_at_rosters(step, claim)
            else:
                self._search(step, claim, until)
        except Superseded:
            pass
        except BaseException:
            self._release(claim)
            raise
        return Done()

    def _release(self, claim: Erasure) -> None:
        """Release at once what this invocation held, as far as the ledger can be written."""
        left = self._ledger.read(claim.erasure_id)
        if left is not None and (left.step, left.held_until) == (claim.step, claim.held_until):
            self._ledger.write(replace(left, held_until=0.0, token=uuid4().hex), seen=left)

    def _send_again(self, seen: Erasure, step: ErasureStep) -> None:
        """Send the step that follows: who wrote that this one is done may have died before it sent it."""
        if seen.step == step.step + 1 and (seen.state is not ErasureState.COMPLETED or seen.rosters):
            self._send(seen, step)

    def _send(self, now: Erasure, step: ErasureStep) -> None:
        named = () if now.state is ErasureState.COMPLETED else step.identifiers
        self._queue.send(ErasureStep(now.erasure_id, now.step, named), after=now.due_at - self._clock())

    def _go_on(self, step: ErasureStep, claim: Erasure, now: Erasure) -> None:
        """Write how far it is, then send the next step."""
        following = replace(now, step=claim.step + 1, held_until=0.0, token=uuid4().hex)
        if not self._ledger.write(following, seen=claim):
            raise Superseded
        if following.state is not ErasureState.COMPLETED or following.rosters:
            self._send(following, step)

    def _search(self, step: ErasureStep, claim: Erasure, until: float) -> None:
        now = self._clock()
        if not claim.mark:
            if claim.passes and self._has_uploads(claim):
                self._go_on(step, claim, replace(claim, due_at=now + UPLOAD_WAIT))
                return
            if not claim.began:
                self._ledger.forget_found(claim.erasure_id)
            claim = self._saved(claim, replace(claim, began=now, searched={}))
        people = People(step.identifiers)
        for place, store in list(enumerate(self._stores))[_place(claim.mark) :]:
            claim, is_over = self._through(store, place, people, claim, until)
            if not is_over:
                self._go_on(step, claim, claim)
                return
        self._end_pass(step, claim)

    def _has_uploads(self, claim: Erasure) -> bool:
        return self._objects.has_uploads_since_before(f"results/workspace={claim.workspace}/", claim.clean_since)

    def _through(self, store: Store, place: int, people: People, claim: Erasure, until: float) -> tuple[Erasure, bool]:
        """Go through one store; return how far it is, and whether it came to its end."""
        searched, saved_at = Counter(claim.searched), self._clock()

        def note(finding: Finding) -> None:
            self._ledger.note(
                claim.erasure_id, Found(number, finding.place, finding.store, finding.records, finding.done)
            )

        number, now = claim.passes, claim
        for progress in store.erase(people, claim.workspace, after=claim.mark.partition("/")[2], note=note):
            searched[store.name] += progress.searched
            now = replace(claim, mark=f"{place}/{progress.mark}", searched=dict(searched))
            if self._clock() > until:
                return self._saved(claim, now), False
            if self._clock() > saved_at + SAVED:
                claim, saved_at = self._saved(claim, now), self._clock()
                now = claim
        return self._saved(claim, replace(now, mark=f"{place + 1}/")), True

    def _saved(self, claim: Erasure, now: Erasure) -> Erasure:
        moved = replace(now, token=uuid4().hex)
        if not self._ledger.write(moved, seen=claim):
            raise Superseded
        return moved

    def _end_pass(self, step: ErasureStep, claim: Erasure) -> None:
        found = list(self._ledger.found(claim.erasure_id))
        own = [one for one in found if one.number == claim.passes]
        needed = tuple(sorted(one.place for one in own if one.done == KEPT))
        removed = [one for one in own if one.done != KEPT]
        now = replace(claim, passes=claim.passes + 1, mark="", rosters=needed, found=totals(found))
        ended_at = self._clock()
        if (removed and now.passes < SEARCHES_MOST) or claim.began < claim.requested_at + self._drain:
            clean_since = ended_at if removed or not claim.passes else claim.clean_since
            due = (ended_at if removed and claim.passes else claim.requested_at) + self._drain
            waiting = replace(now, state=ErasureState.VERIFYING, clean_since=clean_since, due_at=max(due, ended_at))
            self._go_on(step, claim, waiting)
            return
        done = replace(
            now,
            state=ErasureState.COMPLETED,
            finished_at=ended_at,
            receipt=f"{RECEIPTS}{claim.erasure_id}/{timestamp(claim.requested_at)}.json",
            due_at=ended_at + ROSTER_WAIT if needed else 0.0,
        )
        self._write_receipt(done, step, found)
        self._go_on(step, claim, done)
        count(Metric.ERASURES_COMPLETED)

    def _write_receipt(self, done: Erasure, step: ErasureStep, found: Sequence[Found]) -> None:
        said = {
            "schema_version": 1,
            "erasure_id": done.erasure_id,
            "partner": done.partner,
            "workspace": done.workspace,
            "identifiers": done.people,
            "hashes": list(self._hashes_of(done.workspace, People(step.identifiers))),
            "requested_at": timestamp(done.requested_at),
            "finished_at": timestamp(done.finished_at or 0.0),
            "tombstone_until": timestamp(done.tombstone_until),
            "verified": {"searches": done.passes, "began_at": timestamp(done.began), "searched": dict(done.searched)},
            "found": dict(done.found),
            "places": [
                {
                    "search": one.number + 1,
                    "store": one.store,
                    "place": one.place,
                    "records": one.records,
                    "done": one.done,
                }
                for one in found
            ],
            "rosters_needed": list(done.rosters),
        }
        self._objects.put(done.receipt or "", json.dumps(said, indent=1).encode() + b"\n", "application/json")

    def _look_at_rosters(self, step: ErasureStep, claim: Erasure) -> None:
        left = tuple(self._rosters.remove_unneeded(claim.rosters))
        now = self._clock()
        if now > claim.tombstone_until:
            left = ()
        self._go_on(step, claim, replace(claim, rosters=left, due_at=now + ROSTER_WAIT))


def _is_of(step: ErasureStep, seen: Erasure) -> bool:
    """Return whether a step names as many people as its erasure: a search for fewer would verify nothing."""
    return seen.state is ErasureState.COMPLETED or len(step.identifiers) == seen.people


def _place(mark: str) -> int:
    return int(mark.partition("/")[0] or 0)


class ErasureWorker:
    """Serves batches; returns the message ids that the queue must deliver again."""

    def __init__(self, eraser: Eraser, queue: ErasureQueue) -> None:
        self._eraser = eraser
        self._queue = queue

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Serve steps until then (epoch seconds)."""
        return [one.message_id for one in deliveries if not self._is_done(one, until)]

    def _is_done(self, delivery: Delivery, until: float) -> bool:
        try:
            step = parse_step(delivery.body)
        except InvalidInput as error:
            return try_dead_letter(self._queue, delivery, str(error))
        if delivery.received > DELIVERIES:  # also of what ended its function before anybody could say why
            return try_dead_letter(self._queue, delivery, f"not done in {DELIVERIES} deliveries")
        try:
            came = self._eraser.serve(step, until=until)
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("erasure returned", erasure_id=step.erasure_id, error=error_name(error), runbook="Erasures")
            try_delay(self._queue.try_again, delivery)
            return False
        return self._settled(delivery, came)

    def _settled(self, delivery: Delivery, came: Later | Unknown | Done) -> bool:
        if isinstance(came, Later):
            try_delay(lambda one: self._queue.hide(one, came.seconds), delivery)
            return False
        if isinstance(came, Unknown) and delivery.received < UNKNOWN_DELIVERIES:
            try_delay(self._queue.try_again, delivery)
            return False
        return True
