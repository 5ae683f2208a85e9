"""Small runs at the same time, one seed or two: real processes, every kind of fault, promise 1 to the last entry."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.ministack.process import EmbeddedAws
from tests.chaos.orders import Drawing
from tests.chaos.plan import Plan, Size
from tests.chaos.report import Report
from tests.chaos.run import carried_out

SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.second_half) for seed in (2,)))
IDENTIFIERS = 400
FIRST_ACCOUNT = 700_000_000_000


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Future[Report]]]:
    """Carry out the selected seeds' runs at once: most of a run is waiting."""
    here = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    seeds = {int(str(item.callspec.params["seed"])) for item in here if hasattr(item, "callspec")}
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(seeds)) as threads:
        patch.setenv("AWS_ENDPOINT_URL", embedded_aws.endpoint_url)
        yield {seed: threads.submit(_run, seed, embedded_aws, tmp_path_factory.mktemp("chaos")) for seed in seeds}


def _run(seed: int, aws: EmbeddedAws, folder: Path) -> Report:
    session = aws.session(str(FIRST_ACCOUNT + seed))
    return carried_out(seed, IDENTIFIERS, session, folder / "run", lambda *_: None)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_wrong_leaked_or_stuck(runs: dict[int, Future[Report]], seed: int) -> None:
    """Whatever fails, every identifier has exactly one outcome, the right one, and the quota holds."""
    report = runs[seed].result()
    assert report.found.examples == {}
    assert report.found.numbers == dict.fromkeys(("lost", "doubled", "wrong", "quota_exceeded", "leaks", "stuck"), 0)
    assert report.identifiers >= IDENTIFIERS


@pytest.mark.parametrize("seed", SEEDS)
def test_there_were_faults(runs: dict[int, Future[Report]], seed: int) -> None:
    """A run in which nothing went wrong shows nothing: these strike in every run, however busy the machine is."""
    faults = runs[seed].result().faults
    assert (faults["key_rotated"], faults["vendor_outage"]) == (2, 1)
    for kind in ("vendor_away", "killed_at_any_moment", "dynamodb_throttled", "dynamodb_unprocessed_keys"):
        assert faults[kind] > 0
    assert sum(faults.values()) >= 25


def test_a_plan_comes_from_its_seed_alone() -> None:
    """The same seed and size make the same plan and the same orders, another seed others."""
    assert Plan(7, Size.of(IDENTIFIERS)) == Plan(7, Size.of(IDENTIFIERS))
    assert Plan(7, Size.of(IDENTIFIERS)) != Plan(8, Size.of(IDENTIFIERS))
    assert Drawing(7, 10.0).orders(IDENTIFIERS) == Drawing(7, 10.0).orders(IDENTIFIERS)
    assert Drawing(7, 10.0).orders(IDENTIFIERS) != Drawing(8, 10.0).orders(IDENTIFIERS)
