"""What happens to the world in a run: the vendor's faults and outages, its keys, its users; and who dies when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from infra.local.simulator.process import WORKSPACE_ID, Fault, Simulator
from tests.chaos.clock import FastClock
from tests.chaos.crew import Crew
from tests.chaos.plan import Plan
from tests.chaos.vendor_faults import OUTAGE
from tests.lookup.stage import SECRET_ID, Stage

Deed = Callable[[], None]


@dataclass
class Weather:
    """Lets the plan happen. `returns` are when the vendor came back, epoch seconds.

    `versions` are the spans of service time within which the users changed.
    """

    plan: Plan
    clock: FastClock
    stage: Stage
    vendor: Simulator
    crew: Crew
    keys: list[str] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    versions: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pulses: list[Fault] = []
        self._away = False
        self._chance = self.plan.chance("weather")
        self._change_key()
        self._tell_key()
        self._set_faults()

    def run(self) -> None:
        """Do everything at its time, the weather's end last."""
        for at, deed in sorted(self._deeds(), key=lambda one: one[0]):
            self.clock.wait_until(at)
            deed()

    def _deeds(self) -> Iterator[tuple[float, Deed]]:
        for kill in self.plan.kills:
            yield kill, partial(self.crew.kill_one, self._chance)
        for version in self.plan.versions:
            yield version, self._change_users
        for at, pulse in self.plan.pulses:
            yield at, partial(self._pulse, pulse)
        for start, end in self.plan.outages:
            yield start, self._go_away
            yield end, self._come_back
        for rotation in self.plan.rotations:
            yield rotation.at, self._change_key
            yield rotation.at + rotation.gap, self._tell_key

    def _change_users(self) -> None:
        before = self.clock.now()
        self.vendor.set_version(len(self.versions) + 1)
        self.versions.append((before, self.clock.now()))

    def _pulse(self, pulse: Fault) -> None:
        self._pulses.append(pulse)
        self._set_faults()

    def _go_away(self) -> None:
        self._away = True
        self._set_faults()

    def _come_back(self) -> None:
        self._away = False
        self._set_faults()
        self.returns.append(self.clock.passed() + self.clock.started)

    def _set_faults(self) -> None:
        self.vendor.set_faults(*(OUTAGE if self._away else (*self._pulses, *self.plan.vendor)))
        self._pulses.clear()

    def _change_key(self) -> None:
        self.keys.append(f"CANARY-KEY-{self._chance.randrange(16**24):024x}")
        self.vendor.rotate_key(self.keys[-1])

    def _tell_key(self) -> None:
        secret = {"workspace_id": WORKSPACE_ID, "data_api_key": self.keys[-1], "data_center": "01"}
        self.stage.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString=json.dumps(secret))

    def clear_up(self) -> None:
        """Let all be well from now on."""
        self.vendor.set_faults()
