"""The arithmetic of `make bench-light`, and of what all benchmarks say of a machine that was not quiet."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lookup.quota import Quota
from tests.benchmarks.__main__ import MOST_SECONDS, SHORT, figures_of, last_json
from tests.benchmarks.disturbance import Watch, others, own_seconds, watched
from tests.benchmarks.light import charts
from tests.benchmarks.light.__main__ import SHORT as SMALL
from tests.benchmarks.light.__main__ import Size
from tests.benchmarks.light.cold_start import Starts
from tests.benchmarks.light.growth import Cost, Growth, Measured, Piece, medians
from tests.benchmarks.light.payload import Payloads
from tests.benchmarks.light.report import Report, write
from tests.benchmarks.light.side_by_side import (
    FOLDER,
    PEERS,
    Result,
    SideBySide,
    least_seconds,
    lines_of,
    lines_of_code,
    within,
)
from tests.benchmarks.light.split import MARKED, Split
from tests.waiting import GIVE_UP


def test_a_start_is_compared_with_the_unit_of_its_own_turn() -> None:
    """A turn in which the whole machine is slower changes no ratio; the median of the turns counts."""
    starts = Starts((0.2, 0.4, 0.2), {"on_queue": (0.22, 0.44, 0.6)})
    assert starts.ratios() == {"on_queue": 1.1}


def test_growth_is_the_worst_point_of_the_worst_curve() -> None:
    """The ratio is between the dearest and the cheapest point of one measure on one curve, never of two curves."""
    flat = [Cost(1, 2.0, 1.0, 0.01), Cost(10, 2.1, 1.0, 0.01)]
    steep = [Cost(1, 10.0, 1.0, 0.01), Cost(10, 10.0, 1.5, 0.011)]
    assert Growth(flat, flat).ratio == 1.05
    assert Growth(flat, steep).ratio == 1.5


def test_a_slower_minute_is_no_growth() -> None:
    """Each piece of a point's work is compared with the unit right after it, over all turns; the pieces are summed."""
    first, second = Cost(1, 1.2, 0.2, 0.0), Cost(10, 1.3, 0.2, 0.0)
    quick, slow = [Piece(0.001, 0.05), Piece(0.003, 0.05)], [Piece(0.002, 0.10), Piece(0.006, 0.10)]
    stumbling = [Piece(0.001, 0.05), Piece(0.020, 0.05)]
    turns = [
        [Measured(first, quick), Measured(second, slow)],
        [Measured(first, quick), Measured(second, stumbling)],
        [Measured(first, slow), Measured(second, quick)],
    ]
    costs = medians(turns)
    assert [round(one.cpu, 9) for one in costs] == [0.004, 0.004]
    assert [one.requests for one in costs] == [1.2, 1.3]


def test_identifiers_of_the_side_by_side_run() -> None:
    """One line in twenty repeats another; the same seed gives the same lines."""
    lines = lines_of(1000)
    assert (len(lines), len(set(lines))) == (1000, 950)
    assert lines == lines_of(1000)


def test_lines_of_code_are_those_that_do_something(tmp_path: Path) -> None:
    """Blank lines, comments and the docstring of one line are not counted; every peer has its program."""
    program = tmp_path / "one.py"
    program.write_text('"""What it is."""\n\nimport json\n# why\nprint(json)\n')
    assert lines_of_code(program) == 2
    assert all(20 < lines_of_code(FOLDER / name) < 60 for name in PEERS.values())


def test_time_runs_no_faster_than_the_machine_can_serve() -> None:
    """Half of what the machine can do is enough for the quota, however fast time was to run; a slow one waits less."""
    assert within(1000.0, 10.0) == 10.0
    assert within(200.0, 10.0) == 6.0
    assert within(10.0, 10.0) == 3.0


def test_the_quota_s_own_minimum_is_one_of_whole_windows() -> None:
    """A strict window takes a full limit at once, and the next when it is over: the last one takes no time."""
    assert [least_seconds(Quota(), users) for users in (1, 1000, 1001, 9500)] == [0.0, 0.0, 60.0, 540.0]


def test_what_others_took_disturbs() -> None:
    """Others may take a tenth of a core; own processes may take whatever they need."""
    assert others(10.0, 9.5, 10.0) == pytest.approx(0.05)
    assert others(1.0, 1.2, 10.0) == 0.0
    assert [Watch(cores).disturbed for cores in (None, 0.0, 0.1, 0.11)] == [False, False, False, True]
    with watched() as watch:
        time.sleep(0)
    assert watch.others is None or watch.others >= 0


ORPHAN = """
import os, subprocess, sys, time
if sys.argv[1:] == ["working"]:
    while time.process_time() < 1.0:
        pass
    print(os.getpid(), flush=True)
    os.close(1)
    time.sleep(600)
else:
    subprocess.Popen([sys.executable, __file__, "working"])
"""


