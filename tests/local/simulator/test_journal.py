"""What is counted: exactly what arrived, also from many processes at once."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.journal import peak
from infra.local.simulator.process import Simulator
from tests.forking import forking
from tests.local.simulator.calling import Asker, asker

gaps = st.lists(st.tuples(st.integers(0, 20).map(lambda quarters: quarters / 4), st.integers(0, 20)), max_size=60)


@settings(deadline=None)
@given(gaps=gaps, window=st.sampled_from([0.5, 2.5, 6.0]))
def test_a_peak_is_the_fullest_window(gaps: list[tuple[float, int]], window: float) -> None:
    """The peak is the largest sum over all windows, each beginning at some arrival, bounds included."""
    now, events = 0.0, []
    for gap, users in gaps:
        now += gap
        events.append((now, users))
    sums = [sum(users for time, users in events if start <= time <= start + window) for start, _ in events]
    assert peak(events, window) == max(sums, default=0)


def test_counters_are_sums_of_the_log(simulator: Simulator, ask: Asker) -> None:
    """Calls, users, found, not found, refusals and peaks agree with what was done."""
    simulator.configure(not_found_share=0.0)
    simulator.set_quota(mode="sliding", limit=5)
    ask("C-1", "C-2", "missing-1")
    ask("C-1", "C-2", "C-3")
    ask("C-1", key="wrong")
    counters = simulator.counters()
    assert (counters.calls, counters.users, counters.users_sent) == (3, 3, 6)
    assert (counters.found, counters.not_found) == (2, 1)
    assert counters.refusals == {401: 1, 429: 1}
    assert (counters.window, counters.peak_users, counters.peak_users_sent) == (60.0, 3, 6)
    assert [(call.status, call.users, call.counted) for call in simulator.arrivals()] == [
        (200, 3, True), (429, 3, False), (401, 0, False),
    ]  # fmt: skip


def test_arrivals_are_timed_before_their_latency(simulator: Simulator, ask: Asker) -> None:
    """An arrival has the time at which the request was complete, on both clocks, not that of the answer."""
    simulator.configure(latency={"mean": 0.3, "distribution": "constant"})
    before, before_epoch = time.monotonic(), time.time()
    ask("C-1")
    after = time.monotonic()
    arrival = simulator.arrivals()[0]
    assert after - before >= 0.3
    assert before <= arrival.monotonic <= after - 0.3
    assert abs(arrival.epoch - before_epoch) < after - before


def _hammer(endpoint_url: str, calls: int) -> None:
    ask = asker(endpoint_url)
    for _ in range(calls):
        assert ask(*(f"C-{number}" for number in range(7)), fields=["id"]).status in {200, 429}


def test_processes_at_once_are_counted_exactly(simulator: Simulator) -> None:
    """Four processes together get what the window holds and not one user more; every call is in the log."""
    simulator.set_quota(mode="sliding", limit=400, window=600.0)
    context = forking()
    workers = [context.Process(target=_hammer, args=(simulator.endpoint_url, 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    counters, arrivals = simulator.counters(), simulator.arrivals()
    assert (counters.calls, counters.users, counters.peak_users) == (100, 399, 399)
    assert counters.refusals == {429: 43}
    assert [call.number for call in arrivals] == list(range(100))
    assert [call.monotonic for call in arrivals] == sorted(call.monotonic for call in arrivals)
