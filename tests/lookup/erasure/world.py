"""A stage that holds data of people everywhere, and erasures whose queue and clock a test serves itself."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no type information

from lookup.collection.upload import Upload
from lookup.erasure.objects import Objects
from lookup.erasure.queue import LONGEST_DELAY, ErasureQueue, ErasureStep
from lookup.erasure.requests import ErasureRequests
from lookup.erasure.worker import Eraser, Later
from lookup.fetch.tombstones import Tombstones
from lookup.ledger.erasures import Erasure, ErasureState
from lookup.model import Attributes, Identifier, Outcome, Profile, Status
from lookup.wiring.erasure import ErasureServices
from tests.lookup.collection.world import World, found, outcome
from tests.lookup.services import FakeClock, customer
from tests.lookup.stage import Stage

MINUTES = 900.0
LIVES = 40  # steps after which an erasure must have ended


class Steps(ErasureQueue):
    """A queue that holds what is sent, and moves the clock when what is delayed is taken."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.sent: list[ErasureStep] = []
        self._due: list[float] = []

    def send(self, step: ErasureStep, *, after: float = 0.0) -> None:
        self.sent.append(step)
        self._due.append(self._clock() + min(LONGEST_DELAY, max(0.0, after)))

    def take(self) -> ErasureStep:
        """Take the first step, once it is due."""
        self._clock.now = max(self._clock.now, self._due.pop(0))
        return self.sent.pop(0)


class Erasing(ErasureServices):
    """The services of `on_erasure` over a test's stage."""

    clock: FakeClock

    def __init__(self, stage: Stage, clock: FakeClock) -> None:
        super().__init__(stage.settings, clock, clock.sleep)
        self.stage = stage
        self.session = stage.session
        self.dynamodb, self.s3, self.sqs = stage.dynamodb, stage.s3, stage.sqs
        self.secretsmanager = stage.secretsmanager
        self.steps = Steps(clock)

    @cached_property
    def objects(self) -> Objects:
        return Objects(self.s3, self.settings.bucket_name)

    @cached_property
    def erasure_queue(self) -> ErasureQueue:
        return self.steps

    @cached_property
    def requests(self) -> ErasureRequests:
        return ErasureRequests(
            ledger=self.erasures,
            tombstones=Tombstones(self.erasures, self.hash_keys, self.clock),
            keys=self.hash_keys,
            queue=self.steps,
            days=90,
            clock=self.clock,
        )

    def begin(self, *identifiers: Identifier) -> Erasure:
        return self.requests.begin("acme", "default", identifiers)

    def erase(self, *identifiers: Identifier) -> Erasure:
        """Begin an erasure and serve its steps to its end."""
        begun = self.begin(*identifiers)
        self.finish()
        return self.requests.read("acme", begun.erasure_id)

    def finish(self) -> None:
        """Serve steps until erasures have ended; rosters that are still needed are looked at once more."""
        for _ in range(LIVES):
            if not self.steps.sent or self.is_waiting_for_rosters():
                return
            self.serve_one()
        raise AssertionError("an erasure does not end")

    def is_waiting_for_rosters(self) -> bool:
        return all(not step.identifiers for step in self.steps.sent)

    def serve_one(self, eraser: Eraser | None = None) -> None:
        """Serve the first step that was sent, whenever it is due."""
        step = self.steps.take()
        for _ in range(LIVES):
            came = (eraser or self.eraser).serve(step, until=self.clock() + MINUTES)
            if not isinstance(came, Later):  # done, or a step of what was refused, which is dropped
                return
            self.clock.now += came.seconds + 1
        raise AssertionError("a step is never done")

    def state(self, erasure: Erasure) -> ErasureState:
        return self.requests.read("acme", erasure.erasure_id).state


class ErasureWorld(World):
    """Lookups whose people are erased."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.erasing = Erasing(stage, self.clock)

    def store(self, name: str, attributes: Attributes) -> None:
        """Store a profile, as a fetch does."""
        self.profiles.write(Profile("default", customer(name), attributes, self.clock(), "l-0"), None)

    def lookup(self, lookup_id: str, names: Sequence[str], *, formats: tuple[str, ...] = ("csv",)) -> list[str]:
        """End a lookup of a part for each name, with one other user and one that is not found; return the keys."""
        spec = self.begin(lookup_id, formats=formats)
        keys = []
        for number, name in enumerate(names, 1):
            outcomes = [
                found(name, {"customer_id": name, "city": f'of {number}\n"x"'}, at=self.clock()),
                outcome(f"Other-{lookup_id}-{number}", Status.NOT_FOUND, at=self.clock()),
                found(f"Next-{number}", {"customer_id": f"Next-{number}", "n": number}, at=self.clock()),
            ]
            keys.append(self.arrive(spec, number, outcomes))
        self.end(spec)
        return keys

    def user(self, name: str) -> Outcome:
        """Return the outcome of a user whom MoEngage holds."""
        return found(name, {"customer_id": name}, at=self.clock())

    def slow_uploads(self, begin: Callable[[str, str], Upload]) -> Callable[[str, str], Upload]:
        """Return how uploads are begun, each of which takes a minute and a half."""

        def begun(key: str, content_type: str) -> Upload:
            self.clock.now += 90
            return begin(key, content_type)

        return begun

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Yield all that is stored anywhere, unpacked: every version of every object, every item, every message."""
        s3, bucket = self.stage.s3, self.stage.settings.bucket_name
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", []):
                body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
                yield one["Key"], one["Key"].encode() + _plain(one["Key"], body)
        for table in (self.stage.settings.profiles_table_name, self.stage.settings.ledger_table_name):
            for read in self.stage.dynamodb.get_paginator("scan").paginate(TableName=table):
                for item in read["Items"]:
                    yield table, repr(item).encode()

    def places_of(self, text: str) -> list[str]:
        """Return where a text is to be found, byte by byte."""
        return sorted({place for place, content in self.everything() if text.encode() in content})


def _plain(key: str, body: bytes) -> bytes:
    if body.startswith(b"\x1f\x8b"):
        return gzip.decompress(body)
    if key.endswith(".parquet"):
        return repr(pq.read_table(io.BytesIO(body)).to_pylist()).encode()
    return body
