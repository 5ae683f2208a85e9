"""AWS clients are made when they are first used, each once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from lookup.wiring.clients import lazy

THREADS = 8


def test_a_client_is_made_at_its_first_use() -> None:
    """Nothing is made until an attribute is read; after that it is the same client."""
    made = list[SimpleNamespace]()

    def make() -> SimpleNamespace:
        made.append(SimpleNamespace(name="one"))
        return made[-1]

    client = lazy(make)
    assert made == []
    assert (client.name, client.name, len(made)) == ("one", "one", 1)
    with pytest.raises(AttributeError, match="other"):
        _ = client.other


def test_threads_that_meet_at_the_first_use_make_one_client() -> None:
    """boto3's sessions are not thread-safe: of threads that use a client first at once, one makes it."""
    made, together = list[int](), threading.Barrier(THREADS)

    def make() -> SimpleNamespace:
        made.append(threading.get_ident())
        return SimpleNamespace(answer=len(made))

    client = lazy(make)

    def use(_: int) -> int:
        together.wait()
        answer: int = client.answer
        return answer

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(use, range(THREADS))) == [1] * THREADS
    assert len(made) == 1


def test_what_failed_to_be_made_is_made_at_the_next_use() -> None:
    """An error while a client is made reaches the caller; the next use tries again."""
    errors = [OSError("no credentials yet")]

    def make() -> SimpleNamespace:
        if errors:
            raise errors.pop()
        return SimpleNamespace(name="one")

    client = lazy(make)
    with pytest.raises(OSError, match="no credentials yet"):
        _ = client.name
    assert client.name == "one"
