"""A rehearsal says of each step what became of it, and its own arithmetic is right."""

from __future__ import annotations

import pytest

from infra.rehearsal.report import Failed, Report, Skipped, Step, Verdict
from infra.rehearsal.service import Sample, pace


def raising(error: Exception) -> Step:
    def run() -> str:
        raise error

    return Step("step", run, "do this", is_needed=True)


def test_a_step_that_passes_says_what_it_saw(capsys: pytest.CaptureFixture[str]) -> None:
    """A passed step is one line with what was seen, and the next one follows."""
    report = Report()
    assert report.carry_out(Step("token", lambda: "a token", "look", is_needed=True)) is True
    assert report.is_passed
    assert capsys.readouterr().out.splitlines()[-1].split() == ["pass", "token", "0.0", "s", "a", "token"]


@pytest.mark.parametrize("error", [Failed("nothing came"), OSError("nothing came")])
def test_a_failed_step_says_what_to_do(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure names what was seen and what to do, whatever raised it; steps that need it are skipped."""
    report = Report()
    assert report.carry_out(raising(error)) is False
    assert not report.is_passed
    assert capsys.readouterr().out.splitlines()[-1].endswith("nothing came. do this")


def test_a_skipped_step_is_no_failure() -> None:
    """What cannot be carried out here is named with its reason, and the rest goes on."""
    report = Report()
    assert report.carry_out(raising(Skipped("no alarms here"))) is True
    assert [(line.verdict, line.text) for line in report.lines] == [(Verdict.SKIPPED, "no alarms here")]
    assert report.is_passed


@pytest.mark.parametrize(
    ("samples", "share"),
    [
        ([(0, 0), (30, 500), (61, 1000), (120, 1983), (180, 2983), (200, 2983)], 1.0),
        ([(0, 0), (60, 1000), (120, 1500), (180, 2000)], 0.5),
        ([(0, 0), (10, 300)], 1.0),
        ([(0, 0)], 1.0),
    ],
    ids=["full", "half", "within the first window", "one look"],
)
def test_pace_is_what_came_after_the_first_window(samples: list[tuple[float, int]], share: float) -> None:
    """The first window's quota is there at once; from then on the pace is outcomes a second against the quota's."""
    assert pace([Sample(at, done) for at, done in samples], 1000 / 60, 60.0) == pytest.approx(share, abs=0.02)
