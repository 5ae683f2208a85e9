"""Fault injection of a run: the vendor's faults and outages, key rotations, changed users, killed processes."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from infra.local.simulator.process import WORKSPACE_ID, Fault, Simulator
from tests.chaos.clock import FastClock
from tests.chaos.plan import Plan
from tests.chaos.processes import Processes
from tests.chaos.vendor_faults import AWAY, OUTAGE, changed, dated, failing, firewall
from tests.lookup.stage import SECRET_ID, Stage
from tests.waiting import GIVE_UP

OK, UNAUTHORIZED = 200, 401
LOOK = 0.1  # real seconds between two reads of MoEngage's log
LONGEST_WAIT = 1.5  # horizons
LONGEST_START = GIVE_UP  # real seconds that the first call is waited for
LONGEST_UNUSED = GIVE_UP  # real seconds that a revoked key or an outage waits for a call
SEND_AFTER_LOOKS = 10  # reads without a call, after which one more message is sent: the work may be done

Action = Callable[[], None]


@dataclass
class FaultInjector:
    """Carries out the plan. `returns` are when outages ended, `rotations` when a key was revoked, in epoch seconds.

    `versions` are the spans of service time within which the users changed. `send_one_more` requests one more
    identifier: a fault that waits for a call must not depend on how much work is left. `refused` are the identifiers
    that a firewall refuses, `failing` those over which MoEngage fails.
    """

    plan: Plan
    clock: FastClock
    stage: Stage
    vendor: Simulator
    processes: Processes
    send_one_more: Action
    refused: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    keys: list[str] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    rotations: list[float] = field(default_factory=list)
    versions: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pulses: list[Fault] = []
        self._struck: Counter[str] = Counter()
        self._seen = 0
        self._away = False
        self._is_answering = True
        self._unnoticed = 0
        self._is_calm = threading.Event()
        self._chance, self._draws = self.plan.chance("weather"), self.plan.chance("faults")
        self._change_key()
        self._put_key()
        self._set_faults()

    def run(self) -> None:
        """Carry out everything at its time; then wait, bounded, for pulses that no call has met yet."""
        self._wait_while(lambda: not self._was_called(0), LONGEST_START)  # a fault before any call has no effect
        start = self.clock.passed()
        for at, action in sorted(self._actions(), key=lambda one: one[0]):
            self.clock.wait_until(start + at)
            begun = self.clock.passed()
            action()
            start += self.clock.passed() - begun  # what waited for a call keeps its distance to what follows
        self._wait_while(self._unmet_pulses, LONGEST_WAIT * self.plan.size.horizon - (self.clock.passed() - start))

    def _wait_while(self, lasts: Callable[[], object], max_seconds: float) -> None:
        """Wait while a condition lasts, so many real seconds at most."""
        until = self.clock.passed() + max_seconds
        while lasts() and self.clock.passed() < until:
            if self._is_calm.wait(LOOK):
                return

    def _wait_for_a_call(self, has_come: Callable[[], bool]) -> None:
        """Wait for a call that meets what is in force now; send messages while none comes."""
        looks = count(1)

        def lasts() -> bool:
            if has_come():
                return False
            if next(looks) % SEND_AFTER_LOOKS == 0:
                self.send_one_more()
            return True

        self._wait_while(lasts, LONGEST_UNUSED)

    def _actions(self) -> Iterator[tuple[float, Action]]:
        for kill in self.plan.kills:
            yield kill, partial(self.processes.kill_one, self._chance)
        for version in self.plan.versions:
            yield version, self._change_users
        for at, pulse in self.plan.pulses:
            yield at, partial(self.pulse, pulse)
        for start, end in self.plan.outages:
            yield start, self.start_outage
            yield end, self.end_outage
        for rotation in self.plan.rotations:
            yield rotation.at, partial(self._rotate, rotation.gap)

    def _change_users(self) -> None:
        before = self.clock.now()
        self.vendor.set_version(len(self.versions) + 1)
        self.versions.append((before, self.clock.now()))

    def pulse(self, pulse: Fault) -> None:
        """Inject a fault into the next calls; during an outage, into those after it."""
        self._pulses.append(pulse)
        self._set_faults()

    def start_outage(self) -> None:
        """Begin an outage of the vendor."""
        self._learn()
        self._away, self._is_answering = True, False
        self._unnoticed = self._struck[AWAY]
        self._set_faults()

    def end_outage(self) -> None:
        """End the outage once a call has met it."""
        self._wait_for_a_call(self._is_noticed)
        self._away = False
        self._set_faults()
        self.returns.append(self._now())

    def _is_noticed(self) -> bool:
        self._learn()
        return self._struck[AWAY] > self._unnoticed

    def _unmet_pulses(self) -> list[Fault]:
        """Return the pulses that are left; after an outage they continue once a call has been answered."""
        was_answering = self._is_answering
        self._learn()
        if self._is_answering and not was_answering:
            self._set_faults()
        return self._pulses_left()

    def _learn(self) -> None:
        arrived = self.vendor.arrivals(since=self._seen)
        self._seen += len(arrived)
        self._struck.update(one.fault for one in arrived if one.fault)
        answered = any(one.users and one.status == OK and not one.fault for one in arrived)
        self._is_answering |= answered and not self._away

    def _set_faults(self) -> None:
        """Set the faults in force, drawn anew; all pulses at once would be one more outage."""
        self._learn()
        pulses = self._pulses_left() if self._is_answering else []
        usual = [changed(one, seed=self._draws.randrange(10**6)) for one in self.plan.vendor]
        always = [firewall(self.refused)] if self.refused else []
        always += [failing(self.failing)] if self.failing else []
        in_time = [dated(one, self.clock.now()) for one in pulses]
        self.vendor.set_faults(*(OUTAGE if self._away else (*always, *in_time, *usual)))

    def _pulses_left(self) -> list[Fault]:
        """Return the pulses with calls left: an outage only postpones them."""
        left = [(one, (one.calls or 0) - self._struck[one.name or ""]) for one in self._pulses]
        return [changed(one, calls=calls) for one, calls in left if calls > 0]

    def _rotate(self, gap: float) -> None:
        """Revoke the key just after a call has used it; put the new one into the secret after a call has missed it.

        A call in between meets a revoked key, however new its process; one with a cached key meets that afterwards.
        Then wait for a call with the new one, so that the next rotation meets work too.
        """
        arrived = len(self.vendor.arrivals())
        self._wait_for_a_call(lambda: self._was_called(arrived))
        self.rotations.append(self._now())
        self._change_key()
        self._wait_for_a_call(lambda: self._refused(arrived))
        self._is_calm.wait(gap)
        arrived = len(self.vendor.arrivals())
        self._put_key()
        self._wait_for_a_call(lambda: self._was_called(arrived))

    def _now(self) -> float:
        return self.clock.started + self.clock.passed()

    def _was_called(self, since: int) -> bool:
        return any(call.users for call in self.vendor.arrivals(since=since))

    def _refused(self, since: int) -> bool:
        calls = self.vendor.arrivals(since=since)
        return any(call.status == UNAUTHORIZED and call.epoch > self.rotations[-1] for call in calls)

    def _change_key(self) -> None:
        self.keys.append(f"CANARY-KEY-{self._chance.randrange(16**24):024x}")
        self.vendor.rotate_key(self.keys[-1])

    def _put_key(self) -> None:
        secret = {"workspace_id": WORKSPACE_ID, "data_api_key": self.keys[-1], "data_center": "01"}
        self.stage.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString=json.dumps(secret))

    def stop(self) -> None:
        """Stop all injection."""
        self._is_calm.set()
        self.vendor.set_faults()
