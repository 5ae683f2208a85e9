"""Graceful shutdown: waiting ends at once, running work is finished, the rest is returned to the queue."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import FrameType

import pytest

from infra.local.simulator.process import Simulator
from lookup.aws.lambda_lifecycle import Shutdown
from lookup.errors import RetryLater
from lookup.model import LookupRequest
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

NOW = 1_800_000_000.0


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def stopping(slept: list[float]) -> Shutdown:
    return Shutdown(lambda: NOW, slept.append)


@pytest.fixture
def received() -> Iterator[list[int]]:
    """Note the signals that reach the process's own handler."""
    seen: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGTERM, note)
    yield seen
    signal.signal(signal.SIGTERM, before)


def test_without_shutdown_sleep_lasts(stopping: Shutdown, slept: list[float]) -> None:
    """Without SIGTERM a sleep lasts as long as requested, in pieces short enough to notice a shutdown."""
    for seconds in (0.0, 0.2, 1.2):
        stopping.sleep(seconds)
    assert slept == pytest.approx([0.2, 0.5, 0.5, 0.2])


def test_shutdown_ends_sleep(slept: list[float]) -> None:
    """A sleep that a shutdown interrupts ends within half a second; a later one does not begin."""

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        worker.request()

    worker = Shutdown(lambda: NOW, sleep)
    for _ in range(2):
        with pytest.raises(RetryLater) as given_back:
            worker.sleep(60.0)
        assert (given_back.value.retry_at, given_back.value.reason) == (NOW, "stopping")
    assert slept == [0.5]


def test_sigterm_requests_shutdown_and_is_forwarded(stopping: Shutdown, received: list[int]) -> None:
    """While work runs SIGTERM requests a shutdown; afterwards the previous handler receives it."""
    with stopping.on_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
        assert (stopping.is_requested, received) == (True, [])
    assert received == [signal.SIGTERM]


def test_without_a_signal_nothing_changes(stopping: Shutdown, received: list[int]) -> None:
    """Work that nobody interrupts leaves the process's handler as it was."""
    with stopping.on_sigterm():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert (stopping.is_requested, received) == (False, [signal.SIGTERM])


def test_other_threads_stop_on_request(stopping: Shutdown, received: list[int]) -> None:
    """A thread other than the main one receives no signals: its work runs until a shutdown is requested."""
    seen: list[bool] = []

    def work() -> None:
        with stopping.on_sigterm():
            stopping.request()
            seen.append(stopping.is_requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (seen, received) == ([True], [])


def test_no_payload_is_taken_any_more(stage: Stage, simulator: Simulator) -> None:
    """After a shutdown request a fetch keeps its responses, calls no more, and reports why the rest is missing."""
    services = FetchServices(stage)
    services.vendor = replace(services.vendor, is_stopping=lambda: bool(services.heard))
    wanted = {customer(f"user-{number}"): services.clock() for number in range(50)}
    fetched = services.fetch.fetch(wanted, LookupRequest("default", lookup_id="lookup-1"), until=services.clock() + 60)
    assert len(fetched.outcomes) == 20
    assert isinstance(fetched.cause, RetryLater)
    assert (fetched.cause.reason, simulator.counters().calls) == ("stopping", 1)
