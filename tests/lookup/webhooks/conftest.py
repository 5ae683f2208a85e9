"""Fixtures of the webhooks' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lookup.webhooks.receivers import HOST, Authority, Receiver, receiver


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who certifies the receivers of all tests."""
    return Authority.of(tmp_path_factory.mktemp("tls"), HOST, *(f"r{number}.example.com" for number in range(10)))


@pytest.fixture
def listening(authority: Authority) -> Iterator[Receiver]:
    """A receiver on loopback."""
    with receiver(authority) as one:
        yield one