def test_what_outlives_its_parent_is_the_benchmarks_own(tmp_path: Path) -> None:
    """A process whose parent has ended, and which has not, took nothing from the benchmark that started it."""
    (tmp_path / "orphan.py").write_text(ORPHAN)
    before = own_seconds()
    with watched():
        started = subprocess.Popen([sys.executable, tmp_path / "orphan.py"], stdout=subprocess.PIPE)  # noqa: S603 - ours
        assert started.stdout is not None
        orphan = int(started.stdout.read())  # once it has worked
        started.wait()
        used = [own_seconds() - before]
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
        used.append(own_seconds() - before)
    started.stdout.close()
    assert min(used) >= 1.0


def test_a_disturbed_run_says_so(tmp_path: Path) -> None:
    """The last line has `disturbed`, and the page a note below its heading; a quiet run's page is unchanged."""
    page = tmp_path / "page.md"
    page.write_text("# Heading\n\ntext\n")
    assert json.loads(Watch(0.02).last_line({"a": 1}, page)) == {"a": 1, "disturbed": False}
    assert page.read_text() == "# Heading\n\ntext\n"
    assert json.loads(Watch(0.5).last_line({"a": 1}, page)) == {"a": 1, "disturbed": True}
    assert page.read_text().startswith("# Heading\n\n**Disturbed**: other processes took 0.50 of a core")


def test_what_is_marked_exists() -> None:
    """A function of the pipeline that is measured is there, and is called by the name under which it is replaced."""
    for module, name in (one for marked in MARKED.values() for one in marked):
        assert callable(getattr(importlib.import_module(module), name)), f"{module}.{name}"


def test_time_inside_a_marked_function_is_counted_once() -> None:
    """What a marked function calls belongs to the inner one; all shares together are the whole."""
    split = Split()

    def busy(seconds: float) -> None:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    inner = split.timed(busy, lambda *_: "inner")

    def both() -> None:
        busy(0.02)
        inner(0.06)

    split.timed(both, lambda: "outer")()
    shares = split.shares(0.1)
    assert 0.55 < shares["inner"] < 0.75
    assert 0.15 < shares["outer"] < 0.35
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.01)


def report() -> Report:
    peer = Result(66.0, 1.1, 520, 20, 0, 3, 24)
    growth = Growth([Cost(1000, 1.3, 0.5, 0.002), Cost(10_000, 1.31, 0.5, 0.002)], [Cost(1, 1.3, 0.5, 0.002)])
    payloads = Payloads(0.03, 0.02, {"S3": 0.1, "rest": 0.9}, {"dynamodb PutItem": 20.0})
    starts = Starts((0.2,), {"on_queue": (0.2,), "on_schedule": (0.3,), "on_request": (0.3,)})
    return Report(
        starts,
        payloads,
        SideBySide({"usual script": peer}, 10.0, 400.0, 1.08),
        growth,
        {"on_queue": 80.0},
        0.0,
        90.0,
        str(SMALL),
    )


def test_the_last_line_and_the_page(tmp_path: Path) -> None:
    """The last line has every figure that is promised; the page marks what is missed, and links its charts."""
    figures = report().to_json()
    assert figures == {
        "cold_start": {"on_queue": 1.0, "on_schedule": 1.5, "on_request": 1.5},
        "cpu_per_payload_ratio": 1.5,
        "users_per_second_per_core": 666.7,
        "peers": {
            "usual script": {"time_ratio": 1.1, "calls": 520, "refusals": 20, "lost": 0, "doubled": 3, "lines": 24}
        },
        "growth_ratio": 1.008,
        "peak_mb": {"on_queue": 80.0},
    }
    page = write(report(), tmp_path).read_text()
    assert "| `on_schedule` | 1.50 | 1.3 | missed |" in page
    assert "| `on_queue` | 1.00 | 1.25 | reached |" in page
    assert "10 quota seconds passed in a real one: quota for 167 users a second." in page
    for chart in tmp_path.glob("*.svg"):
        ET.fromstring(chart.read_text())  # noqa: S314 - our own
        assert f"({chart.name})" in page
    assert len(list(tmp_path.glob("*.svg"))) == 3


def test_a_chart_names_its_values() -> None:
    """Bars show name and value; what would be markup is text."""
    assert "a &lt; b" in charts.bars("t", {"a < b": 2.5}, "s")
    assert ">2.5 s<" in charts.bars("t", {"one": 2.5}, "s")


def test_the_short_form_has_every_benchmark() -> None:
    """`make bench` runs each benchmark that has a command of its own, and reads its last line."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    commands = {
        line.partition(":")[0].removeprefix("bench-") for line in makefile.splitlines() if line.startswith("bench-")
    }
    assert commands - {"gate-model"} == set(SHORT)  # the model is exact, and has no short form
    assert last_json('noise\n{"a": 1}\n') == {"a": 1}
    assert Size().identifiers == 10_000


def test_a_benchmark_that_takes_too_long_is_stopped_and_says_so() -> None:
    """All together end in time, by construction: of one that does not, or fails, the figures say what happened."""
    program = [sys.executable, "-c"]
    assert figures_of([*program, "print('noise'); print('{\"a\": 1}')"], {}, GIVE_UP) == {"a": 1}
    assert figures_of([*program, "raise SystemExit(3)"], {}, GIVE_UP) == {"failed": 3}
    assert figures_of([*program, "import time; time.sleep(600)"], {}, 0.0) == {"failed": "not done in 1 s"}
    assert MOST_SECONDS < 12 * 60
