"""What happens to the world in a run: the vendor's faults and outages, its keys, its users; and who dies when."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from infra.local.simulator.process import WORKSPACE_ID, Fault, Simulator
from tests.chaos.clock import FastClock
from tests.chaos.crew import Crew
from tests.chaos.plan import Plan
from tests.chaos.vendor_faults import OUTAGE, changed
from tests.lookup.stage import SECRET_ID, Stage

LOOK = 0.5  # real seconds between two looks whether all pulses have struck
LONGEST_WAIT = 1.5  # horizons
LONGEST_UNUSED = 4.0  # real seconds that a key waits to be used before it is replaced all the same

Deed = Callable[[], None]


@dataclass
class Weather:
    """Lets the plan happen. `returns` are when the vendor came back, `rotations` when a key died, in epoch seconds.

    `versions` are the spans of service time within which the users changed.
    """

    plan: Plan
    clock: FastClock
    stage: Stage
    vendor: Simulator
    crew: Crew
    keys: list[str] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    rotations: list[float] = field(default_factory=list)
    versions: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pulses: list[Fault] = []
        self._struck: Counter[str] = Counter()
        self._seen = 0
        self._away = False
        self._is_calm = threading.Event()
        self._chance = self.plan.chance("weather")
        self._change_key()
        self._tell_key()
        self._set_faults()

    def run(self) -> None:
        """Do everything at its time; then wait for pulses that no call has met yet, if not for ever."""
        for at, deed in sorted(self._deeds(), key=lambda one: one[0]):
            self.clock.wait_until(at)
            deed()
        while self._due() and self.clock.passed() < LONGEST_WAIT * self.plan.size.horizon:
            if self._is_calm.wait(LOOK):
                return

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
        self._away = True
        self._set_faults()

    def come_back(self) -> None:
        """Let the vendor be there again."""
        self._away = False
        self._set_faults()
        self.returns.append(self.clock.passed() + self.clock.started)

    def _set_faults(self) -> None:
        self.vendor.set_faults(*(OUTAGE if self._away else (*self._due(), *self.plan.vendor)))

    def _due(self) -> list[Fault]:
        """Give the pulses that have not struck as often as they shall: an outage only puts them off."""
        arrived = self.vendor.arrivals(since=self._seen)
        self._seen += len(arrived)
        self._struck.update(one.fault for one in arrived if one.fault)
        left = [(one, (one.calls or 0) - self._struck[one.name or ""]) for one in self._pulses]
        return [changed(one, calls=calls) for one, calls in left if calls > 0]

    def _rotate(self, gap: float) -> None:
        """Let the key die that is in use, and tell the secret the new one after so many real seconds."""
        patience = self.clock.passed() + LONGEST_UNUSED
        while not self._is_in_use() and self.clock.passed() < patience:
            self._is_calm.wait(LOOK)
        self.rotations.append(self.clock.started + self.clock.passed())
        self._change_key()
        self._is_calm.wait(gap)
        self._tell_key()

    def _is_in_use(self) -> bool:
        """Tell whether MoEngage has been asked with the present key: one that nobody holds is not missed."""
        since = self.rotations[-1] if self.rotations else 0.0
        return any(call.users for call in self.vendor.arrivals() if call.epoch > since)

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
