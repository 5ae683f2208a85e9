"""A feeder and a worker, each of whose turns may be interrupted, and the invariants they keep."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from lookup.ledger.lookups import InFlight
from lookup.ledger.model import LookupRecord, LookupSpec, LookupState, RecordedPart
from lookup.model import Counts, Part
from lookup.rosters.reader import RosterReader
from tests.lookup.bulk.feeder.interruptions import Crash, Interruptions
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

PART_SIZE = 2
LONG = 900.0  # seconds: every claim, publication and sent part is overdue after it
TURNS = 30  # of draining, far more than any run needs


class World(BulkServices):
    """`delivered` are parts taken off the queue and not served yet, `served` may be delivered once more."""

    has_crashed = False

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.delivered: list[Part] = []
        self.served: list[Part] = []
        self.expected: dict[str, Counts] = {}
        self.specs: list[LookupSpec] = []
        self.between = Interruptions()
        self.between.watch(self.stage.dynamodb, self.stage.sqs)
        self.reader = RosterReader(self.s3, self.settings.bucket_name, part_size=PART_SIZE)

    def carry_out(self, turn: Callable[[], object]) -> None:
        """Run one action, which may crash in the middle."""
        self.clock.now += 1
        try:
            turn()
        except Crash:
            self.has_crashed = True
        finally:
            self.between.arm(0, after=False, action=None)

    def order(self, lines: list[str], partner: str, weight: int) -> None:
        """Submit a lookup over these lines; those of one letter are junk."""
        name = f"lookup-{len(self.expected)}"
        entries = [line for line in lines if line]
        invalid = sum(len(line) == 1 for line in entries)
        self.expected[name] = Counts(requested=len(entries), invalid=invalid)
        body = "".join(f"{line}\n" for line in lines).encode()
        roster = replace(self.roster(body, f"rosters/{name}"), entries=max(1, len(entries)))
        spec = LookupSpec(name, "default", partner, self.clock(), roster, weight=weight)
        self.specs.append(spec)
        self.lookups.submit(spec)

    def take(self) -> None:
        """Take what is on the queue."""
        self.delivered += self.taken()

    def serve(self, part: Part, failures: int) -> None:
        """Do what a worker does with a part: `failures` of its identifiers get no answer."""
        status = self.part_ledger.status_of(part)
        if status.is_counted:
            self.part_ledger.clear_in_flight(part)
        else:
            total = len(part.identifiers)
            failed = total if status.is_cancelled else min(failures, total)
            counts = Counts(total + len(part.invalid), total - failed, invalid=len(part.invalid), failed=failed)
            self.part_ledger.count_completed([counted(part, counts)], f"results/{part.name}")
        self.ending.finish_if_done(part.lookup_id)
        self.feeder.feed("default")

    def serve_next(self, pick: int, failures: int) -> None:
        """Serve one of the delivered parts, in any order; a worker that dies leaves it to the queue."""
        self.take()
        if self.delivered:
            part = self.delivered[pick % len(self.delivered)]
            self.serve(part, failures)
            with suppress(ValueError):  # somebody else's turn may have come between
                self.delivered.remove(part)
            self.served.append(part)

    def serve_all(self, failures: int) -> None:
        """Serve everything that is delivered, and what that brings."""
        self.take()
        while self.delivered:
            self.serve_next(-1, failures)

    def serve_again(self, pick: int, failures: int) -> None:
        """Serve a part that was served before."""
        if self.served:
            self.serve(self.served[pick % len(self.served)], failures)

    def steer(self, pick: int, change: Callable[[LookupSpec], bool]) -> None:
        """Pause, resume, cancel or retry a lookup, as its partner does; 0 is the newest."""
        spec = self.specs[-1 - pick % len(self.specs)]
        if self.lookups.get(spec.lookup_id):
            change(spec)
            self.ending.finish_if_done(spec.lookup_id)

    def retry(self, spec: LookupSpec) -> bool:
        progress = self.lookups.get(spec.lookup_id)
        if progress is None or not progress.tally.counts.failed:
            return False
        return self.states.retry_failed(spec, progress.cursor)

    def resume(self, spec: LookupSpec) -> bool:
        progress = self.lookups.get(spec.lookup_id)
        return progress is not None and self.states.resume(spec, progress.cursor)

    def drain(self) -> None:
        """Run everything to completion: advance the clock, without further crashes."""
        for _ in range(TURNS):
            self.clock.now += LONG
            for spec in self.specs:
                self.resume(spec)
            self.sweep.run("default")
            self.feeder.feed("default")
            self.take()
            while self.delivered:
                self.serve(self.delivered.pop(), 0)
                self.take()
            if not self.unfinished():
                return
        raise AssertionError(f"never ended: {self.unfinished()}")

    def check_along_the_way(self) -> None:
        """Nothing is ever counted that was not requested."""
        for progress in self.lookups.get_many(list(self.expected)):
            _balanced(progress)
            assert progress.tally.counts.requested <= self.expected[progress.spec.lookup_id].requested

    def check_the_end(self) -> None:
        """Promise 1 for every lookup, and nothing is left behind."""
        assert self.lookups.in_flight("default") == InFlight()
        for progress in self.lookups.get_many(list(self.expected)):
            self._ended(progress)

    def _ended(self, progress: LookupRecord) -> None:
        name, counts = progress.spec.lookup_id, progress.tally.counts
        assert progress.state in {LookupState.COMPLETED, LookupState.CANCELLED}
        assert progress.cursor.claim is None
        _balanced(progress)
        assert progress.requested == progress.cursor.entries_fed == counts.requested
        assert progress.tally.parts_done == progress.cursor.parts_fed
        if progress.cursor.exhausted:
            assert (counts.requested, counts.invalid) == (
                self.expected[name].requested,
                self.expected[name].invalid,
            )
        self._recorded_once(progress, self.feed.records(name, after="", limit=100))
        told = [one.finished_at for one in self.events.completed if one.spec.lookup_id == name]
        assert progress.finished_at in told
        assert len(set(told)) == 1 + progress.cursor.retry_round
        assert self.has_crashed or len(told) == len(set(told))

    @staticmethod
    def _recorded_once(progress: LookupRecord, records: list[RecordedPart]) -> None:
        """The records cover what was fed, each byte once, and add up to the lookup's counts."""
        assert [record.origin.start for record in records] == [0, *(one.origin.end for one in records)][: len(records)]
        assert [int(record.number) for record in records] == list(range(1, len(records) + 1))
        for name in ("requested", "found", "not_found", "invalid", "failed"):
            total = sum(getattr(record.counts, name) for record in records)
            assert total == getattr(progress.tally.counts, name)


def _balanced(progress: LookupRecord) -> None:
    counts = progress.tally.counts
    assert counts.requested == counts.found + counts.not_found + counts.invalid + counts.failed
