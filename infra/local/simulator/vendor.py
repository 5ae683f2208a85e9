"""The simulated MoEngage itself: decides what a call gets, and counts it. Its lock is never held while one sleeps."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra.local.simulator import answers
from infra.local.simulator.answers import NO_FAULT, Reply
from infra.local.simulator.config import LatencyConfig, SimulatorConfig
from infra.local.simulator.faults import Fault, FaultPlan
from infra.local.simulator.journal import DROPPED, Arrival, Counters, count
from infra.local.simulator.quota import Quota, quota_of
from infra.local.simulator.request import IDENTIFIERS_LIMIT, Export, HttpCall, Refusal, read
from infra.local.simulator.users.population import Population

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Decision:
    """What was decided about a call while the lock was held."""

    number: int
    arrival: Arrival
    fault: Fault
    refusal: Refusal | None
    headers: Mapping[str, str]
    latency: float


@dataclass
class Vendor:
    """All workspaces of one simulator. `monotonic` and `epoch` give seconds. Thread-safe."""

    config: SimulatorConfig
    monotonic: Clock = time.monotonic
    epoch: Clock = time.time
    started_with: SimulatorConfig = field(init=False)
    population: Population = field(init=False)
    faults: FaultPlan = field(init=False)
    _arrivals: list[Arrival] = field(init=False)
    _quotas: dict[str, Quota] = field(init=False)
    _latencies: random.Random = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.started_with = self.config
        self.reset(self.config)

    def reset(self, config: SimulatorConfig) -> None:
        """Reset everything: arrivals, quota in use, faults, users that were set. Continue with `config`."""
        quotas = {name: quota_of(workspace.quota) for name, workspace in config.workspaces.items()}
        with self._lock:
            self.config, self._quotas, self._arrivals = config, quotas, []
            self.population = Population(config.not_found_share)
            self.faults = FaultPlan()
            self._latencies = random.Random(config.latency.seed)  # noqa: S311 - repeatable on purpose

    def configure(self, config: SimulatorConfig) -> None:
        """Replace `config`. A workspace whose quota changed counts again what its log says was counted."""
        with self._lock:
            for name, workspace in config.workspaces.items():
                before = self.config.workspaces.get(name)
                if before is None or before.quota != workspace.quota:
                    self._quotas[name] = self._replayed(name, quota_of(workspace.quota))
            if config.latency.seed != self.config.latency.seed:
                self._latencies = random.Random(config.latency.seed)  # noqa: S311 - repeatable on purpose
            self.population.not_found_share = config.not_found_share
            self.config = config

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the faults in force."""
        with self._lock:
            self.faults = FaultPlan(faults)

    def arrivals(self, workspace_id: str | None = None, since: int = 0) -> list[Arrival]:
        """Return the log, from the arrival with the number `since` on, of one workspace or of all."""
        with self._lock:
            calls = [replace(call) for call in self._arrivals[since:]]
        return [call for call in calls if workspace_id in {None, call.workspace_id}]

    def counters(self, workspace_id: str | None = None, window: float | None = None) -> Counters:
        """Count one workspace or all; peaks are of `window` seconds, by default the (first) workspace's own."""
        workspace = self.config.workspaces[workspace_id or next(iter(self.config.workspaces))]
        return count(self.arrivals(workspace_id), window or workspace.quota.window)

    def answer(self, call: HttpCall) -> Reply:
        """Decide about one complete call; the caller waits `delay` seconds and then sends."""
        try:
            request: Export | Refusal = read(call, self.config.workspaces)
        except Refusal as refusal:
            request = refusal
        decision = self._decide(call, request)
        reply = self._write(decision, request)
        decision.arrival.found, decision.arrival.not_found = reply.found, reply.not_found
        return replace(reply, headers={**decision.headers, **reply.headers}, delay=reply.delay + decision.latency)

    def _write(self, decision: _Decision, request: Export | Refusal) -> Reply:
        fault = decision.fault
        if decision.refusal is not None:
            return answers.error(decision.refusal, decision.number, fault)
        if isinstance(request, Refusal) or fault.drop:
            return Reply(DROPPED, b"", delay=fault.delay, drop=True)
        population, workspace_id = self.population, request.workspace_id
        known = {pair: population.find(workspace_id, *pair) for pair in dict.fromkeys(request.identifiers)}
        return answers.users(request, known, fault)

    def _decide(self, call: HttpCall, request: Export | Refusal) -> _Decision:
        with self._lock:
            now, number = self.monotonic(), len(self._arrivals)
            arrival = Arrival(number, now, self.epoch(), call.app_id or "", 0, 200, counted=False)
            arrival.forwarded_for = call.headers.get("x-forwarded-for")
            self._arrivals.append(arrival)
            fault, refusal = NO_FAULT, request if isinstance(request, Refusal) else None
            if isinstance(request, Export):
                fault, refusal = self._admit(arrival, request)
            arrival.status = DROPPED if fault.drop else refusal.status if refusal else 200
            headers = self._rate_limit_headers(arrival) if isinstance(request, Export) else {}
            return _Decision(number, arrival, fault, refusal, headers, draw(self.config.latency, self._latencies))

    def _admit(self, arrival: Arrival, export: Export) -> tuple[Fault, Refusal | None]:
        """Apply a fault, the quota, or both to a call."""
        arrival.workspace_id, arrival.users = export.workspace_id, len(export.identifiers)
        if self.config.log_identifiers:
            arrival.identifiers, arrival.fields = export.identifiers, export.fields
        fault = self.faults.strike(export.workspace_id, export.identifiers) or NO_FAULT
        if fault.counted:
            arrival.counted = self._quotas[export.workspace_id].admit(arrival.monotonic, arrival.users)
            if not arrival.counted:
                return NO_FAULT, answers.refusal_of(429)
        arrival.fault = fault.name
        failing = not fault.drop and (fault.status != 200 or fault.body == "fail")  # noqa: PLR2004 - HTTP
        return fault, answers.refusal_of(fault.status, fault) if failing else None

    def _rate_limit_headers(self, arrival: Arrival) -> dict[str, str]:
        """Write the quota in requests, as the vendor does: 20 users are one."""
        config = self.config.workspaces[arrival.workspace_id].quota
        if config.reset == "absent" or config.mode == "off":
            return {}
        quota, now = self._quotas[arrival.workspace_id], arrival.monotonic
        left = quota.remaining(now)
        seconds = quota.room_in(now, max(arrival.users, left + 1))
        reset = seconds if config.reset == "seconds_left" else arrival.epoch + seconds
        return {
            "x-ratelimit-limit": str(math.ceil(config.limit / IDENTIFIERS_LIMIT)),
            "x-ratelimit-remaining": str(left // IDENTIFIERS_LIMIT),
            "x-ratelimit-reset": str(math.ceil(reset)),
        }

    def _replayed(self, workspace_id: str, quota: Quota) -> Quota:
        for call in self._arrivals:
            if call.counted and call.workspace_id == workspace_id:
                quota.admit(call.monotonic, call.users)
        return quota


def draw(latency: LatencyConfig, source: random.Random) -> float:
    """Draw the seconds that one answer takes."""
    if latency.mean <= 0 or latency.distribution == "constant":
        return max(0.0, latency.mean)
    if latency.distribution == "uniform":
        return max(0.0, source.uniform(latency.mean - latency.spread, latency.mean + latency.spread))
    return source.lognormvariate(math.log(latency.mean) - latency.spread**2 / 2, latency.spread)
