"""What happens to the world in a run: the vendor's faults and outages, its keys, its users; and who dies when."""

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
from tests.chaos.processes import Crew
from tests.chaos.vendor_faults import AWAY, OUTAGE, changed, dated, failing, firewall
from tests.lookup.stage import SECRET_ID, Stage
from tests.waiting import GIVE_UP

OK, UNAUTHORIZED = 200, 401
LOOK = 0.1  # real seconds between two looks at MoEngage's log
LONGEST_WAIT = 1.5  # horizons
LONGEST_START = GIVE_UP  # real seconds that the first call is waited for
LONGEST_UNUSED = GIVE_UP  # real seconds that a dead key or an outage waits for somebody whom it strikes
KNOCK_EVERY = 10  # looks that find nobody, after which somebody is sent: the work may be done already

Deed = Callable[[], None]


@dataclass
class Weather:
    """Lets the plan happen. `returns` are when the vendor came back, `rotations` when a key died, in epoch seconds.

    `versions` are the spans of service time within which the users changed. `knock` lets one more identifier be asked
    for: what waits for somebody to strike must not depend on how much of the work is left. `refused` are those
    that a firewall refuses, over the `failing` MoEngage fails.
    """

    plan: Plan
    clock: FastClock
    stage: Stage
    vendor: Simulator
    crew: Crew
    knock: Deed
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
        self._tell_key()
        self._set_faults()

    def run(self) -> None:
        """Do everything at its time; then wait for pulses that no call has met yet, if not for ever."""
        self._wait_while(lambda: not self._asked(0), LONGEST_START)  # a fault before any call strikes nobody
        start = self.clock.passed()
        for at, deed in sorted(self._deeds(), key=lambda one: one[0]):
            self.clock.wait_until(start + at)
            begun = self.clock.passed()
            deed()
            start += self.clock.passed() - begun  # what waited for somebody to strike comes no nearer to what follows
        self._wait_while(self._unspent, LONGEST_WAIT * self.plan.size.horizon - (self.clock.passed() - start))

    def _wait_while(self, lasts: Callable[[], object], patience: float) -> None:
        """Wait for what others do, so many real seconds at most."""
        until = self.clock.passed() + patience
        while lasts() and self.clock.passed() < until:
            if self._is_calm.wait(LOOK):
                return

    def _wait_for_a_call(self, has_come: Callable[[], bool]) -> None:
        """Wait for a call that meets what is in force now; knock while none comes."""
        looks = count(1)

        def lasts() -> bool:
            if has_come():
                return False
            if next(looks) % KNOCK_EVERY == 0:
                self.knock()
            return True

        self._wait_while(lasts, LONGEST_UNUSED)

    def _deeds(self) -> Iterator[tuple[float, Deed]]:
        for kill in self.plan.kills:
            yield kill, partial(self.crew.kill_one, self._chance)
        for version in self.plan.versions:
            yield version, self._change_users
        for at, pulse in self.plan.pulses:
            yield at, partial(self.pulse, pulse)
        for start, end in self.plan.outages:
            yield start, self.go_away
            yield end, self.come_back
        for rotation in self.plan.rotations:
            yield rotation.at, partial(self._rotate, rotation.gap)

    def _change_users(self) -> None:
        before = self.clock.now()
        self.vendor.set_version(len(self.versions) + 1)
        self.versions.append((before, self.clock.now()))

    def pulse(self, pulse: Fault) -> None:
        """Let the next calls meet a fault; while the vendor is away, those after its return."""
        self._pulses.append(pulse)
        self._set_faults()

    def go_away(self) -> None:
        """Let nobody be answered."""
        self._learn()
        self._away, self._is_answering = True, False
        self._unnoticed = self._struck[AWAY]
        self._set_faults()

    def come_back(self) -> None:
        """Let the vendor be there again, once somebody has noticed that it was not."""
        self._wait_for_a_call(self._is_noticed)
        self._away = False
        self._set_faults()
        self.returns.append(self._now())

    def _is_noticed(self) -> bool:
        self._learn()
        return self._struck[AWAY] > self._unnoticed

    def _unspent(self) -> list[Fault]:
        """Return the pulses that are left; after an outage they go on when somebody has been answered."""
        was_answering = self._is_answering
        self._learn()
        if self._is_answering and not was_answering:
            self._set_faults()
        return self._due()

    def _learn(self) -> None:
        arrived = self.vendor.arrivals(since=self._seen)
        self._seen += len(arrived)
        self._struck.update(one.fault for one in arrived if one.fault)
        answered = any(one.users and one.status == OK and not one.fault for one in arrived)
        self._is_answering |= answered and not self._away

    def _set_faults(self) -> None:
        """Let the faults of now be in force, drawn anew; all pulses at once would be one more outage."""
        self._learn()
        pulses = self._due() if self._is_answering else []
        usual = [changed(one, seed=self._draws.randrange(10**6)) for one in self.plan.vendor]
        always = [firewall(self.refused)] if self.refused else []
        always += [failing(self.failing)] if self.failing else []
        in_time = [dated(one, self.clock.now()) for one in pulses]
        self.vendor.set_faults(*(OUTAGE if self._away else (*always, *in_time, *usual)))

    def _due(self) -> list[Fault]:
        """Return the pulses that have not struck as often as they shall: an outage only puts them off."""
        left = [(one, (one.calls or 0) - self._struck[one.name or ""]) for one in self._pulses]
        return [changed(one, calls=calls) for one, calls in left if calls > 0]

    def _rotate(self, gap: float) -> None:
        """Let the key die just when somebody has used it; tell the secret the new one when it was missed for a while.

        Whoever asks in between meets a dead key, however new their process; who still holds it meets that afterwards.
        Then let the new one be used, so that the next rotation strikes work too.
        """
        arrived = len(self.vendor.arrivals())
        self._wait_for_a_call(lambda: self._asked(arrived))
        self.rotations.append(self._now())
        self._change_key()
        self._wait_for_a_call(lambda: self._refused(arrived))
        self._is_calm.wait(gap)
        arrived = len(self.vendor.arrivals())
        self._tell_key()
        self._wait_for_a_call(lambda: self._asked(arrived))

    def _now(self) -> float:
        return self.clock.started + self.clock.passed()

    def _asked(self, since: int) -> bool:
        return any(call.users for call in self.vendor.arrivals(since=since))

    def _refused(self, since: int) -> bool:
        calls = self.vendor.arrivals(since=since)
        return any(call.status == UNAUTHORIZED and call.epoch > self.rotations[-1] for call in calls)

    def _change_key(self) -> None:
        self.keys.append(f"CANARY-KEY-{self._chance.randrange(16**24):024x}")
        self.vendor.rotate_key(self.keys[-1])

    def _tell_key(self) -> None:
        secret = {"workspace_id": WORKSPACE_ID, "data_api_key": self.keys[-1], "data_center": "01"}
        self.stage.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString=json.dumps(secret))

    def clear_up(self) -> None:
        """Let all be well from now on."""
        self._is_calm.set()
        self.vendor.set_faults()
