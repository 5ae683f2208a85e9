"""Which runs there are, in what order, and what a person at the terminal sees of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from infra.local.simulator.process import Arrival
from tests.benchmarks.gate.contenders import THIS, Contender
from tests.benchmarks.gate.measure import Figures, figures, job_seconds
from tests.benchmarks.gate.minimum import minimum_seconds
from tests.benchmarks.gate.plan import LEARNING, WARM_UP, Plan
from tests.benchmarks.gate.stage import Run, run
from tests.benchmarks.gate.targets import Gate

JOB_USERS = 1000
JOB_WINDOWS = 2.0
TWO_WORKERS_WINDOWS = 3.0
# Quota seconds in a real second of a burst, and of one in a run that is only for a look: 200 callers at one moment, ten
# times as fast, would measure this machine and nothing else.
BURST_FACTOR, SHORT_BURST_FACTOR = 1.0, 4.0
SHORT_WINDOWS = 5.0  # a run with fewer is only for a look


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: quota seconds in a real second, and windows of each kind."""

    factor: float = 10.0
    windows: float = 10.0

    def plan(self) -> Plan:
        """Return the run in which contenders are compared."""
        warm_up = LEARNING if self.factor == 1 else WARM_UP
        return Plan(self.factor, warm_up=warm_up, alone=self.windows, together=self.windows)

    @property
    def peers_at_once(self) -> int:
        """Return how many peers this machine can run at once: unscaled, all of them take little CPU."""
        return 5 if self.factor == 1 else 3

    def bursts(self) -> Plan:
        """Return the run of a burst, which is not scaled unless for a look."""
        factor = SHORT_BURST_FACTOR if self.factor > 1 and self.windows < SHORT_WINDOWS else BURST_FACTOR
        return Plan(factor, warm_up=1.0, alone=0.0, settle=0.4, together=0.0, bursts=1, drain=0.1)

    def job(self) -> Plan:
        """Return the run of a lone job."""
        return Plan(self.factor, warm_up=0.0, alone=JOB_WINDOWS, together=0.0, job_users=JOB_USERS)

    def two_workers(self) -> Plan:
        """Return the run that counts gate requests."""
        return Plan(self.factor, alone=min(self.windows, TWO_WORKERS_WINDOWS), together=0.0, workers=2)


class Board:
    """The progress bars of the runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def line(self, title: str, plan: Plan) -> Iterator[_Line]:
        """Show one run while it lasts, and a line of its outcome afterwards."""
        line = _Line(self._progress, title, plan)
        yield line
        line.finish()


class _Line:
    def __init__(self, progress: Progress, title: str, plan: Plan) -> None:
        self._progress = progress
        self._title = title
        self._plan = plan
        self._task = progress.add_task(title, total=plan.end, said="starting processes")
        self._users = self._refused = 0
        self._passed = 0.0

    def watch(self, passed: float, newest: Sequence[Arrival]) -> None:
        """Record the vendor's arrivals since the last read."""
        self._users += sum(call.users for call in newest if call.counted)
        self._refused += sum(call.status == HTTPStatus.TOO_MANY_REQUESTS for call in newest)
        self._passed = passed
        spans = self._plan.spans.values()
        span = next((span.name for span in spans if span.start <= passed < span.end), "ending")
        self._progress.update(self._task, completed=min(passed, self._plan.end), said=f"{span:<14} {self._sums()}")

    def finish(self) -> None:
        """Leave one line behind."""
        self._progress.remove_task(self._task)
        self._progress.console.print(f"  {self._title:<40} {self._sums()} in {self._passed:.0f} s")

    def _sums(self) -> str:
        return f"{self._users:>6} users, {self._refused:>5} refused"


@contextmanager
def board(console: Console) -> Iterator[Board]:
    """Show progress while the runs last."""
    columns = (TextColumn("  {task.description:<40}"), BarColumn(24), TextColumn("{task.fields[said]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        yield Board(progress)


def _shown(shown: Board, contender: Contender, plan: Plan, title: str) -> Run:
    with shown.line(title, plan) as line:
        return run(contender, plan, line.watch)


def measure_gate(shown: Board, size: Size) -> Gate:
    """Measure this project's gate, with the machine to itself."""
    job = _shown(shown, THIS, size.job(), "this gate, a lone job")
    two = _shown(shown, THIS, size.two_workers(), "this gate, 2 workers")
    bursts = _shown(shown, THIS, size.bursts(), "this gate, a burst of 200")
    both = _shown(shown, THIS, size.plan(), "this gate")
    least = minimum_seconds(job.plan.quota, JOB_USERS) * size.factor
    return Gate(figures(both), figures(two), figures(bursts), figures(job), job_seconds(job), least)


def measure_peers(shown: Board, size: Size, peers: Sequence[Contender]) -> list[Figures]:
    """Measure the alternatives, several at once; the gate was measured alone."""
    with ThreadPoolExecutor(size.peers_at_once) as pool:
        runs = pool.map(lambda peer: _shown(shown, peer, size.plan(), peer.title), peers)
        return [figures(each) for each in runs]
