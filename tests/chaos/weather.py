"""What happens to the world in a run: the vendor's faults and outages, its keys, its users; and who dies when."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from infra.local.simulator.process import WORKSPACE_ID, Fault, Simulator
from lookup.gates import Gates
from tests.chaos.clock import FastClock
from tests.chaos.crew import Crew
from tests.chaos.plan import Plan
from tests.chaos.vendor_faults import OUTAGE
from tests.lookup.stage import SECRET_ID, Stage

Deed = Callable[[], None]
LOOKS, LOOK = 10, 0.3  # how often, and how many real seconds apart, the operator looks after a change of key


@dataclass
class Weather:
    """Lets the plan happen. `returns` are when the vendor came back; `versions` when users changed, in service time."""

    plan: Plan
    clock: FastClock
    stage: Stage
    vendor: Simulator
    gates: Gates
    crew: Crew
    keys: list[str] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    versions: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pulses: list[Fault] = []
        self._away = False
        self._chance = self.plan.chance("weather")
        self._change_key()
        self._tell_key()
        self._set_faults()

    def run(self) -> None:
        """Do everything at its time, the weather's end last."""
        deeds = list(self._deeds())
        heapq.heapify(deeds)
        while deeds:
            at, _, deed = heapq.heappop(deeds)
            self.clock.wait_until(at)
            deed()

    def _deeds(self) -> Iterator[tuple[float, int, Deed]]:
        plan, number = self.plan, count()
        for kill in plan.kills:
            yield kill, next(number), lambda: self.crew.kill_one(self._chance)
        for version in plan.versions:
            yield version, next(number), self._change_users
        for at, pulse in plan.pulses:
            yield at, next(number), lambda pulse=pulse: self._pulse(pulse)  # type: ignore[misc]  # bound at once
        for start, end in plan.outages:
            yield start, next(number), self._go_away
            yield end, next(number), self._come_back
        for rotation in plan.rotations:
            yield rotation.at, next(number), self._change_key
            yield rotation.at + rotation.gap, next(number), self._tell_key
            for look in range(1, LOOKS + 1):
                yield rotation.at + rotation.gap + look * LOOK, next(number), self._open

    def _change_users(self) -> None:
        self.versions.append(self.clock.now())
        self.vendor.set_version(len(self.versions))
        self.versions[-1] = (self.versions[-1] + self.clock.now()) / 2

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

    def _open(self) -> None:
        """Be the operator, who looks whether the old key has closed the gate, and opens it."""
        gate = self.gates.of("default")
        if gate.state().closed_reason == "credentials":
            gate.open()

    def clear_up(self) -> None:
        """Let all be well from now on."""
        self.vendor.set_faults()
