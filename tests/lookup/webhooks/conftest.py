"""Fixtures of the webhooks' tests."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from tests.lookup.stage import Stage, deployed
from tests.lookup.webhooks.receivers import HOST, Authority, Receiver, receiver, sender_to
from tests.lookup.webhooks.world import World


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who certifies the receivers of all tests."""
    return Authority.of(tmp_path_factory.mktemp("tls"), HOST, *(f"r{number}.example.com" for number in range(10)))


@pytest.fixture
def listening(authority: Authority) -> Iterator[Receiver]:
    """A receiver on loopback."""
    with receiver(authority) as one:
        yield one


@pytest.fixture
def stage(aws: boto3.Session) -> Iterator[Stage]:
    """Deploy a stage that calls no vendor."""
    with deployed(aws, None) as stage:
        yield stage


@pytest.fixture
def world(stage: Stage, listening: Receiver, authority: Authority) -> World:
    """A worker whose calls of `hooks.example.com` reach the receiver, and the partner acme with a webhook there."""
    world = World(stage, sender_to(listening.port, authority.client))
    world.subscribe()
    return world
